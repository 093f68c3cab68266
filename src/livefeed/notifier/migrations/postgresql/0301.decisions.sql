-- The newest decision about each post: who was told of its last edit, who was not, and why.
CREATE TABLE decision (
    portal TEXT COLLATE "C" NOT NULL,
    post   BIGINT NOT NULL,
    at     BIGINT NOT NULL,
    ruling BYTEA   NOT NULL,   -- JSON of notifier.decisions.Ruling
    PRIMARY KEY (portal, post)
);
