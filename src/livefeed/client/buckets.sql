-- name: now()$
-- Seconds of the database's own clock, which is one for all processes.
SELECT (julianday('now') - 2440587.5) * 86400.0;

-- name: locked(member_id)^
-- The bucket of a portal, locked until the commit.
SELECT times, at FROM bucket WHERE member_id = :member_id;

-- name: add(member_id, times, at)!
INSERT INTO bucket (member_id, times, at) VALUES (:member_id, :times, :at) ON CONFLICT (member_id) DO NOTHING;

-- name: keep(member_id, times, at)!
UPDATE bucket SET times = :times, at = :at WHERE member_id = :member_id;

-- name: forget(member_id)!
DELETE FROM bucket WHERE member_id = :member_id;
