-- What a portal has answered when it was last told to handlers that it was paid for the application, or is no longer.
CREATE TABLE paid (
    portal     TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    status     TEXT COLLATE "C" NOT NULL,     -- L | F | D | T | P | S
    is_expired BIGINT NOT NULL,               -- 0 | 1: what was paid for is over
    ends_at    BIGINT,                        -- when it will be, within a day, ms; NULL: it does not end
    told_at    BIGINT NOT NULL                -- ms
);
