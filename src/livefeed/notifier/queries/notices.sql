-- Notices: planned → sending → sent, or skipped, or failed.

-- name: unsent(portal, post, person, channel)^
-- A notice that no call was begun for can still be made to tell of more.
SELECT id, editors FROM notice
WHERE portal = :portal AND post = :post AND person = :person AND channel = :channel AND state = 'planned'
ORDER BY id DESC LIMIT 1;

-- name: add(portal, person, post, channel, from_version, to_version, reason, editors, now)$
INSERT INTO notice (portal, person, post, channel, from_version, to_version, reason, editors, state, planned_at)
VALUES (:portal, :person, :post, :channel, :from_version, :to_version, :reason, :editors, 'planned', :now)
RETURNING id;

-- name: extend(id, to_version, reason, editors)!
UPDATE notice SET to_version = :to_version, reason = :reason, editors = :editors WHERE id = :id;

-- name: find(id)^
SELECT id, portal, person, post, channel, from_version, to_version, reason, editors, state, calls
FROM notice WHERE id = :id;

-- name: mark_sending(id, to_version, now)!
-- Only if it still tells of what was composed.
UPDATE notice SET state = 'sending', calls = calls + 1, sending_at = :now
WHERE id = :id AND to_version = :to_version AND state IN ('planned', 'sending', 'failed');

-- name: settle(id, state, detail, now)!
UPDATE notice SET state = :state, detail = :detail, settled_at = :now
WHERE id = :id AND state IN ('planned', 'sending', 'failed');

-- name: let_go(portal, now)!
-- What waited when the application left; whatever was to send it went with the lanes of then.
UPDATE notice SET state = 'skipped', detail = 'the application was away', settled_at = :now
WHERE portal = :portal AND state = 'planned';

-- name: every(portal, post, person, limit)
SELECT id, portal, person, post, channel, from_version, to_version, reason, editors, state, calls
FROM notice
WHERE (CAST(:portal AS TEXT) IS NULL OR portal = :portal)
  AND (CAST(:post AS BIGINT) IS NULL OR post = :post)
  AND (CAST(:person AS BIGINT) IS NULL OR person = :person)
ORDER BY id DESC LIMIT :limit;

-- name: forget(portal)!
DELETE FROM notice WHERE portal = :portal;
