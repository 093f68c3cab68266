-- Authorization codes, consents, families of refresh tokens, and what an application's card says of both.

ALTER TABLE app ADD COLUMN redirect_uri TEXT COLLATE "C" NOT NULL DEFAULT '';  -- where codes are sent; empty: shown on the page
ALTER TABLE app ADD COLUMN paid_until BIGINT;                       -- NULL: it costs nothing; over: no new tokens

-- What was exchanged from one token is one generation: a race or a lost answer makes several, and they count
-- as one. A family that is ended stays, so that what comes of it later is known.
ALTER TABLE refresh_token ADD COLUMN parent BYTEA;                  -- hash of the token it was exchanged from
ALTER TABLE refresh_token ADD COLUMN access_mark BYTEA;             -- mark of the access token given beside it
ALTER TABLE refresh_token ADD COLUMN ended_at BIGINT;               -- the family was ended

CREATE INDEX refresh_token_parent ON refresh_token (parent);
CREATE INDEX refresh_token_ended_access ON refresh_token (access_mark) WHERE ended_at IS NOT NULL;

-- Codes of /oauth/authorize/: each is good once.
CREATE TABLE authorization_code (
    hash BYTEA NOT NULL PRIMARY KEY,        -- keyed hash; the code itself is nowhere
    app BIGINT NOT NULL,
    person BIGINT NOT NULL,
    app_epoch BIGINT NOT NULL,
    person_epoch BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT,                         -- NULL: still good
    family BYTEA                            -- of the refresh tokens made from it
);

CREATE INDEX authorization_code_age ON authorization_code (created_at);

-- Who allowed which application to act in his name, and with which scopes: he is asked again if there are more.
CREATE TABLE consent (
    app BIGINT NOT NULL,
    person BIGINT NOT NULL,
    scope TEXT COLLATE "C" NOT NULL,        -- separated by commas
    allowed_at BIGINT NOT NULL,
    PRIMARY KEY (app, person)
);
