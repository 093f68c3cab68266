-- name: now()$
-- Seconds of the database's own clock, which is one for all processes.
SELECT CAST(extract(epoch FROM clock_timestamp()) AS DOUBLE PRECISION);

-- name: locked(member_id)^
-- The bucket of a portal, locked until the commit.
SELECT times, at FROM bucket WHERE member_id = :member_id FOR UPDATE;
