-- People who were erased, so that nothing of them comes back from the portal, which may still show it.
CREATE TABLE erased_person (
    portal    TEXT    NOT NULL,
    hash      BLOB    NOT NULL,              -- keyed hash of portal and number: the number itself is nowhere
    erased_at INTEGER NOT NULL,              -- ms
    PRIMARY KEY (portal, hash)
) WITHOUT ROWID;

-- Versions whose words were redacted, so that the same words do not come back either.
CREATE TABLE redaction (
    portal      TEXT    NOT NULL,
    post        INTEGER NOT NULL,
    version     INTEGER NOT NULL,
    digest      TEXT    NOT NULL,            -- keyed hash of the words, in hex
    redacted_at INTEGER NOT NULL,            -- ms
    person      INTEGER,                     -- who did it in the portal; NULL: a command
    reason      TEXT    NOT NULL DEFAULT '',
    PRIMARY KEY (portal, post, version)
) WITHOUT ROWID;
