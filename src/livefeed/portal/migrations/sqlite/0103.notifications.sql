-- The bell: one row a notification, for one person.

CREATE TABLE notification (
    portal TEXT NOT NULL,
    id INTEGER NOT NULL,
    person INTEGER NOT NULL,
    author INTEGER NOT NULL,            -- 0: the system
    kind INTEGER NOT NULL,              -- 2 personal, 4 system
    tag TEXT NOT NULL,                  -- MP|<app>|<TAG>, or empty
    sub_tag TEXT NOT NULL,
    text TEXT NOT NULL,
    text_out TEXT NOT NULL,
    attach TEXT NOT NULL,               -- JSON, or empty
    created_at INTEGER NOT NULL,
    read_at INTEGER,
    PRIMARY KEY (portal, id)
) STRICT;

CREATE INDEX notification_bell ON notification (portal, person, id);
CREATE INDEX notification_unread ON notification (portal, person, id) WHERE read_at IS NULL;
CREATE INDEX notification_tag ON notification (portal, person, tag) WHERE tag <> '';
