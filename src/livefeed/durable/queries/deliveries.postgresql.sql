-- Deliveries on PostgreSQL. A page ends before the place (:before, :consumer).

-- name: attempted(consumers, states, after, before, consumer, limit)
-- Of each consumer and state the newest within the bounds; then the newest of all.
SELECT DISTINCT a.seq, a.consumer
FROM json_array_elements_text(CAST(:consumers AS json)) AS c (value)
CROSS JOIN json_array_elements_text(CAST(:states AS json)) AS s (value)
CROSS JOIN LATERAL (
    SELECT DISTINCT b.seq, b.consumer FROM attempt AS b
    WHERE b.consumer = CAST(c.value AS bigint) AND b.state = s.value AND b.seq > :after
        AND b.seq < :before + CASE WHEN CAST(c.value AS bigint) < :consumer THEN 1 ELSE 0 END
    ORDER BY b.seq DESC LIMIT :limit
) AS a
ORDER BY a.seq DESC, a.consumer DESC
LIMIT :limit;

-- name: attempted_of_key(portal, key, consumers, states, after, before, consumer, limit)
-- Through the entries of one key.
SELECT DISTINCT a.seq, a.consumer
FROM (
    SELECT seq FROM entry
    WHERE portal = :portal AND key = :key AND seq > :after AND seq <= :before
    OFFSET 0
) AS k
CROSS JOIN LATERAL (SELECT * FROM attempt WHERE seq = k.seq OFFSET 0) AS a
WHERE a.seq < :before + CASE WHEN a.consumer < :consumer THEN 1 ELSE 0 END
    AND a.consumer IN (SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST(:consumers AS json)))
    AND a.state IN (SELECT value FROM json_array_elements_text(CAST(:states AS json)))
ORDER BY a.seq DESC, a.consumer DESC
LIMIT :limit;

-- name: pending(consumers, states, is_any, after, before, consumer, limit)
-- What the lanes of the consumers still hold. Only the first of a lane can be under way.
SELECT p.seq, p.consumer
FROM (
    SELECT
        l.seq, l.consumer,
        CASE
            WHEN EXISTS (
                SELECT 1 FROM lane AS e
                WHERE e.consumer = l.consumer AND e.key = l.key AND e.seq > 0 AND e.seq < l.seq
            ) THEN 'waiting'
            WHEN (SELECT r.token FROM lease AS r WHERE r.consumer = l.consumer AND r.key = l.key) IS NOT NULL THEN 'leased'
            WHEN (SELECT w.attempt FROM lane AS w WHERE w.consumer = l.consumer AND w.key = l.key AND w.seq = 0) > 0
                THEN 'backing_off'
            ELSE 'waiting'
        END AS state
    FROM lane AS l
    WHERE l.consumer IN (SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST(:consumers AS json)))
        AND l.seq > 0 AND l.seq > :after
        AND l.seq < :before + CASE WHEN l.consumer < :consumer THEN 1 ELSE 0 END
) AS p
WHERE CAST(:is_any AS bigint) > 0 OR p.state IN (SELECT value FROM json_array_elements_text(CAST(:states AS json)))
ORDER BY p.seq DESC, p.consumer DESC
LIMIT :limit;

-- name: pending_of_key(consumers, key, states, after, before, consumer, limit)
-- The same, of one key.
SELECT p.seq, p.consumer
FROM (
    SELECT
        l.seq, l.consumer,
        CASE
            WHEN EXISTS (
                SELECT 1 FROM lane AS e
                WHERE e.consumer = l.consumer AND e.key = l.key AND e.seq > 0 AND e.seq < l.seq
            ) THEN 'waiting'
            WHEN (SELECT r.token FROM lease AS r WHERE r.consumer = l.consumer AND r.key = l.key) IS NOT NULL THEN 'leased'
            WHEN (SELECT w.attempt FROM lane AS w WHERE w.consumer = l.consumer AND w.key = l.key AND w.seq = 0) > 0
                THEN 'backing_off'
            ELSE 'waiting'
        END AS state
    FROM lane AS l
    WHERE l.consumer IN (SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST(:consumers AS json)))
        AND l.key = :key AND l.seq > 0 AND l.seq > :after
        AND l.seq < :before + CASE WHEN l.consumer < :consumer THEN 1 ELSE 0 END
) AS p
WHERE p.state IN (SELECT value FROM json_array_elements_text(CAST(:states AS json)))
ORDER BY p.seq DESC, p.consumer DESC
LIMIT :limit;

