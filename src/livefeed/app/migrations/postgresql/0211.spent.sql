-- What counts once and was used up: states of sign-ins, cookies of the console that were given back.
CREATE TABLE spent (
    hash  BYTEA   NOT NULL PRIMARY KEY,   -- keyed hash
    until BIGINT  NOT NULL                -- when it ends by itself, ms; the mark is dropped after that
);

CREATE INDEX spent_until ON spent (until);
