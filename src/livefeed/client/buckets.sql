-- name: now(clock_ms)$
-- Seconds of the clock of the one process that writes to a file.
SELECT :clock_ms / 1000.0;

-- name: locked(member_id)^
-- The bucket of a portal, locked until the commit.
SELECT times, at FROM bucket WHERE member_id = :member_id;

-- name: add(member_id, times, at)!
INSERT INTO bucket (member_id, times, at) VALUES (:member_id, :times, :at) ON CONFLICT (member_id) DO NOTHING;

-- name: keep(member_id, times, at)!
UPDATE bucket SET times = :times, at = :at WHERE member_id = :member_id;

-- name: forget(member_id)!
DELETE FROM bucket WHERE member_id = :member_id;
