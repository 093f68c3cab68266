-- The bell: one row a notification, for one person.

CREATE TABLE notification (
    portal TEXT COLLATE "C" NOT NULL,
    id BIGINT NOT NULL,
    person BIGINT NOT NULL,
    author BIGINT NOT NULL,             -- 0: the system
    kind BIGINT NOT NULL,               -- 2 personal, 4 system
    tag TEXT COLLATE "C" NOT NULL,      -- MP|<app>|<TAG>, or empty
    sub_tag TEXT COLLATE "C" NOT NULL,
    text TEXT COLLATE "C" NOT NULL,
    text_out TEXT COLLATE "C" NOT NULL,
    attach TEXT COLLATE "C" NOT NULL,   -- JSON, or empty
    created_at BIGINT NOT NULL,
    read_at BIGINT,
    PRIMARY KEY (portal, id)
);

CREATE INDEX notification_bell ON notification (portal, person, id);
CREATE INDEX notification_unread ON notification (portal, person, id) WHERE read_at IS NULL;
-- What applications write may be longer than a key of an index can be (2,700 bytes): it is found by its hash.
CREATE INDEX notification_tag ON notification (portal, person, md5(tag)) WHERE tag <> '';
