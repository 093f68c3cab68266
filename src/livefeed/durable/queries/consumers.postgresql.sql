-- Consumers on PostgreSQL: a row is locked before it is judged.

-- name: hold(consumers)!
-- In order of id, before seq is drawn and lanes are written.
SELECT id FROM consumer
WHERE id = ANY (ARRAY(SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST(:consumers AS json))))
ORDER BY id
FOR NO KEY UPDATE;

-- name: hurry_lanes(id, now)!
-- Those that back off after a failure; what waits for a quiet time goes on waiting.
UPDATE lane SET due_at = greatest(c.due_from, CAST(:now AS bigint))
FROM consumer AS c
WHERE c.id = :id AND lane.consumer = c.id AND lane.seq = 0 AND lane.attempt > 0 AND lane.due_at > :now;

-- name: turns_of(consumers)$
SELECT CAST(coalesce(json_agg(json_build_array(id, in_flight, fails, not_before)), '[]') AS text)
FROM (
    SELECT id, in_flight, fails, not_before FROM consumer
    WHERE id = ANY (ARRAY(SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST(:consumers AS json))))
    ORDER BY id
    FOR NO KEY UPDATE
) AS held;

-- name: get_many(consumers)$
SELECT CAST(coalesce(json_agg(json_build_array(
    id, portal, name, kind, state, ready_at, fails, cap, pace_ms, quiet_ms, max_wait_ms, epoch
)), '[]') AS text)
FROM consumer
WHERE id = ANY (ARRAY(SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST(:consumers AS json))));
