-- name: bring_forward(consumer, due)!
-- What waits for a longer pause than there is now.
UPDATE lane SET due_at = greatest(c.due_from, CAST(:due AS BIGINT)), calm_at = CAST(:due AS BIGINT)
FROM consumer AS c
WHERE c.id = :consumer AND lane.consumer = c.id AND lane.seq = 0 AND lane.attempt = 0 AND lane.due_at > :due;

-- name: pending(consumer, keys)
-- Which lanes have something to do, and whether somebody has begun; one that has just arrived has no lane yet.
SELECT l.key, CASE WHEN r.key IS NULL THEN 0 ELSE 1 END AS is_leased
FROM lane AS l LEFT JOIN lease AS r ON r.consumer = l.consumer AND r.key = l.key
WHERE l.consumer = :consumer AND l.seq = 0 AND l.key IN (SELECT json_array_elements_text(CAST(:keys AS json)))
UNION ALL
SELECT e.key, 0 AS is_leased FROM entry AS e
WHERE e.seq > (SELECT value FROM sequence WHERE name = 'routed') AND e.arrived_for = :consumer
    AND e.key IN (SELECT json_array_elements_text(CAST(:keys AS json)));
