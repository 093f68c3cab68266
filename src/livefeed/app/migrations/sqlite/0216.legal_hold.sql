-- What has to be kept whatever is asked for, until whoever is responsible ends it; the row stays as a record.
CREATE TABLE legal_hold (
    portal   TEXT    NOT NULL,
    kind     TEXT    NOT NULL,               -- post | person
    number   INTEGER NOT NULL,               -- of the post or the person
    set_at   INTEGER NOT NULL,               -- ms
    reason   TEXT    NOT NULL,
    set_by   TEXT    NOT NULL,               -- who, in the words of whoever set it
    ended_at INTEGER,                        -- ms; NULL: it is in force
    ended_by TEXT    NOT NULL DEFAULT '',
    PRIMARY KEY (portal, kind, number, set_at)
) WITHOUT ROWID;
