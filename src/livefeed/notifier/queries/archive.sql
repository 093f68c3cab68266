-- The archive: posts with every version that was seen, and which one people were last told of.

-- name: post(portal, post)^
SELECT author, seen_version, told_version, comments_checked, state
FROM archived_post WHERE portal = :portal AND post = :post;

-- name: add_post(portal, post, author)!
-- Keeps what is there: the first version seen is the one that the first edit is compared with.
INSERT INTO archived_post (portal, post, author, seen_version, told_version, state)
VALUES (:portal, :post, :author, 1, 1, 'live')
ON CONFLICT (portal, post) DO NOTHING;

-- name: see(portal, post, version)!
UPDATE archived_post SET seen_version = :version, state = 'live' WHERE portal = :portal AND post = :post;

-- name: edited(portal, post, at)!
UPDATE archived_post SET edited_at = :at WHERE portal = :portal AND post = :post;

-- name: tell(portal, post, version)!
UPDATE archived_post SET told_version = :version WHERE portal = :portal AND post = :post;

-- name: bury(portal, post)!
UPDATE archived_post SET state = 'gone' WHERE portal = :portal AND post = :post;

-- name: checked(portal, post, count)!
UPDATE archived_post SET comments_checked = :count WHERE portal = :portal AND post = :post;

-- name: version(portal, post, version)$
SELECT content FROM archived_version WHERE portal = :portal AND post = :post AND version = :version;

-- name: add_version(portal, post, version, source, at, content, editors, late_ms)!
INSERT INTO archived_version (portal, post, version, source, at, content, editors, late_ms)
VALUES (:portal, :post, :version, :source, :at, :content, :editors, :late_ms)
ON CONFLICT (portal, post, version) DO NOTHING;

-- name: set_language(portal, language)!
UPDATE told_portal SET language = :language WHERE portal = :portal;

-- name: language(portal)$
SELECT language FROM told_portal WHERE portal = :portal;

-- name: forget_posts(portal)!
DELETE FROM archived_post WHERE portal = :portal;

-- name: forget_versions(portal)!
DELETE FROM archived_version WHERE portal = :portal;
