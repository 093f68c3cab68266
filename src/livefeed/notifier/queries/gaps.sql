-- What sweeps ask of the archive, and what they have found.

-- name: known(portal, posts)
-- The posts of a page as they were last seen; posts is a JSON list.
SELECT p.post, p.state, v.content, coalesce(p.swept_at, v.at) AS since
FROM archived_post AS p
JOIN archived_version AS v ON v.portal = p.portal AND v.post = p.post AND v.version = p.seen_version
WHERE p.portal = :portal AND p.post IN (SELECT value FROM json_each(:posts));

-- name: looked(portal, posts, since)
-- Which posts somebody has seen since; posts is a JSON list.
SELECT post FROM archived_post
WHERE portal = :portal AND swept_at >= :since AND post IN (SELECT value FROM json_each(:posts));

-- name: saw(portal, person, published, now)!
-- They are seen now, by whose token is kept; published is a JSON object: post → ms, or null.
UPDATE archived_post SET swept_at = :now, seen_by = (SELECT user_id FROM token WHERE member_id = :portal AND user_id = :person),
    published_at = json_extract(:published, '$."' || post || '"')
WHERE portal = :portal AND post IN (SELECT CAST(key AS BIGINT) FROM json_each(:published));

-- name: unseen(portal, person, since, began, count)
-- Posts that a person saw once, and not in the sweep that began then.
SELECT post FROM archived_post
WHERE portal = :portal AND swept_at < :began AND seen_by = :person AND state = 'live'
    AND (CAST(:since AS BIGINT) IS NULL OR published_at >= :since)
ORDER BY post LIMIT :count;

-- name: passed(portal, posts, now)!
-- They were looked for; posts is a JSON list.
UPDATE archived_post SET swept_at = :now
WHERE portal = :portal AND post IN (SELECT value FROM json_each(:posts));

-- name: is_filled(portal)$
-- Whether the back-fill is done: before that most posts are unknown because nobody has looked yet.
SELECT 1 FROM told_portal WHERE portal = :portal AND phase = 'done';

-- name: set_readable(portal, count)!
-- How many posts the portal shows.
UPDATE told_portal SET readable = :count WHERE portal = :portal;

-- name: coverage(portal)^
-- How far the archive has come.
SELECT t.phase, t.page, t.readable,
    (SELECT count(*) FROM archived_post AS p WHERE p.portal = t.portal AND p.state = 'live') AS archived
FROM told_portal AS t WHERE t.portal = :portal;

-- name: counts(portal, since)
-- How many edits were heard of in which way.
SELECT source, count(*) AS edits, max(late_ms) AS latest
FROM archived_version
WHERE portal = :portal AND at >= :since AND source IN ('updated', 'offline', 'swept')
GROUP BY source;

-- name: edits(portal, since, how, count)
-- The newest edits first; how NULL: in any way.
SELECT post, version, source, at, late_ms
FROM archived_version
WHERE portal = :portal AND at >= :since AND source IN ('updated', 'offline', 'swept')
    AND (CAST(:how AS TEXT) IS NULL OR source = :how)
ORDER BY at DESC, post LIMIT :count;

-- name: portals()
-- Every portal of which something is known.
SELECT portal FROM told_portal ORDER BY portal;

-- name: swept(portal, post, old, new)$
-- Whether one of some versions was found by a sweep.
SELECT 1 FROM archived_version
WHERE portal = :portal AND post = :post AND version > :old AND version <= :new AND source = 'swept'
LIMIT 1;
