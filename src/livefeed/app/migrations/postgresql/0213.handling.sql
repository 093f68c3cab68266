-- Effects outside our database that are to happen once: recorded before they begin and after they have happened.
CREATE TABLE effect (
    portal TEXT COLLATE "C" NOT NULL,
    place  TEXT COLLATE "C" NOT NULL,   -- the event and the handler; empty: the portal
    key    TEXT COLLATE "C" NOT NULL,   -- the handler's name for it
    state  TEXT COLLATE "C" NOT NULL,   -- planned | sending | done | skipped
    lane   TEXT COLLATE "C" NOT NULL DEFAULT '',   -- whose call is sending: its lane, and its lease
    token  BIGINT NOT NULL DEFAULT 0,
    until  BIGINT NOT NULL DEFAULT 0,    -- when another lane may take it that it is not sending any more, ms
    calls  BIGINT NOT NULL DEFAULT 0,    -- how often it was begun
    at     BIGINT NOT NULL,              -- last change, ms
    PRIMARY KEY (portal, place, key)
);
CREATE INDEX effect_at ON effect (at);

-- How the tries of each handler of an event went, while the event is not done with.
CREATE TABLE trial (
    event    TEXT COLLATE "C" NOT NULL,   -- digest of the sealed event: the same when it is put back from a dead letter
    handler  TEXT COLLATE "C" NOT NULL,
    portal   TEXT COLLATE "C" NOT NULL,
    state    TEXT COLLATE "C" NOT NULL,   -- failing | given up | finished
    attempts BIGINT NOT NULL,
    first_at BIGINT NOT NULL,   -- when its first try became possible, ms
    due_at   BIGINT NOT NULL,   -- when it is called again, ms
    reason   TEXT COLLATE "C" NOT NULL DEFAULT '',
    at       BIGINT NOT NULL,
    PRIMARY KEY (event, handler)
);
CREATE INDEX trial_at ON trial (at);
CREATE INDEX trial_portal ON trial (portal);

-- What the application itself has written to a feed of late: the events of it come back to it.
CREATE TABLE own_write (
    id       TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    portal   TEXT COLLATE "C" NOT NULL,
    event    TEXT COLLATE "C" NOT NULL,   -- the event that it raises
    post     BIGINT NOT NULL,   -- 0: a new one, its number is not known yet
    content  TEXT COLLATE "C" NOT NULL,   -- JSON: keyed hashes of what was written
    at       BIGINT NOT NULL,   -- when the call began, ms
    explains BIGINT             -- the event that was taken for its echo
);
CREATE INDEX own_write_post ON own_write (portal, post, at);
CREATE INDEX own_write_at ON own_write (at);
