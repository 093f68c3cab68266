-- Posts with every version of theirs, whom they are addressed to, their files, and comments.

CREATE TABLE post (
    portal TEXT NOT NULL,
    id INTEGER NOT NULL,
    log_id INTEGER NOT NULL,            -- id of the feed entry: another numbering than that of posts
    author INTEGER NOT NULL,
    title TEXT NOT NULL,
    text TEXT NOT NULL,
    is_micro INTEGER NOT NULL,          -- 1: nobody gave a title, it was taken from the text
    version INTEGER NOT NULL,           -- of the newest row in post_version
    audience TEXT NOT NULL,             -- the codes of post_audience, separated by commas
    is_important INTEGER NOT NULL,
    important_until INTEGER,
    tags TEXT NOT NULL,                 -- separated by commas
    tag_ids TEXT NOT NULL,              -- the same tags as ids
    files TEXT NOT NULL,                -- ids of attachments, separated by commas
    background_code TEXT NOT NULL,
    comment_count INTEGER NOT NULL,
    published_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    deleted_at INTEGER,                 -- a tombstone: the row and its versions stay
    PRIMARY KEY (portal, id)
) STRICT;

CREATE UNIQUE INDEX post_feed ON post (portal, log_id);

CREATE TABLE post_version (
    portal TEXT NOT NULL,
    post INTEGER NOT NULL,
    version INTEGER NOT NULL,
    editor INTEGER,                     -- NULL: no person, an automation
    source TEXT NOT NULL,               -- rest, web, command or seed
    written_at INTEGER NOT NULL,
    title TEXT NOT NULL,
    text TEXT NOT NULL,
    audience TEXT NOT NULL,
    is_important INTEGER NOT NULL,
    important_until INTEGER,
    tags TEXT NOT NULL,
    files TEXT NOT NULL,
    background_code TEXT NOT NULL,
    PRIMARY KEY (portal, post, version)
) STRICT;

CREATE TABLE post_audience (
    portal TEXT NOT NULL,
    post INTEGER NOT NULL,
    code TEXT NOT NULL,
    PRIMARY KEY (portal, post, code)
) STRICT, WITHOUT ROWID;

CREATE TABLE tag (
    portal TEXT NOT NULL,
    name TEXT NOT NULL,
    id INTEGER NOT NULL,
    PRIMARY KEY (portal, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE comment (
    portal TEXT NOT NULL,
    id INTEGER NOT NULL,
    post INTEGER NOT NULL,
    author INTEGER NOT NULL,
    text TEXT NOT NULL,
    files TEXT NOT NULL,
    written_at INTEGER NOT NULL,
    PRIMARY KEY (portal, id)
) STRICT;

CREATE INDEX comment_post ON comment (portal, post, id);
CREATE INDEX comment_author ON comment (portal, author, id);

-- A file on its owner's drive.
CREATE TABLE drive_file (
    portal TEXT NOT NULL,
    id INTEGER NOT NULL,
    owner INTEGER NOT NULL,
    name TEXT NOT NULL,
    size INTEGER NOT NULL,
    content BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (portal, id)
) STRICT;

-- Its place under a post or a comment; the same file may hang in several places.
CREATE TABLE attachment (
    portal TEXT NOT NULL,
    id INTEGER NOT NULL,
    drive_file INTEGER NOT NULL,
    PRIMARY KEY (portal, id)
) STRICT, WITHOUT ROWID;
