-- Portals of this server, the counters of their ids, and who may call them by an incoming webhook.
-- Every key of every table starts with the portal's member_id. Times are milliseconds since the epoch.

CREATE TABLE portal (
    member_id TEXT NOT NULL PRIMARY KEY,
    host TEXT NOT NULL UNIQUE,          -- as in a Host header: portal.example.com, 127.0.0.1:8024
    public_url TEXT NOT NULL,           -- without a slash at the end
    name TEXT NOT NULL,
    language TEXT NOT NULL,
    is_default INTEGER NOT NULL,        -- 1: answers for hosts that no portal has
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX portal_default ON portal (is_default) WHERE is_default = 1;

-- The last id given out, by name: an id is never used twice, not even after a deletion.
CREATE TABLE counter (
    portal TEXT NOT NULL,
    name TEXT NOT NULL,
    value INTEGER NOT NULL,
    PRIMARY KEY (portal, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE webhook (
    portal TEXT NOT NULL,
    person INTEGER NOT NULL,
    code_hash BLOB NOT NULL,            -- keyed hash of the code in the URL
    id INTEGER NOT NULL,
    scopes TEXT NOT NULL,               -- separated by commas
    name TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,                 -- NULL: never
    PRIMARY KEY (portal, person, code_hash)
) STRICT, WITHOUT ROWID;
