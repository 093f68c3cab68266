-- Watch on PostgreSQL: arrivals are known by their own table, and a look at lanes begins where there may be one.

-- name: oldest_due_lane(now)$
SELECT min((
    SELECT w.due_at FROM lane AS w
    WHERE w.consumer = d.id AND w.due_at >= d.due_from AND w.due_at <= :now
        AND NOT EXISTS (SELECT 1 FROM lease AS r WHERE r.consumer = w.consumer AND r.key = w.key)
    ORDER BY w.due_at LIMIT 1
))
FROM (SELECT id, due_from FROM consumer WHERE ready_at <= :now ORDER BY ready_at LIMIT 100) AS d;

-- name: oldest_arrival()$
SELECT e.at FROM arrival AS a JOIN entry AS e ON e.seq = a.seq ORDER BY a.seq LIMIT 1;

-- name: lower_floors(now, until)!
-- They only rise, and what is written keeps above them: once the clock was set back, all that becomes due would wait
-- until it says again what it said.
UPDATE consumer SET due_from = least(due_from, CAST(:now AS bigint)), lease_from = least(lease_from, CAST(:now AS bigint))
WHERE id = ANY (ARRAY(
    SELECT id FROM consumer WHERE due_from > :now + 1000 OR lease_from > :until + 1000
    ORDER BY id FOR NO KEY UPDATE
));
