-- Sweeps: each portal is looked through for changes that no event told, the newest posts often and all of them nightly.
CREATE TABLE sweep (
    portal        TEXT COLLATE "C" NOT NULL,
    scope         TEXT COLLATE "C" NOT NULL,               -- hot | all
    person        BIGINT NOT NULL,               -- whose token looks
    since         BIGINT,                        -- only posts published since then, ms; NULL: all
    cursor        BIGINT NOT NULL,               -- everything up to this feed entry was seen
    stride        BIGINT NOT NULL,               -- how far apart the next pages are
    base          BIGINT NOT NULL DEFAULT 1,     -- below this feed entry there was nothing to see
    first_post    BIGINT,                        -- the first post of this sweep
    looked        BIGINT NOT NULL DEFAULT 0,     -- posts seen by it so far
    found         BIGINT NOT NULL DEFAULT 0,     -- changes found by it so far
    began_at      BIGINT,                        -- ms; NULL: none is under way
    last_began_at BIGINT,                        -- the same of the last one that ended
    last_ended_at BIGINT,
    last_looked   BIGINT,
    last_found    BIGINT,
    PRIMARY KEY (portal, scope)
);

-- How the queue of each portal is fetched.
CREATE TABLE offline_queue (
    portal     TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    state      TEXT COLLATE "C" NOT NULL,                  -- bound | refused
    detail     TEXT COLLATE "C" NOT NULL DEFAULT '',       -- why it is refused, in the portal's words
    fetched    BIGINT NOT NULL DEFAULT 0,        -- records that came from it so far
    fetched_at BIGINT                            -- when it was last asked, ms
);

-- Whether all handlers are still bound at each portal.
CREATE TABLE handler_watch (
    portal     TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    checked_at BIGINT NOT NULL,                -- when the portal was last asked, ms
    lost       TEXT COLLATE "C" NOT NULL DEFAULT '',    -- the events, with commas, whose handlers were missing
    lost_at    BIGINT                          -- when they were, ms
);
