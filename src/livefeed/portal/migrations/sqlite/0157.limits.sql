-- What callers have used of a portal, where it has limits.
CREATE TABLE rest_bucket (
    portal TEXT NOT NULL,
    address TEXT NOT NULL,              -- where the requests come from
    level INTEGER NOT NULL,             -- requests that are not forgotten yet
    second INTEGER NOT NULL,            -- Unix second up to which they are
    PRIMARY KEY (portal, address)
) STRICT, WITHOUT ROWID;

CREATE INDEX rest_bucket_second ON rest_bucket (second);

CREATE TABLE operating (
    portal TEXT NOT NULL,
    caller TEXT NOT NULL,               -- app:5, webhook:7
    method TEXT NOT NULL,
    minute INTEGER NOT NULL,            -- Unix minute
    first_at INTEGER NOT NULL,          -- of the minute's first call, ms
    used_us INTEGER NOT NULL,           -- running time, microseconds
    PRIMARY KEY (portal, caller, method, minute)
) STRICT, WITHOUT ROWID;

CREATE INDEX operating_first ON operating (first_at);
