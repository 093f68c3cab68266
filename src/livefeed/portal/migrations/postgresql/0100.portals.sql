-- Portals of this server, the counters of their ids, and who may call them by an incoming webhook.
-- Every key of every table starts with the portal's member_id. Times are milliseconds since the epoch.

CREATE TABLE portal (
    member_id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    host TEXT COLLATE "C" NOT NULL UNIQUE,  -- as in a Host header: portal.example.com, 127.0.0.1:8024
    public_url TEXT COLLATE "C" NOT NULL,  -- without a slash at the end
    name TEXT COLLATE "C" NOT NULL,
    language TEXT COLLATE "C" NOT NULL,
    is_default BIGINT NOT NULL,         -- 1: answers for hosts that no portal has
    created_at BIGINT NOT NULL
);

CREATE UNIQUE INDEX portal_default ON portal (is_default) WHERE is_default = 1;

-- The last id given out, by name: an id is never used twice, not even after a deletion.
CREATE TABLE counter (
    portal TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    value BIGINT NOT NULL,
    PRIMARY KEY (portal, name)
);

CREATE TABLE webhook (
    portal TEXT COLLATE "C" NOT NULL,
    person BIGINT NOT NULL,
    code_hash BYTEA NOT NULL,           -- keyed hash of the code in the URL
    id BIGINT NOT NULL,
    scopes TEXT COLLATE "C" NOT NULL,   -- separated by commas
    name TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,                  -- NULL: never
    PRIMARY KEY (portal, person, code_hash)
);
