-- Applications registered on a portal, and the refresh tokens that were given out or used.

CREATE TABLE app (
    id INTEGER PRIMARY KEY AUTOINCREMENT,   -- part of every token: never used twice
    portal TEXT NOT NULL,
    client_id TEXT NOT NULL UNIQUE,         -- local.<14 hex>.<8 digits>
    name TEXT NOT NULL,
    secret_hash BLOB NOT NULL,              -- keyed hash of client_secret
    application_token BLOB NOT NULL,        -- sealed; sent in every event
    handler_url TEXT NOT NULL,              -- the application's own page, or empty
    install_url TEXT NOT NULL,              -- where ONAPPINSTALL is sent, or empty
    scope TEXT NOT NULL,                    -- separated by commas
    has_interface INTEGER NOT NULL,         -- 1: withheld until its installation is finished
    auth_keys TEXT NOT NULL CHECK (auth_keys IN ('documented', 'extended', 'minimal')),
    status TEXT NOT NULL,                   -- L: a local application
    version INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('withheld', 'installed', 'removed')),
    epoch INTEGER NOT NULL,                 -- raised when every token of the application must die at once
    installer INTEGER NOT NULL,             -- person who registered it
    created_at INTEGER NOT NULL,
    installed_at INTEGER,
    removed_at INTEGER
) STRICT;

CREATE INDEX app_portal ON app (portal, id);

-- A refresh token made at the token endpoint has a row from the start; one minted for an event gets its row
-- when it is first used. A family is a first token and all that were exchanged from it.
CREATE TABLE refresh_token (
    hash BLOB NOT NULL PRIMARY KEY,
    app INTEGER NOT NULL,
    person INTEGER NOT NULL,
    app_epoch INTEGER NOT NULL,
    person_epoch INTEGER NOT NULL,
    family BLOB NOT NULL,                   -- hash of its first token
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER                         -- NULL: still good
) STRICT, WITHOUT ROWID;

CREATE INDEX refresh_token_family ON refresh_token (family);
CREATE INDEX refresh_token_age ON refresh_token (expires_at);
