-- What callers have used of a portal, where it has limits.
CREATE TABLE rest_bucket (
    portal TEXT COLLATE "C" NOT NULL,
    address TEXT COLLATE "C" NOT NULL,              -- where the requests come from
    level BIGINT NOT NULL,              -- requests that are not forgotten yet
    second BIGINT NOT NULL,             -- Unix second up to which they are
    PRIMARY KEY (portal, address)
);

CREATE INDEX rest_bucket_second ON rest_bucket (second);

CREATE TABLE operating (
    portal TEXT COLLATE "C" NOT NULL,
    caller TEXT COLLATE "C" NOT NULL,               -- app:5, webhook:7
    method TEXT COLLATE "C" NOT NULL,
    minute BIGINT NOT NULL,             -- Unix minute
    first_at BIGINT NOT NULL,           -- of the minute's first call, ms
    used_us BIGINT NOT NULL,            -- running time, microseconds
    PRIMARY KEY (portal, caller, method, minute)
);

CREATE INDEX operating_first ON operating (first_at);
