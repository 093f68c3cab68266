-- What the history pages read of the archive.

-- name: versions(portal, post, until, most)
-- The newest versions first, from number `until` down.
SELECT version, source, at, editors, content FROM archived_version
WHERE portal = :portal AND post = :post AND version <= :until
ORDER BY version DESC LIMIT :most;

-- name: edited(portal, most)
-- Posts that were edited since they were first seen, the last edited first.
SELECT post, edited_at, seen_version FROM archived_post
WHERE portal = :portal AND edited_at IS NOT NULL
ORDER BY edited_at DESC LIMIT :most;