-- name: expired(consumers, after, before, consumer, limit)
-- What became too old, of each consumer the newest within the bounds; then the newest of all.
SELECT d.seq, d.consumer
FROM json_array_elements_text(CAST(:consumers AS json)) AS c (value)
CROSS JOIN LATERAL (
    SELECT b.seq, b.consumer FROM dead AS b
    WHERE b.consumer = CAST(c.value AS bigint) AND b.reason = 'expired' AND b.seq > :after
        AND b.seq < :before + CASE WHEN CAST(c.value AS bigint) < :consumer THEN 1 ELSE 0 END
    ORDER BY b.seq DESC LIMIT :limit
) AS d
ORDER BY d.seq DESC, d.consumer DESC
LIMIT :limit;

-- name: expired_of_key(consumers, key, after, before, consumer, limit)
-- The same, of one key: its entries are gone, so the letters are asked.
SELECT d.seq, d.consumer
FROM dead AS d
WHERE d.consumer IN (SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST(:consumers AS json)))
    AND d.reason = 'expired' AND d.key = :key
    AND d.seq > :after AND d.seq < :before + CASE WHEN d.consumer < :consumer THEN 1 ELSE 0 END
ORDER BY d.seq DESC, d.consumer DESC
LIMIT :limit;

-- name: attempts_of(consumer, seq)
-- Every attempt of one delivery, in no order.
SELECT seq, consumer, key, attempt, webhook_id, sent_at, status, error, ms, state, size, answer
FROM attempt
WHERE consumer = :consumer AND state IN ('delivered', 'backing_off', 'dead', 'withheld') AND seq = :seq;

-- name: lane_of(consumer, key, seq)^
-- Where a pending entry stands in its lane; no row: it is not pending.
SELECT
    p.key, l.first_at, coalesce(r.until, l.due_at) AS due_at,
    l.attempt + CASE WHEN r.token IS NOT NULL THEN 1 ELSE 0 END AS attempt,
    r.token IS NOT NULL AS leased,
    EXISTS (
        SELECT 1 FROM lane AS e
        WHERE e.consumer = p.consumer AND e.key = p.key AND e.seq > 0 AND e.seq < p.seq
    ) AS is_behind
FROM lane AS p
JOIN lane AS l ON l.consumer = p.consumer AND l.key = p.key AND l.seq = 0
LEFT JOIN lease AS r ON r.consumer = p.consumer AND r.key = p.key
WHERE p.consumer = :consumer AND p.key = :key AND p.seq = :seq;

-- name: newest_attempts(consumer, states, limit)
-- Of each state the newest attempts by their entries.
SELECT a.seq, a.consumer, a.key, a.attempt, a.webhook_id, a.sent_at, a.status, a.error, a.ms, a.state, a.size, a.answer
FROM json_array_elements_text(CAST(:states AS json)) AS s (value)
CROSS JOIN LATERAL (
    SELECT * FROM attempt AS b
    WHERE b.consumer = :consumer AND b.state = s.value
    ORDER BY b.seq DESC LIMIT :limit
) AS a
ORDER BY a.seq DESC, a.day DESC, a.id DESC
LIMIT :limit;

-- name: letter_of(consumer, seq)^
-- The dead letter of one delivery.
SELECT d.id, d.consumer, c.portal, c.name, d.key, d.seq, d.kind, d.body, d.reason, d.at
FROM (SELECT * FROM dead WHERE consumer = :consumer AND seq = :seq OFFSET 0) AS d
CROSS JOIN LATERAL (SELECT portal, name FROM consumer WHERE id = d.consumer OFFSET 0) AS c
ORDER BY d.id DESC LIMIT 1;
