-- Running time of methods that have run for long lately, for all processes of the application.
CREATE TABLE operating_time (
    member_id TEXT NOT NULL,
    method TEXT NOT NULL,        -- in lower case
    used_ms INTEGER NOT NULL,    -- of the last ten minutes, as the portal has told
    call_ms INTEGER NOT NULL,    -- what one call takes, about
    frees_at INTEGER NOT NULL,   -- when it forgets the first of it, ms
    PRIMARY KEY (member_id, method)
) WITHOUT ROWID;
