-- The rate at which a portal is called, for all processes of the application.
CREATE TABLE bucket (
    member_id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    times BYTEA NOT NULL,   -- 53 times, IEEE doubles, seconds of the database's clock: client/bucket.py explains them
    at DOUBLE PRECISION NOT NULL       -- when it was changed last, by the same clock
);
