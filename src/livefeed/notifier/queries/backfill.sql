-- How far the back-fill of each portal has come.

-- name: progress(portal)^
SELECT phase, page, epoch, reader FROM told_portal WHERE portal = :portal;

-- name: begin(portal, epoch)!
INSERT INTO told_portal (portal, phase, page, epoch) VALUES (:portal, 'people', 0, :epoch)
ON CONFLICT (portal) DO UPDATE SET phase = 'people', page = 0, epoch = excluded.epoch, reader = NULL;

-- name: move(portal, phase, page, reader)!
UPDATE told_portal SET phase = :phase, page = :page, reader = :reader WHERE portal = :portal;

-- name: raise_readable(portal)!
-- What others see is known, too: no fewer can be read than are known now.
UPDATE told_portal SET readable = n.archived
FROM (SELECT count(*) AS archived FROM archived_post WHERE portal = :portal AND state = 'live') AS n
WHERE portal = :portal AND coalesce(readable, 0) < n.archived;

-- name: forget(portal)!
DELETE FROM told_portal WHERE portal = :portal;
