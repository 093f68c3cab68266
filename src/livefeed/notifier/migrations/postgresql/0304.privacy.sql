-- People who were erased, so that nothing of them comes back from the portal, which may still show it.
CREATE TABLE erased_person (
    portal    TEXT COLLATE "C" NOT NULL,
    hash      BYTEA  NOT NULL,               -- keyed hash of portal and number: the number itself is nowhere
    erased_at BIGINT NOT NULL,               -- ms
    PRIMARY KEY (portal, hash)
);

-- Versions whose words were redacted, so that the same words do not come back either.
CREATE TABLE redaction (
    portal      TEXT COLLATE "C" NOT NULL,
    post        BIGINT NOT NULL,
    version     BIGINT NOT NULL,
    digest      TEXT COLLATE "C" NOT NULL,   -- keyed hash of the words, in hex
    redacted_at BIGINT NOT NULL,             -- ms
    person      BIGINT,                      -- who did it in the portal; NULL: a command
    reason      TEXT COLLATE "C" NOT NULL DEFAULT '',
    PRIMARY KEY (portal, post, version)
);
