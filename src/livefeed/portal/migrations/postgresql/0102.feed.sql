-- Posts with every version of theirs, whom they are addressed to, their files, and comments.

CREATE TABLE post (
    portal TEXT COLLATE "C" NOT NULL,
    id BIGINT NOT NULL,
    log_id BIGINT NOT NULL,             -- id of the feed entry: another numbering than that of posts
    author BIGINT NOT NULL,
    title TEXT COLLATE "C" NOT NULL,
    text TEXT COLLATE "C" NOT NULL,
    is_micro BIGINT NOT NULL,           -- 1: nobody gave a title, it was taken from the text
    version BIGINT NOT NULL,            -- of the newest row in post_version
    audience TEXT COLLATE "C" NOT NULL,  -- the codes of post_audience, separated by commas
    is_important BIGINT NOT NULL,
    important_until BIGINT,
    tags TEXT COLLATE "C" NOT NULL,     -- separated by commas
    tag_ids TEXT COLLATE "C" NOT NULL,  -- the same tags as ids
    files TEXT COLLATE "C" NOT NULL,    -- ids of attachments, separated by commas
    background_code TEXT COLLATE "C" NOT NULL,
    comment_count BIGINT NOT NULL,
    published_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    deleted_at BIGINT,                  -- a tombstone: the row and its versions stay
    PRIMARY KEY (portal, id)
);

CREATE UNIQUE INDEX post_feed ON post (portal, log_id);

CREATE TABLE post_version (
    portal TEXT COLLATE "C" NOT NULL,
    post BIGINT NOT NULL,
    version BIGINT NOT NULL,
    editor BIGINT,                      -- NULL: no person, an automation
    source TEXT COLLATE "C" NOT NULL,   -- rest, web, command or seed
    written_at BIGINT NOT NULL,
    title TEXT COLLATE "C" NOT NULL,
    text TEXT COLLATE "C" NOT NULL,
    audience TEXT COLLATE "C" NOT NULL,
    is_important BIGINT NOT NULL,
    important_until BIGINT,
    tags TEXT COLLATE "C" NOT NULL,
    files TEXT COLLATE "C" NOT NULL,
    background_code TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (portal, post, version)
);

CREATE TABLE post_audience (
    portal TEXT COLLATE "C" NOT NULL,
    post BIGINT NOT NULL,
    code TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (portal, post, code)
);

CREATE TABLE tag (
    portal TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    id BIGINT NOT NULL,
    PRIMARY KEY (portal, name)
);

CREATE TABLE comment (
    portal TEXT COLLATE "C" NOT NULL,
    id BIGINT NOT NULL,
    post BIGINT NOT NULL,
    author BIGINT NOT NULL,
    text TEXT COLLATE "C" NOT NULL,
    files TEXT COLLATE "C" NOT NULL,
    written_at BIGINT NOT NULL,
    PRIMARY KEY (portal, id)
);

CREATE INDEX comment_post ON comment (portal, post, id);
CREATE INDEX comment_author ON comment (portal, author, id);

-- A file on its owner's drive.
CREATE TABLE drive_file (
    portal TEXT COLLATE "C" NOT NULL,
    id BIGINT NOT NULL,
    owner BIGINT NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    size BIGINT NOT NULL,
    content BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (portal, id)
);

-- Its place under a post or a comment; the same file may hang in several places.
CREATE TABLE attachment (
    portal TEXT COLLATE "C" NOT NULL,
    id BIGINT NOT NULL,
    drive_file BIGINT NOT NULL,
    PRIMARY KEY (portal, id)
);
