-- What has to be kept whatever is asked for, until whoever is responsible ends it; the row stays as a record.
CREATE TABLE legal_hold (
    portal   TEXT COLLATE "C" NOT NULL,
    kind     TEXT COLLATE "C" NOT NULL,      -- post | person
    number   BIGINT NOT NULL,                -- of the post or the person
    set_at   BIGINT NOT NULL,                -- ms
    reason   TEXT COLLATE "C" NOT NULL,
    set_by   TEXT COLLATE "C" NOT NULL,      -- who, in the words of whoever set it
    ended_at BIGINT,                         -- ms; NULL: it is in force
    ended_by TEXT COLLATE "C" NOT NULL DEFAULT '',
    PRIMARY KEY (portal, kind, number, set_at)
);
