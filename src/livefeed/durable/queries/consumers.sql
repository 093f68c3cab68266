-- Consumers: who is handed entries. ready_at says when a worker should look at one; null: not at all.

-- name: register(portal, name, kind, state, cap, pace_ms, quiet_ms, max_wait_ms)$
INSERT INTO consumer (portal, name, kind, state, cap, pace_ms, quiet_ms, max_wait_ms, epoch)
VALUES (:portal, :name, :kind, :state, :cap, :pace_ms, :quiet_ms, :max_wait_ms, 1)
ON CONFLICT (portal, name) DO UPDATE SET
    kind = excluded.kind,
    state = excluded.state,
    cap = excluded.cap,
    pace_ms = excluded.pace_ms,
    quiet_ms = excluded.quiet_ms,
    max_wait_ms = excluded.max_wait_ms
RETURNING id;

-- name: set_state(id, state)!
UPDATE consumer SET state = :state WHERE id = :id;

-- name: set_share(id, cap, pace_ms)!
UPDATE consumer SET cap = :cap, pace_ms = :pace_ms WHERE id = :id AND state <> 'gone';

-- name: retire(id)!
-- Leases of the epoch before are lost from here on.
UPDATE consumer
SET state = 'gone', epoch = epoch + 1, ready_at = NULL, not_before = 0, fails = 0, in_flight = 0
WHERE id = :id;

-- name: end_pause(id)!
UPDATE consumer SET not_before = 0 WHERE id = :id;

-- name: hurry_lanes(id, now)!
-- Those that back off after a failure; what waits for a quiet time goes on waiting.
UPDATE lane SET due_at = :now WHERE consumer = :id AND seq = 0 AND attempt > 0 AND due_at > :now;

-- name: drop_lanes(id)!
DELETE FROM lane WHERE consumer = :id;

-- name: drop_leases(id)!
DELETE FROM lease WHERE consumer = :id;

-- name: drop_done(id)!
DELETE FROM done WHERE consumer = :id;

-- name: get(id)^
SELECT id, portal, name, kind, state, ready_at, fails, cap, pace_ms, quiet_ms, max_wait_ms, epoch
FROM consumer WHERE id = :id;

-- name: get_many(consumers)$
-- Those of them that there are.
SELECT json_group_array(json_array(
    id, portal, name, kind, state, ready_at, fails, cap, pace_ms, quiet_ms, max_wait_ms, epoch
))
FROM consumer WHERE id IN (SELECT value FROM json_each(:consumers));

-- name: find(portal, name)^
SELECT id, portal, name, kind, state, ready_at, fails, cap, pace_ms, quiet_ms, max_wait_ms, epoch
FROM consumer WHERE portal = :portal AND name = :name;

-- name: list_of_portal(portal)
SELECT id, portal, name, kind, state, ready_at, fails, cap, pace_ms, quiet_ms, max_wait_ms, epoch
FROM consumer WHERE portal = :portal ORDER BY id;

-- name: list_all()
SELECT id, portal, name, kind, state, ready_at, fails, cap, pace_ms, quiet_ms, max_wait_ms, epoch
FROM consumer ORDER BY id;
