-- What the notifier knows of a portal itself.
CREATE TABLE told_portal (
    portal      TEXT    NOT NULL PRIMARY KEY,
    language    TEXT    NOT NULL DEFAULT '',   -- LANGUAGE_ID of ONAPPINSTALL; empty: unknown
    phase       TEXT    NOT NULL,              -- back-fill: people | posts | comments | done
    page        INTEGER NOT NULL DEFAULT 0,    -- back-fill: `start` of the next page of posts
    epoch       INTEGER NOT NULL DEFAULT 0     -- of the installation for which the back-fill was ordered
) WITHOUT ROWID;

-- The archive: a post as it was last seen, and which version people were last told of.
CREATE TABLE archived_post (
    portal           TEXT    NOT NULL,
    post             INTEGER NOT NULL,
    author           INTEGER NOT NULL,
    seen_version     INTEGER NOT NULL,
    told_version     INTEGER NOT NULL,
    comments_checked INTEGER NOT NULL DEFAULT -1,  -- NUM_COMMENTS when commenters were last looked for
    state            TEXT    NOT NULL,             -- live | gone
    PRIMARY KEY (portal, post)
) WITHOUT ROWID;

CREATE TABLE archived_version (
    portal    TEXT    NOT NULL,
    post      INTEGER NOT NULL,
    version   INTEGER NOT NULL,
    source    TEXT    NOT NULL,     -- backfill | added | updated
    at        INTEGER NOT NULL,
    content   BLOB    NOT NULL,     -- JSON of notifier.changes.Version
    PRIMARY KEY (portal, post, version)
);

CREATE TABLE archived_person (
    portal         TEXT    NOT NULL,
    person         INTEGER NOT NULL,
    name           TEXT    NOT NULL,
    gender         TEXT    NOT NULL,             -- M | F | empty
    is_active      INTEGER NOT NULL,
    comment_cursor INTEGER NOT NULL DEFAULT 0,   -- greatest comment id seen of this person
    PRIMARY KEY (portal, person)
) WITHOUT ROWID;

-- Who commented where. No method lists the comments of a post: they are found person by person.
CREATE TABLE archived_comment (
    portal  TEXT    NOT NULL,
    comment INTEGER NOT NULL,
    log_id  INTEGER NOT NULL,
    person  INTEGER NOT NULL,
    PRIMARY KEY (portal, comment)
) WITHOUT ROWID;
CREATE INDEX archived_comment_by_entry ON archived_comment (portal, log_id, person);

-- Feed entry id → post id.
CREATE TABLE archived_entry (
    portal TEXT    NOT NULL,
    log_id INTEGER NOT NULL,
    post   INTEGER NOT NULL,        -- 0: no post that we may see
    PRIMARY KEY (portal, log_id)
) WITHOUT ROWID;
CREATE INDEX archived_entry_by_post ON archived_entry (portal, post);

-- One telling to one person through one channel.
CREATE TABLE notice (
    id           INTEGER NOT NULL PRIMARY KEY,
    portal       TEXT    NOT NULL,
    person       INTEGER NOT NULL,
    post         INTEGER NOT NULL,
    channel      TEXT    NOT NULL,   -- bell
    from_version INTEGER NOT NULL,   -- what the person knew
    to_version   INTEGER NOT NULL,   -- what he is told of
    reason       TEXT    NOT NULL,   -- author | mentioned | commenter
    editors      BLOB    NOT NULL,   -- JSON of notifier.policy.Editors
    state        TEXT    NOT NULL,   -- planned | sending | sent | skipped | failed
    calls        INTEGER NOT NULL DEFAULT 0,   -- calls begun; more than one: repeated after a crash or a failure
    detail       TEXT    NOT NULL DEFAULT '',
    planned_at   INTEGER NOT NULL,
    sending_at   INTEGER,
    settled_at   INTEGER
);
CREATE INDEX notice_living ON notice (portal, post, person, channel, state);
CREATE INDEX notice_by_person ON notice (portal, person, id);
