-- What filters and orders of event.offline.* find without a walk through all that waits in a queue.

CREATE INDEX offline_times ON offline_record (app, connector, changed_at, id);
CREATE INDEX offline_messages ON offline_record (app, connector, message);
CREATE INDEX offline_events ON offline_record (app, connector, event, process, changed_at, id);
CREATE INDEX offline_failed ON offline_record (app, connector, changed_at, id) WHERE is_error = 1;
