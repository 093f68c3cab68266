-- People, departments, groups, and the access codes that follow from them.

CREATE TABLE person (
    portal TEXT COLLATE "C" NOT NULL,
    id BIGINT NOT NULL,
    login TEXT COLLATE "C" NOT NULL,
    email TEXT COLLATE "C" NOT NULL,
    first_name TEXT COLLATE "C" NOT NULL,
    last_name TEXT COLLATE "C" NOT NULL,
    second_name TEXT COLLATE "C" NOT NULL,
    position TEXT COLLATE "C" NOT NULL,
    city TEXT COLLATE "C" NOT NULL,
    gender TEXT COLLATE "C" NOT NULL,   -- M, F or empty
    birthday TEXT COLLATE "C" NOT NULL,  -- YYYY-MM-DD or empty
    language TEXT COLLATE "C" NOT NULL,
    time_zone TEXT COLLATE "C" NOT NULL,
    is_admin BIGINT NOT NULL,
    is_active BIGINT NOT NULL,
    epoch BIGINT NOT NULL,              -- raised when every token of the person must die at once
    registered_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    PRIMARY KEY (portal, id)
);

CREATE UNIQUE INDEX person_login ON person (portal, login);

CREATE TABLE department (
    portal TEXT COLLATE "C" NOT NULL,
    id BIGINT NOT NULL,
    parent BIGINT,                      -- NULL: the company itself
    name TEXT COLLATE "C" NOT NULL,
    sort BIGINT NOT NULL,
    head BIGINT,
    PRIMARY KEY (portal, id)
);

CREATE TABLE department_member (
    portal TEXT COLLATE "C" NOT NULL,
    person BIGINT NOT NULL,
    department BIGINT NOT NULL,
    PRIMARY KEY (portal, person, department)
);

CREATE TABLE workgroup (
    portal TEXT COLLATE "C" NOT NULL,
    id BIGINT NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    description TEXT COLLATE "C" NOT NULL,
    owner BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (portal, id)
);

CREATE TABLE workgroup_member (
    portal TEXT COLLATE "C" NOT NULL,
    person BIGINT NOT NULL,
    workgroup BIGINT NOT NULL,
    role TEXT COLLATE "C" NOT NULL,     -- A owner, E moderator, K member
    PRIMARY KEY (portal, person, workgroup)
);

-- What each active person holds: UA, U5, SG1, D3 (own department), DR3 and DR1 (it and those above it).
-- Rewritten whenever a membership changes, so that a question of sight is one join.
CREATE TABLE access_code (
    portal TEXT COLLATE "C" NOT NULL,
    person BIGINT NOT NULL,
    code TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (portal, person, code)
);

CREATE INDEX access_code_holders ON access_code (portal, code);
