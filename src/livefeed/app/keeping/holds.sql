-- Legal holds: what is kept whatever is asked for.

-- name: add(portal, kind, number, reason, set_by, now)!
INSERT INTO legal_hold (portal, kind, number, set_at, reason, set_by)
VALUES (:portal, :kind, :number, :now, :reason, :set_by)
ON CONFLICT (portal, kind, number, set_at) DO NOTHING;

-- name: end(portal, kind, number, ended_by, now)!
UPDATE legal_hold SET ended_at = :now, ended_by = :ended_by
WHERE portal = :portal AND kind = :kind AND number = :number AND ended_at IS NULL;

-- name: find(portal, kind, number)^
-- The one that is in force.
SELECT portal, kind, number, set_at, reason, set_by, ended_at, ended_by FROM legal_hold
WHERE portal = :portal AND kind = :kind AND number = :number AND ended_at IS NULL;

-- name: every(portal)
-- The newest first, those that have ended too.
SELECT portal, kind, number, set_at, reason, set_by, ended_at, ended_by FROM legal_hold
WHERE CAST(:portal AS TEXT) IS NULL OR portal = :portal
ORDER BY set_at DESC, portal, kind, number;

-- name: in_force()
-- What every purge has to leave; a handful of rows.
SELECT portal, kind, number FROM legal_hold WHERE ended_at IS NULL ORDER BY portal, kind, number;

-- name: is_any(portal)$
SELECT 1 FROM legal_hold WHERE portal = :portal AND ended_at IS NULL LIMIT 1;

-- name: posts(portal)
SELECT number FROM legal_hold WHERE portal = :portal AND kind = 'post' AND ended_at IS NULL;

-- name: portals()
-- Every portal of which anything is known.
SELECT member_id AS portal FROM install UNION SELECT portal FROM consumer WHERE state <> 'gone' ORDER BY 1;

-- name: forget(portal)!
DELETE FROM legal_hold WHERE portal = :portal;
