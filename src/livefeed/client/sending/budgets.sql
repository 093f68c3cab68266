-- name: of_portal(member_id, now)
-- Methods that have run for long lately, and what they have used.
SELECT method, used_ms, call_ms, frees_at FROM operating_time WHERE member_id = :member_id AND frees_at > :now;

-- name: keep(member_id, method, used_ms, call_ms, frees_at)!
INSERT INTO operating_time (member_id, method, used_ms, call_ms, frees_at)
VALUES (:member_id, :method, :used_ms, :call_ms, :frees_at)
ON CONFLICT (member_id, method) DO UPDATE SET
    used_ms = excluded.used_ms, call_ms = excluded.call_ms, frees_at = excluded.frees_at;

-- name: drop(member_id, method)!
-- It has not run for long lately.
DELETE FROM operating_time WHERE member_id = :member_id AND method = :method;

-- name: forget(member_id)!
DELETE FROM operating_time WHERE member_id = :member_id;
