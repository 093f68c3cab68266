-- Who made a version, for the history page; NULL: from before this was noted, or nobody could tell.
ALTER TABLE archived_version ADD COLUMN editors BYTEA;  -- JSON of notifier.policy.Editors

-- When the newest version came, for the list of lately edited posts; NULL: never edited since the first look.
ALTER TABLE archived_post ADD COLUMN edited_at BIGINT;
UPDATE archived_post SET edited_at = (
    SELECT v.at FROM archived_version AS v
    WHERE v.portal = archived_post.portal AND v.post = archived_post.post AND v.version = archived_post.seen_version
) WHERE seen_version > 1;
CREATE INDEX archived_post_edited ON archived_post (portal, edited_at) WHERE edited_at IS NOT NULL;
