-- Decisions: the newest of each post.

-- name: record(portal, post, at, ruling)!
INSERT INTO decision (portal, post, at, ruling) VALUES (:portal, :post, :at, :ruling)
ON CONFLICT (portal, post) DO UPDATE SET at = excluded.at, ruling = excluded.ruling;

-- name: find(portal, post)^
SELECT at, ruling FROM decision WHERE portal = :portal AND post = :post;

-- name: portals_of(post)
SELECT portal FROM decision WHERE post = :post ORDER BY portal;

-- name: notices(portal, post, to_version)
-- How the telling of one version went, person by person; the newest notice of each comes last.
SELECT person, state, calls, detail, planned_at, settled_at
FROM notice
WHERE portal = :portal AND post = :post AND to_version >= :to_version
ORDER BY id;

-- name: people(portal)
SELECT person, name FROM archived_person WHERE portal = :portal AND is_active = 1 ORDER BY person;

-- name: forget(portal)!
DELETE FROM decision WHERE portal = :portal;
