-- Failures that are counted so that nobody guesses faster than a person could. A row that is empty is dropped.
CREATE TABLE throttle (
    hash BLOB NOT NULL PRIMARY KEY,     -- keyed hash of what is counted: a login, an address
    empty_at INTEGER NOT NULL           -- when the bucket is empty if nothing more comes, ms
) STRICT, WITHOUT ROWID;

CREATE INDEX throttle_empty ON throttle (empty_at);
