-- name: now(clock_ms)$
-- Seconds of the server's own clock, which is one for all processes; that of this machine is not looked at.
SELECT CAST(extract(epoch FROM clock_timestamp()) AS DOUBLE PRECISION) WHERE CAST(:clock_ms AS BIGINT) IS NOT NULL;

-- name: locked(member_id)^
-- The bucket of a portal, locked until the commit.
SELECT times, at FROM bucket WHERE member_id = :member_id FOR UPDATE;
