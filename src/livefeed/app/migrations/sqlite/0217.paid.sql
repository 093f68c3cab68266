-- What a portal has answered when it was last told to handlers that it was paid for the application, or is no longer.
CREATE TABLE paid (
    portal     TEXT    NOT NULL PRIMARY KEY,
    status     TEXT    NOT NULL,              -- L | F | D | T | P | S
    is_expired INTEGER NOT NULL,              -- 0 | 1: what was paid for is over
    ends_at    INTEGER,                       -- when it will be, within a day, ms; NULL: it does not end
    told_at    INTEGER NOT NULL               -- ms
) WITHOUT ROWID;
