-- Offline events: changes kept for applications that fetch them, the latest state only.

CREATE TABLE offline_binding (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    portal TEXT NOT NULL,
    app INTEGER NOT NULL REFERENCES app (id),
    event TEXT NOT NULL,                    -- ONLIVEFEEDPOSTUPDATE
    connector TEXT NOT NULL,                -- auth_connector; empty: the queue without a source
    auth_type INTEGER NOT NULL,             -- as it was given; shown, nobody is sent tokens
    owner INTEGER NOT NULL,                 -- who bound it
    bound_at INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX offline_binding_once ON offline_binding (app, event, connector);
CREATE INDEX offline_binding_event ON offline_binding (portal, event);

CREATE TABLE offline_record (
    id INTEGER PRIMARY KEY AUTOINCREMENT,   -- ID
    app INTEGER NOT NULL REFERENCES app (id),
    connector TEXT NOT NULL,                -- as bound
    event TEXT NOT NULL,                    -- EVENT_NAME
    object INTEGER NOT NULL,                -- the post it is about
    message INTEGER NOT NULL,               -- MESSAGE_ID: the same for all records of one event and object
    process TEXT NOT NULL DEFAULT '',       -- PROCESS_ID; empty: free
    is_error INTEGER NOT NULL DEFAULT 0,    -- ERROR
    changed_at INTEGER NOT NULL,            -- TIMESTAMP_X, ms
    reserved_at INTEGER                     -- ms
) STRICT;

-- One free record for each event and object, whatever has become of earlier ones.
CREATE UNIQUE INDEX offline_free ON offline_record (app, connector, event, object) WHERE process = '';
CREATE INDEX offline_queue ON offline_record (app, connector, process, changed_at, id);
CREATE INDEX offline_numbers ON offline_record (app, connector, id);
CREATE INDEX offline_ages ON offline_record (changed_at);

-- When the handlers of ONOFFLINEEVENT were last told, and how long they want to be left alone.
CREATE TABLE offline_bell (
    handler INTEGER PRIMARY KEY REFERENCES handler (id),
    pause_ms INTEGER NOT NULL,              -- options[minTimeout]
    told_at INTEGER                         -- ms
) STRICT;
