-- One pair of OAuth tokens per portal and user. Sealed with the context "token:<member_id>:<user_id>".
CREATE TABLE token (
    member_id   TEXT    NOT NULL,
    user_id     INTEGER NOT NULL,
    access      BLOB    NOT NULL,
    refresh     BLOB    NOT NULL,
    previous    BLOB,               -- the refresh token before this one, until this one has worked
    expires_at  INTEGER NOT NULL,   -- of the access token, ms
    received_at INTEGER NOT NULL,   -- ms
    version     INTEGER NOT NULL,   -- raised by each replacement; a replacement names the one it replaces
    state       TEXT    NOT NULL,   -- usable | dead (the portal has to be installed again)
    PRIMARY KEY (member_id, user_id)
) WITHOUT ROWID;
