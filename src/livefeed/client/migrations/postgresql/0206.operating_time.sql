-- Running time of methods that have run for long lately, for all processes of the application.
CREATE TABLE operating_time (
    member_id TEXT COLLATE "C" NOT NULL,
    method TEXT COLLATE "C" NOT NULL,        -- in lower case
    used_ms BIGINT NOT NULL,    -- of the last ten minutes, as the portal has told
    call_ms BIGINT NOT NULL,    -- what one call takes, about
    frees_at BIGINT NOT NULL,   -- when it forgets the first of it, ms
    PRIMARY KEY (member_id, method)
);
