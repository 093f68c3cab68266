-- Who is signed in at the pages, and how people prove who they are.

ALTER TABLE person ADD COLUMN password_hash TEXT COLLATE "C" NOT NULL DEFAULT '';  -- argon2id; empty: cannot sign in

CREATE TABLE web_session (
    hash BYTEA NOT NULL PRIMARY KEY,    -- keyed hash of the code in the cookie
    portal TEXT COLLATE "C" NOT NULL,
    person BIGINT NOT NULL,
    person_epoch BIGINT NOT NULL,       -- raised when every session and token of the person must end
    opened_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE INDEX web_session_person ON web_session (portal, person);
CREATE INDEX web_session_age ON web_session (expires_at);
