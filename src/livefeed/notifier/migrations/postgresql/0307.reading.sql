-- Back-fill: with whose token posts are read now; NULL: of whoever installed.
ALTER TABLE told_portal ADD COLUMN reader BIGINT;

-- For whose post everybody is being asked what he has commented, and how far that has come.
CREATE TABLE comment_round (
    portal   TEXT COLLATE "C" NOT NULL,
    post     BIGINT NOT NULL,
    version  BIGINT NOT NULL,         -- the version people were told of last: another one, another round
    is_again BIGINT NOT NULL,         -- 1: the second time, with people who are new
    after    BIGINT NOT NULL,         -- who was asked last; everybody in the order of their numbers
    at       BIGINT NOT NULL,         -- ms
    PRIMARY KEY (portal, post)
);
