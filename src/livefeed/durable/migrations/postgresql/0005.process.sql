-- Which processes serve this database; each says again and again that it is there.
CREATE TABLE process (
    id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    role       TEXT COLLATE "C" NOT NULL,   -- all | web | dispatcher | door | worker
    url        TEXT COLLATE "C" NOT NULL,   -- where it listens
    host       TEXT COLLATE "C" NOT NULL,   -- the machine's name
    pid        BIGINT NOT NULL,
    version    TEXT COLLATE "C" NOT NULL,   -- of livefeed
    started_at BIGINT NOT NULL,             -- ms
    seen_at    BIGINT NOT NULL              -- ms; one that was not seen for a while is dead or cut off
);
