-- The portals that have this application. Tokens that are only compared are keyed hashes.
CREATE TABLE install (
    member_id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    state             TEXT COLLATE "C" NOT NULL,  -- active | uninstalled
    domain            TEXT COLLATE "C" NOT NULL,  -- as app.info named it; informative
    client_endpoint   TEXT COLLATE "C" NOT NULL,  -- REST base of the portal, as app.info named it
    scope             TEXT COLLATE "C" NOT NULL,  -- comma list
    status            TEXT COLLATE "C" NOT NULL,  -- L F D T P S
    user_id           BIGINT NOT NULL,    -- whose pair is in the vault
    application_token BYTEA   NOT NULL,   -- keyed hash
    previous_token    BYTEA,              -- keyed hash of the one before, good until previous_until
    previous_until    BIGINT,
    proof             BYTEA   NOT NULL,   -- keyed hash of the refresh token that came with the installation
    bound             TEXT COLLATE "C" NOT NULL DEFAULT '',  -- address of our door, then the events bound there
    bound_at          BIGINT,
    installed_at      BIGINT NOT NULL,
    uninstalled_at    BIGINT,
    erase_at          BIGINT              -- when what is kept of an uninstalled portal goes
);

-- Installations that would replace the credentials of a known portal; they wait for an administrator.
CREATE TABLE quarantine (
    member_id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    domain            TEXT COLLATE "C" NOT NULL,
    client_endpoint   TEXT COLLATE "C" NOT NULL,
    scope             TEXT COLLATE "C" NOT NULL,
    status            TEXT COLLATE "C" NOT NULL,
    user_id           BIGINT NOT NULL,
    application_token BYTEA   NOT NULL,
    proof             BYTEA   NOT NULL,
    access            BYTEA   NOT NULL,   -- sealed for its place in the vault
    refresh           BYTEA   NOT NULL,
    expires_at        BIGINT NOT NULL,
    received_at       BIGINT NOT NULL
);

-- What happened to an event after it was received; written with the settle.
CREATE TABLE step (
    seq    BIGINT NOT NULL,
    step   TEXT COLLATE "C" NOT NULL,
    place  BIGINT NOT NULL,    -- among the steps of one try
    at     BIGINT NOT NULL,
    detail TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (seq, step)
);

-- One sealed word: it shows at start whether the key file is the one of this database.
CREATE TABLE key_check (
    id     BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    sealed BYTEA   NOT NULL
);
