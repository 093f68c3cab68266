-- Which processes serve this database; each says again and again that it is there.
CREATE TABLE process (
    id         TEXT    NOT NULL PRIMARY KEY,
    role       TEXT    NOT NULL,   -- all | web | dispatcher | door | worker
    url        TEXT    NOT NULL,   -- where it listens
    host       TEXT    NOT NULL,   -- the machine's name
    pid        INTEGER NOT NULL,
    version    TEXT    NOT NULL,   -- of livefeed
    started_at INTEGER NOT NULL,   -- ms
    seen_at    INTEGER NOT NULL    -- ms; one that was not seen for a while is dead or cut off
) WITHOUT ROWID;
