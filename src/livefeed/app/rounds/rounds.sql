-- What comes again and again: is it ordered, and what is looked at anyway.

-- name: is_ordered(consumer, since)$
-- Whether something waits for a consumer that was ordered since; what is older may expire before it is done.
SELECT 1 FROM lane WHERE consumer = :consumer AND seq = 0 AND first_at >= :since LIMIT 1;

-- name: bring_forward(consumer, due)!
-- What waits for a longer pause than there is now.
UPDATE lane SET due_at = :due, calm_at = :due WHERE consumer = :consumer AND seq = 0 AND attempt = 0 AND due_at > :due;

-- name: pending(consumer, keys)
-- Which lanes have something to do, and whether somebody has begun; one that has just arrived has no lane yet.
SELECT l.key, CASE WHEN r.key IS NULL THEN 0 ELSE 1 END AS is_leased
FROM lane AS l LEFT JOIN lease AS r ON r.consumer = l.consumer AND r.key = l.key
WHERE l.consumer = :consumer AND l.seq = 0 AND l.key IN (SELECT value FROM json_each(:keys))
UNION ALL
SELECT e.key, 0 AS is_leased FROM entry AS e
WHERE e.seq > (SELECT value FROM sequence WHERE name = 'routed') AND e.arrived_for = :consumer
    AND e.key IN (SELECT value FROM json_each(:keys));
