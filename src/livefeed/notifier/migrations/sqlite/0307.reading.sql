-- Back-fill: with whose token posts are read now; NULL: of whoever installed.
ALTER TABLE told_portal ADD COLUMN reader INTEGER;

-- For whose post everybody is being asked what he has commented, and how far that has come.
CREATE TABLE comment_round (
    portal   TEXT    NOT NULL,
    post     INTEGER NOT NULL,
    version  INTEGER NOT NULL,        -- the version people were told of last: another one, another round
    is_again INTEGER NOT NULL,        -- 1: the second time, with people who are new
    after    INTEGER NOT NULL,        -- who was asked last; everybody in the order of their numbers
    at       INTEGER NOT NULL,        -- ms
    PRIMARY KEY (portal, post)
) WITHOUT ROWID;
