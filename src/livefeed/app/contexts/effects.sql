-- Effects that are to happen once.

-- name: plan_effect(portal, place, key, at)!
-- Recorded before anything else.
INSERT INTO effect (portal, place, key, state, at) VALUES (:portal, :place, :key, 'planned', :at)
ON CONFLICT (portal, place, key) DO NOTHING;

-- name: effect(portal, place, key)^
SELECT state, lane, token, until, calls FROM effect WHERE portal = :portal AND place = :place AND key = :key;

-- name: begin_effect(portal, place, key, lane, token, until, at)!
-- Marked as sending before it begins.
UPDATE effect SET state = 'sending', lane = :lane, token = :token, until = :until, calls = calls + 1, at = :at
WHERE portal = :portal AND place = :place AND key = :key;

-- name: end_effect(portal, place, key, token, state, at)!
-- Whoever has begun it says how it ended.
UPDATE effect SET state = :state, at = :at
WHERE portal = :portal AND place = :place AND key = :key AND token = :token AND state = 'sending';

-- name: purge_effects(before, limit)!
DELETE FROM effect
WHERE (portal, place, key) IN (SELECT portal, place, key FROM effect WHERE at < :before ORDER BY at LIMIT :limit);

-- name: forget_effects(portal)!
DELETE FROM effect WHERE portal = :portal;
