-- People, departments, groups, and the access codes that follow from them.

CREATE TABLE person (
    portal TEXT NOT NULL,
    id INTEGER NOT NULL,
    login TEXT NOT NULL,
    email TEXT NOT NULL,
    first_name TEXT NOT NULL,
    last_name TEXT NOT NULL,
    second_name TEXT NOT NULL,
    position TEXT NOT NULL,
    city TEXT NOT NULL,
    gender TEXT NOT NULL,               -- M, F or empty
    birthday TEXT NOT NULL,             -- YYYY-MM-DD or empty
    language TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    is_admin INTEGER NOT NULL,
    is_active INTEGER NOT NULL,
    epoch INTEGER NOT NULL,             -- raised when every token of the person must die at once
    registered_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    PRIMARY KEY (portal, id)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX person_login ON person (portal, login);

CREATE TABLE department (
    portal TEXT NOT NULL,
    id INTEGER NOT NULL,
    parent INTEGER,                     -- NULL: the company itself
    name TEXT NOT NULL,
    sort INTEGER NOT NULL,
    head INTEGER,
    PRIMARY KEY (portal, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE department_member (
    portal TEXT NOT NULL,
    person INTEGER NOT NULL,
    department INTEGER NOT NULL,
    PRIMARY KEY (portal, person, department)
) STRICT, WITHOUT ROWID;

CREATE TABLE workgroup (
    portal TEXT NOT NULL,
    id INTEGER NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    owner INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (portal, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE workgroup_member (
    portal TEXT NOT NULL,
    person INTEGER NOT NULL,
    workgroup INTEGER NOT NULL,
    role TEXT NOT NULL,                 -- A owner, E moderator, K member
    PRIMARY KEY (portal, person, workgroup)
) STRICT, WITHOUT ROWID;

-- What each active person holds: UA, U5, SG1, D3 (own department), DR3 and DR1 (it and those above it).
-- Rewritten whenever a membership changes, so that a question of sight is one join.
CREATE TABLE access_code (
    portal TEXT NOT NULL,
    person INTEGER NOT NULL,
    code TEXT NOT NULL,
    PRIMARY KEY (portal, person, code)
) STRICT, WITHOUT ROWID;

CREATE INDEX access_code_holders ON access_code (portal, code);
