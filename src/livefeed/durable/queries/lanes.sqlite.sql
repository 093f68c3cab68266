-- Lanes on SQLite alone, where one unit runs at a time and what was read stays true until it ends.

-- name: end_lane(consumer, key, token, seq, now, max_wait)!
-- Of a lease that holds: it ends, and so does the lane unless it has got more; then it is due again, once it is calm,
-- and its consumer is looked at by then. Expanded to as many rows as a batch has; a trigger does it.
INSERT INTO ended (consumer, key, token, seq, now, max_wait)
VALUES (:consumer, :key, :token, :seq, :now, :max_wait);

-- name: note_states(states)!
-- :states is [[consumer, fails, not_before], …].
UPDATE consumer SET fails = j.value ->> 1, not_before = j.value ->> 2
FROM json_each(:states) AS j
WHERE consumer.id = j.value ->> 0;

-- name: look_at(consumers, at)!
-- When they are to be looked at next, where that is known; NULL: when something happens.
UPDATE consumer SET ready_at = CASE WHEN state = 'active' THEN max(not_before, :at) END
WHERE id IN (SELECT value FROM json_each(:consumers));

-- name: look_when_due(consumers, due_from, now)!
-- When the first of their lanes is due that is not leased; none is before :due_from.
UPDATE consumer SET ready_at = CASE WHEN state = 'active' THEN (
    SELECT max(consumer.not_before, :now, w.due_at)
    FROM lane AS w
    WHERE w.consumer = consumer.id AND w.due_at >= :due_from
        AND NOT EXISTS (SELECT 1 FROM lease AS r WHERE r.consumer = w.consumer AND r.key = w.key)
    ORDER BY w.due_at LIMIT 1
) END
WHERE id IN (SELECT value FROM json_each(:consumers));

-- name: lease_end()$
-- No lease ends before; NULL: there is none.
SELECT value FROM sequence WHERE name = 'lease_end' AND EXISTS (SELECT 1 FROM lease WHERE consumer > 0);

-- name: note_lease_end(until)!
INSERT INTO sequence (name, value) VALUES ('lease_end', :until)
ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE value > excluded.value;

-- name: find_lease_end()!
-- Anew, from the leases there are: a thousand or so.
INSERT INTO sequence (name, value) SELECT 'lease_end', min(until) FROM lease HAVING count(*) > 0
ON CONFLICT (name) DO UPDATE SET value = excluded.value;

-- name: forget_lease_end()!
DELETE FROM sequence WHERE name = 'lease_end';

-- name: put_back_overdue(now)!
-- Lanes whose lease ran out: their worker is gone or too slow. That was a try too.
UPDATE lane SET attempt = attempt + 1, due_at = :now
FROM lease AS r
WHERE r.until <= :now AND lane.consumer = r.consumer AND lane.key = r.key AND lane.seq = 0;

-- name: look_at_overdue(now)!
UPDATE consumer SET ready_at = max(not_before, :now)
WHERE state = 'active' AND id IN (SELECT r.consumer FROM lease AS r WHERE r.until <= :now);

-- name: drop_overdue(now)!
DELETE FROM lease WHERE until <= :now;
