-- Effects outside our database that are to happen once: recorded before they begin and after they have happened.
CREATE TABLE effect (
    portal TEXT    NOT NULL,
    place  TEXT    NOT NULL,   -- the event and the handler; empty: the portal
    key    TEXT    NOT NULL,   -- the handler's name for it
    state  TEXT    NOT NULL,   -- planned | sending | done | skipped
    lane   TEXT    NOT NULL DEFAULT '',   -- whose call is sending: its lane, and its lease
    token  INTEGER NOT NULL DEFAULT 0,
    until  INTEGER NOT NULL DEFAULT 0,    -- when another lane may take it that it is not sending any more, ms
    calls  INTEGER NOT NULL DEFAULT 0,    -- how often it was begun
    at     INTEGER NOT NULL,              -- last change, ms
    PRIMARY KEY (portal, place, key)
) WITHOUT ROWID;
CREATE INDEX effect_at ON effect (at);

-- How the tries of each handler of an event went, while the event is not done with.
CREATE TABLE trial (
    event    TEXT    NOT NULL,   -- digest of the sealed event: the same when it is put back from a dead letter
    handler  TEXT    NOT NULL,
    portal   TEXT    NOT NULL,
    state    TEXT    NOT NULL,   -- failing | given up | finished
    attempts INTEGER NOT NULL,
    first_at INTEGER NOT NULL,   -- when its first try became possible, ms
    due_at   INTEGER NOT NULL,   -- when it is called again, ms
    reason   TEXT    NOT NULL DEFAULT '',
    at       INTEGER NOT NULL,
    PRIMARY KEY (event, handler)
) WITHOUT ROWID;
CREATE INDEX trial_at ON trial (at);
CREATE INDEX trial_portal ON trial (portal);

-- What the application itself has written to a feed of late: the events of it come back to it.
CREATE TABLE own_write (
    id       TEXT    NOT NULL PRIMARY KEY,
    portal   TEXT    NOT NULL,
    event    TEXT    NOT NULL,   -- the event that it raises
    post     INTEGER NOT NULL,   -- 0: a new one, its number is not known yet
    content  TEXT    NOT NULL,   -- JSON: keyed hashes of what was written
    at       INTEGER NOT NULL,   -- when the call began, ms
    explains INTEGER             -- the event that was taken for its echo
) WITHOUT ROWID;
CREATE INDEX own_write_post ON own_write (portal, post, at);
CREATE INDEX own_write_at ON own_write (at);
