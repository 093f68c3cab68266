-- name: see(id, role, url, host, pid, version, now)!
-- A process is there.
INSERT INTO process (id, role, url, host, pid, version, started_at, seen_at)
VALUES (:id, :role, :url, :host, :pid, :version, :now, :now)
ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at;

-- name: leave(id)!
-- It has ended in order.
DELETE FROM process WHERE id = :id;

-- name: forget(before)!
-- Those that ended otherwise, long ago. The table has a row for each process.
DELETE FROM process WHERE seen_at < :before;

-- name: list_all()
SELECT id, role, url, host, pid, version, started_at, seen_at FROM process ORDER BY role, host, started_at, id;
