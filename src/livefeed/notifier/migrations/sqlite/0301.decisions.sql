-- The newest decision about each post: who was told of its last edit, who was not, and why.
CREATE TABLE decision (
    portal TEXT    NOT NULL,
    post   INTEGER NOT NULL,
    at     INTEGER NOT NULL,
    ruling BLOB    NOT NULL,   -- JSON of notifier.decisions.Ruling
    PRIMARY KEY (portal, post)
) WITHOUT ROWID;
