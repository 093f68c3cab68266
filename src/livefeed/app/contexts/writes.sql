-- What the application itself has written to feeds.

-- name: add_write(id, portal, event, post, content, at)!
INSERT INTO own_write (id, portal, event, post, content, at) VALUES (:id, :portal, :event, :post, :content, :at);

-- name: count_writes(portal, event, post, since)$
SELECT count(*) FROM own_write WHERE portal = :portal AND post = :post AND event = :event AND at >= :since;

-- name: count_adds(portal, event, since)$
SELECT count(*) FROM own_write WHERE portal = :portal AND event = :event AND at >= :since;

-- name: name_post(id, post)!
UPDATE own_write SET post = :post WHERE id = :id;

-- name: drop_write(id)!
-- The portal has refused it.
DELETE FROM own_write WHERE id = :id;

-- name: candidates(portal, event, post, seq, since, before)
-- What an event may be the echo of, the oldest first; what is known to be its echo before all others.
SELECT id, post, content, explains
FROM own_write
WHERE portal = :portal AND post IN (:post, 0) AND event = :event AND at >= :since AND at <= :before
    AND (explains IS NULL OR explains = :seq)
ORDER BY CASE WHEN explains IS NULL THEN 1 ELSE 0 END, at, id;

-- name: explain(id, seq)!
UPDATE own_write SET explains = :seq WHERE id = :id AND explains IS NULL;

-- name: writing_portals(since)
-- Where anything was written of late.
SELECT DISTINCT portal FROM own_write WHERE at >= :since;

-- name: purge_writes(before, limit)!
DELETE FROM own_write WHERE id IN (SELECT id FROM own_write WHERE at < :before ORDER BY at LIMIT :limit);

-- name: forget_writes(portal)!
DELETE FROM own_write WHERE portal = :portal;
