-- A word sealed with the key of this database: another key file is noticed before anything else is done with it.

CREATE TABLE key_check (
    id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    sealed BYTEA NOT NULL
);
