-- Outgoing webhooks: handlers that belong to no application; webhooks of both kinds found by their number.

-- Incoming and outgoing webhooks are numbered together.
CREATE UNIQUE INDEX webhook_number ON webhook (portal, id);

CREATE TABLE outgoing_webhook (
    portal TEXT NOT NULL,
    id INTEGER NOT NULL,
    person INTEGER NOT NULL,                -- who made it, or took it over
    name TEXT NOT NULL,
    url TEXT NOT NULL,                      -- where its events are sent
    application_token BLOB NOT NULL,        -- sealed; sent in every event
    created_at INTEGER NOT NULL,
    removed_at INTEGER,                     -- the row stays, for questions about its handlers
    PRIMARY KEY (portal, id)
) STRICT, WITHOUT ROWID;

-- The table of handlers anew: the application may be absent, and then there is an outgoing webhook.
CREATE TABLE handler_of_either (
    id INTEGER PRIMARY KEY AUTOINCREMENT,   -- event_handler_id
    portal TEXT NOT NULL,
    app INTEGER REFERENCES app (id),
    webhook INTEGER,                        -- outgoing_webhook of the same portal
    event TEXT NOT NULL,                    -- ONLIVEFEEDPOSTUPDATE
    url TEXT NOT NULL,
    auth_type INTEGER NOT NULL,             -- whose tokens; 0: those of the acting user
    owner INTEGER NOT NULL,                 -- who bound it
    consumer INTEGER,                       -- of the clockwork; set in the unit that binds
    state TEXT NOT NULL CHECK (state IN ('bound', 'unbound')),
    reason TEXT NOT NULL,                   -- why it is unbound, in words
    bound_at INTEGER NOT NULL,
    unbound_at INTEGER,
    CHECK ((app IS NULL) <> (webhook IS NULL))
) STRICT;

INSERT INTO handler_of_either (id, portal, app, event, url, auth_type, owner, consumer, state, reason, bound_at, unbound_at)
SELECT id, portal, app, event, url, auth_type, owner, consumer, state, reason, bound_at, unbound_at FROM handler;

DROP TABLE handler;
ALTER TABLE handler_of_either RENAME TO handler;

CREATE INDEX handler_bound ON handler (portal, event) WHERE state = 'bound';
CREATE UNIQUE INDEX handler_once ON handler (app, event, url, auth_type) WHERE state = 'bound' AND app IS NOT NULL;
CREATE UNIQUE INDEX handler_webhook ON handler (portal, webhook, event) WHERE state = 'bound' AND webhook IS NOT NULL;
CREATE INDEX handler_consumer ON handler (consumer);
