-- Event handlers: each bound one is a consumer of the clockwork.

CREATE TABLE handler (
    id INTEGER PRIMARY KEY AUTOINCREMENT,   -- event_handler_id
    portal TEXT NOT NULL,
    app INTEGER NOT NULL REFERENCES app (id),
    event TEXT NOT NULL,                    -- ONLIVEFEEDPOSTUPDATE
    url TEXT NOT NULL,
    auth_type INTEGER NOT NULL,             -- whose tokens; 0: those of the acting user
    owner INTEGER NOT NULL,                 -- who bound it
    consumer INTEGER,                       -- of the clockwork; set in the unit that binds
    state TEXT NOT NULL CHECK (state IN ('bound', 'unbound')),
    reason TEXT NOT NULL,                   -- why it is unbound, in words
    bound_at INTEGER NOT NULL,
    unbound_at INTEGER
) STRICT;

CREATE INDEX handler_bound ON handler (portal, event) WHERE state = 'bound';
CREATE UNIQUE INDEX handler_once ON handler (app, event, url, auth_type) WHERE state = 'bound';
CREATE INDEX handler_consumer ON handler (consumer);
