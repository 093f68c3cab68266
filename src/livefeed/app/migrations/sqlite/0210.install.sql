-- The portals that have this application. Tokens that are only compared are keyed hashes.
CREATE TABLE install (
    member_id         TEXT    NOT NULL PRIMARY KEY,
    state             TEXT    NOT NULL,   -- active | uninstalled
    domain            TEXT    NOT NULL,   -- as app.info named it; informative
    client_endpoint   TEXT    NOT NULL,   -- REST base of the portal, as app.info named it
    scope             TEXT    NOT NULL,   -- comma list
    status            TEXT    NOT NULL,   -- L F D T P S
    user_id           INTEGER NOT NULL,   -- whose pair is in the vault
    application_token BLOB    NOT NULL,   -- keyed hash
    previous_token    BLOB,               -- keyed hash of the one before, good until previous_until
    previous_until    INTEGER,
    proof             BLOB    NOT NULL,   -- keyed hash of the refresh token that came with the installation
    bound             TEXT    NOT NULL DEFAULT '',   -- address of our door, then the events bound there
    bound_at          INTEGER,
    installed_at      INTEGER NOT NULL,
    uninstalled_at    INTEGER,
    erase_at          INTEGER             -- when what is kept of an uninstalled portal goes
) WITHOUT ROWID;

-- Installations that would replace the credentials of a known portal; they wait for an administrator.
CREATE TABLE quarantine (
    member_id         TEXT    NOT NULL PRIMARY KEY,
    domain            TEXT    NOT NULL,
    client_endpoint   TEXT    NOT NULL,
    scope             TEXT    NOT NULL,
    status            TEXT    NOT NULL,
    user_id           INTEGER NOT NULL,
    application_token BLOB    NOT NULL,
    proof             BLOB    NOT NULL,
    access            BLOB    NOT NULL,   -- sealed for its place in the vault
    refresh           BLOB    NOT NULL,
    expires_at        INTEGER NOT NULL,
    received_at       INTEGER NOT NULL
) WITHOUT ROWID;

-- What happened to an event after it was received; written with the settle.
CREATE TABLE step (
    seq    INTEGER NOT NULL,
    step   TEXT    NOT NULL,
    place  INTEGER NOT NULL,   -- among the steps of one try
    at     INTEGER NOT NULL,
    detail TEXT    NOT NULL,
    PRIMARY KEY (seq, step)
) WITHOUT ROWID;

-- One sealed word: it shows at start whether the key file is the one of this database.
CREATE TABLE key_check (
    id     INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    sealed BLOB    NOT NULL
);
