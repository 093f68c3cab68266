-- The rate at which a portal is called, for all processes of the application.
CREATE TABLE bucket (
    member_id TEXT NOT NULL PRIMARY KEY,
    times BLOB NOT NULL,   -- 53 times, IEEE doubles, seconds of the database's clock: client/bucket.py explains them
    at REAL NOT NULL       -- when it was changed last, by the same clock
) WITHOUT ROWID;
