-- What a sweep needs to know of a post: when its text was last looked at, by whose token, how old the post is.
ALTER TABLE archived_post ADD COLUMN swept_at INTEGER;       -- ms; NULL: by no sweep yet
ALTER TABLE archived_post ADD COLUMN seen_by INTEGER;        -- the person whose token saw it then
ALTER TABLE archived_post ADD COLUMN published_at INTEGER;   -- ms; NULL: the portal named no time
CREATE INDEX archived_post_swept ON archived_post (portal, swept_at);

-- How long after the change the version was seen, at most; ms.
ALTER TABLE archived_version ADD COLUMN late_ms INTEGER;
CREATE INDEX archived_version_found ON archived_version (portal, at) WHERE source IN ('updated', 'offline', 'swept');

-- How many posts the portal shows to whoever installed the application; NULL: not counted yet.
ALTER TABLE told_portal ADD COLUMN readable INTEGER;
