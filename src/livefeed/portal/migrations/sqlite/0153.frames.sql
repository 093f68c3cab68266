-- Applications inside the portal's pages: what each release is called, widgets, settings, and the frames that are open.

ALTER TABLE app ADD COLUMN release TEXT NOT NULL DEFAULT '1.0.0';   -- what its maker calls the version

CREATE TABLE placement (
    id INTEGER PRIMARY KEY AUTOINCREMENT,   -- part of addresses: never used twice
    portal TEXT NOT NULL,
    app INTEGER NOT NULL REFERENCES app (id),
    place TEXT NOT NULL,                    -- LEFT_MENU
    handler TEXT NOT NULL,                  -- what opens in the frame
    title TEXT NOT NULL,
    description TEXT NOT NULL,
    group_name TEXT NOT NULL,
    translations TEXT NOT NULL,             -- LANG_ALL as JSON: language, then TITLE, DESCRIPTION, GROUP_NAME
    options TEXT NOT NULL,                  -- OPTIONS as JSON
    bound_at INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX placement_once ON placement (app, place, handler);
CREATE INDEX placement_shown ON placement (portal, place, id);

-- Settings an application keeps with the portal; person 0: those that everybody shares.
CREATE TABLE option (
    app INTEGER NOT NULL REFERENCES app (id),
    person INTEGER NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,                    -- JSON
    PRIMARY KEY (app, person, name)
) STRICT, WITHOUT ROWID;

-- Who has launched an application: FIRST_RUN is true until then.
CREATE TABLE launch (
    app INTEGER NOT NULL REFERENCES app (id),
    person INTEGER NOT NULL,
    launched_at INTEGER NOT NULL,
    PRIMARY KEY (app, person)
) STRICT, WITHOUT ROWID;

-- One rendering of an application's frame: what its commands are bound to.
CREATE TABLE frame (
    sid_hash BLOB NOT NULL PRIMARY KEY,     -- keyed hash of APP_SID
    app INTEGER NOT NULL REFERENCES app (id),
    person INTEGER NOT NULL,
    visit_hash BLOB NOT NULL,               -- keyed hash of the browser's session
    place TEXT NOT NULL,                    -- DEFAULT, LEFT_MENU, …
    options TEXT NOT NULL,                  -- PLACEMENT_OPTIONS as JSON
    is_installer INTEGER NOT NULL,          -- 1: its page may finish the installation
    opened_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX frame_age ON frame (expires_at);
CREATE INDEX frame_app ON frame (app);
