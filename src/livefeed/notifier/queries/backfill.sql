-- How far the back-fill of each portal has come.

-- name: progress(portal)^
SELECT phase, page, epoch FROM told_portal WHERE portal = :portal;

-- name: begin(portal, epoch)!
INSERT INTO told_portal (portal, phase, page, epoch) VALUES (:portal, 'people', 0, :epoch)
ON CONFLICT (portal) DO UPDATE SET phase = 'people', page = 0, epoch = excluded.epoch;

-- name: move(portal, phase, page)!
UPDATE told_portal SET phase = :phase, page = :page WHERE portal = :portal;

-- name: forget(portal)!
DELETE FROM told_portal WHERE portal = :portal;
