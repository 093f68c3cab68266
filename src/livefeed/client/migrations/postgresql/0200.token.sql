-- One pair of OAuth tokens per portal and user. Sealed with the context "token:<member_id>:<user_id>".
CREATE TABLE token (
    member_id   TEXT COLLATE "C" NOT NULL,
    user_id     BIGINT NOT NULL,
    access      BYTEA   NOT NULL,
    refresh     BYTEA   NOT NULL,
    previous    BYTEA,              -- the refresh token before this one, until this one has worked
    expires_at  BIGINT NOT NULL,    -- of the access token, ms
    received_at BIGINT NOT NULL,    -- ms
    version     BIGINT NOT NULL,    -- raised by each replacement; a replacement names the one it replaces
    state       TEXT COLLATE "C" NOT NULL,  -- usable | dead (the portal has to be installed again)
    PRIMARY KEY (member_id, user_id)
);
