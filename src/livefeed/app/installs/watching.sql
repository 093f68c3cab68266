-- Whether all handlers of a portal are still bound, and whether its queue of offline events may be fetched.

-- name: checked(portal, lost, now)!
-- The handlers of a portal were compared with those that are wanted; lost: those that were bound anew, or NULL.
INSERT INTO handler_watch (portal, checked_at, lost, lost_at)
VALUES (
    :portal, CAST(:now AS BIGINT), coalesce(CAST(:lost AS TEXT), ''),
    CASE WHEN CAST(:lost AS TEXT) IS NULL THEN NULL ELSE CAST(:now AS BIGINT) END
)
ON CONFLICT (portal) DO UPDATE SET
    checked_at = excluded.checked_at,
    lost = CASE WHEN excluded.lost_at IS NULL THEN handler_watch.lost ELSE excluded.lost END,
    lost_at = coalesce(excluded.lost_at, handler_watch.lost_at);

-- name: watch(portal)^
-- When the handlers of a portal were last looked at, and which of them were missing when.
SELECT checked_at, lost, lost_at FROM handler_watch WHERE portal = :portal;

-- name: forget_watch(portal)!
-- A portal is erased.
DELETE FROM handler_watch WHERE portal = :portal;

-- name: set_queue(portal, state, detail)!
-- Whether the queue of a portal may be fetched, and why not.
INSERT INTO offline_queue (portal, state, detail) VALUES (:portal, :state, :detail)
ON CONFLICT (portal) DO UPDATE SET state = excluded.state, detail = excluded.detail;

-- name: fetched(portal, count, now)!
-- So many records came from the queue.
UPDATE offline_queue SET fetched = fetched + :count, fetched_at = :now WHERE portal = :portal;

-- name: queue(portal)^
-- How the queue of a portal is fetched.
SELECT state, detail, fetched, fetched_at FROM offline_queue WHERE portal = :portal;

-- name: forget_queue(portal)!
-- A portal is erased.
DELETE FROM offline_queue WHERE portal = :portal;
