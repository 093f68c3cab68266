-- Sweeps: each portal is looked through for changes that no event told, the newest posts often and all of them nightly.
CREATE TABLE sweep (
    portal        TEXT    NOT NULL,
    scope         TEXT    NOT NULL,               -- hot | all
    person        INTEGER NOT NULL,               -- whose token looks
    since         INTEGER,                        -- only posts published since then, ms; NULL: all
    cursor        INTEGER NOT NULL,               -- everything up to this feed entry was seen
    stride        INTEGER NOT NULL,               -- how far apart the next pages are
    base          INTEGER NOT NULL DEFAULT 1,     -- below this feed entry there was nothing to see
    first_post    INTEGER,                        -- the first post of this sweep
    looked        INTEGER NOT NULL DEFAULT 0,     -- posts seen by it so far
    found         INTEGER NOT NULL DEFAULT 0,     -- changes found by it so far
    began_at      INTEGER,                        -- ms; NULL: none is under way
    last_began_at INTEGER,                        -- the same of the last one that ended
    last_ended_at INTEGER,
    last_looked   INTEGER,
    last_found    INTEGER,
    PRIMARY KEY (portal, scope)
) WITHOUT ROWID;

-- How the queue of each portal is fetched.
CREATE TABLE offline_queue (
    portal     TEXT    NOT NULL PRIMARY KEY,
    state      TEXT    NOT NULL,                  -- bound | refused
    detail     TEXT    NOT NULL DEFAULT '',       -- why it is refused, in the portal's words
    fetched    INTEGER NOT NULL DEFAULT 0,        -- records that came from it so far
    fetched_at INTEGER                            -- when it was last asked, ms
) WITHOUT ROWID;

-- Whether all handlers are still bound at each portal.
CREATE TABLE handler_watch (
    portal     TEXT    NOT NULL PRIMARY KEY,
    checked_at INTEGER NOT NULL,                -- when the portal was last asked, ms
    lost       TEXT    NOT NULL DEFAULT '',    -- the events, with commas, whose handlers were missing
    lost_at    INTEGER                          -- when they were, ms
) WITHOUT ROWID;
