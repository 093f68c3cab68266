-- What one process has taken of an application's queues, without a walk through all that waits in them.

CREATE INDEX offline_taken ON offline_record (app, process) WHERE process <> '';
