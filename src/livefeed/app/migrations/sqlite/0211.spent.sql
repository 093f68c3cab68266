-- What counts once and was used up: states of sign-ins, cookies of the console that were given back.
CREATE TABLE spent (
    hash  BLOB    NOT NULL PRIMARY KEY,   -- keyed hash
    until INTEGER NOT NULL                -- when it ends by itself, ms; the mark is dropped after that
) WITHOUT ROWID;

CREATE INDEX spent_until ON spent (until);
