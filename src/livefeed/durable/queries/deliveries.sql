-- Deliveries: one entry for one consumer, newest first. A page ends before the place (:before, :consumer).

-- name: attempted(consumers, states, after, before, consumer, limit)
-- The newest within the bounds. Each run has its last entry: of so many runs, that of different consumers or entries,
-- nothing newer than the oldest of their ends is in a run that ends before it.
WITH ends AS MATERIALIZED (
    SELECT DISTINCT b.last_seq, b.consumer
    FROM json_each(:consumers) AS c
    CROSS JOIN json_each(:states) AS s
    CROSS JOIN attempt_run AS b INDEXED BY attempt_run_by_consumer
    WHERE b.consumer = c.value AND b.state = s.value AND b.last_seq IN (
        SELECT DISTINCT n.last_seq FROM attempt_run AS n INDEXED BY attempt_run_by_consumer
        WHERE n.consumer = c.value AND n.state = s.value
            AND n.last_seq > :after AND n.last_seq < :before + (c.value < :consumer)
        ORDER BY n.last_seq DESC LIMIT :limit
    )
    ORDER BY b.last_seq DESC, b.consumer DESC LIMIT :limit
)
SELECT DISTINCT j.value AS seq, a.consumer
FROM json_each(:consumers) AS c
CROSS JOIN json_each(:states) AS s
CROSS JOIN attempt_run AS a INDEXED BY attempt_run_by_consumer
CROSS JOIN json_each(a.seqs) AS j
WHERE a.consumer = c.value AND a.state = s.value
    AND a.last_seq >= coalesce((SELECT min(p.last_seq) FROM ends AS p), :before)
    AND a.last_seq < :before + 64 AND a.first_seq <= :before
    AND j.value > :after AND j.value < :before + (a.consumer < :consumer)
ORDER BY seq DESC, a.consumer DESC
LIMIT :limit;

-- name: attempted_of_key(portal, key, consumers, states, after, before, consumer, limit)
-- Through the entries of one key: those the index knows, and the tail it does not know yet.
SELECT DISTINCT p.seq, a.consumer
FROM (
    SELECT k.seq FROM entry_key AS k
    WHERE k.portal = :portal AND k.key = :key AND k.seq > :after AND k.seq <= :before
    UNION ALL
    SELECT t.seq FROM entry AS t
    WHERE t.seq > (SELECT value FROM sequence WHERE name = 'indexed') AND t.portal = :portal AND t.key = :key
        AND t.seq > :after AND t.seq <= :before
) AS p
CROSS JOIN attempt_run AS a
WHERE a.last_seq >= p.seq AND a.last_seq < p.seq + 64 AND a.first_seq <= p.seq
    AND p.seq < :before + (a.consumer < :consumer)
    AND a.consumer IN (SELECT value FROM json_each(:consumers))
    AND a.state IN (SELECT value FROM json_each(:states))
    AND p.seq IN (SELECT value FROM json_each(a.seqs))
ORDER BY p.seq DESC, a.consumer DESC
LIMIT :limit;

-- name: pending(consumers, states, is_any, after, before, consumer, limit)
-- What the lanes of the consumers still hold. Only the first of a lane can be under way; where any state will do
-- (is_any), none is looked up.
SELECT p.seq, p.consumer
FROM (
    SELECT
        l.seq, l.consumer,
        CASE
            WHEN EXISTS (
                SELECT 1 FROM lane AS e
                WHERE e.consumer = l.consumer AND e.key = l.key AND e.seq > 0 AND e.seq < l.seq
            ) THEN 'waiting'
            WHEN EXISTS (SELECT 1 FROM lease AS r WHERE r.consumer = l.consumer AND r.key = l.key) THEN 'leased'
            WHEN (SELECT w.attempt FROM lane AS w WHERE w.consumer = l.consumer AND w.key = l.key AND w.seq = 0) > 0
                THEN 'backing_off'
            ELSE 'waiting'
        END AS state
    FROM json_each(:consumers) AS c
    CROSS JOIN lane AS l
    WHERE l.consumer = c.value AND l.seq > :after AND l.seq < :before + (l.consumer < :consumer)
) AS p
WHERE :is_any OR p.state IN (SELECT value FROM json_each(:states))
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
            WHEN EXISTS (SELECT 1 FROM lease AS r WHERE r.consumer = l.consumer AND r.key = l.key) THEN 'leased'
            WHEN (SELECT w.attempt FROM lane AS w WHERE w.consumer = l.consumer AND w.key = l.key AND w.seq = 0) > 0
                THEN 'backing_off'
            ELSE 'waiting'
        END AS state
    FROM json_each(:consumers) AS c
    CROSS JOIN lane AS l
    WHERE l.consumer = c.value AND l.key = :key AND l.seq > :after AND l.seq < :before + (l.consumer < :consumer)
) AS p
WHERE p.state IN (SELECT value FROM json_each(:states))
ORDER BY p.seq DESC, p.consumer DESC
LIMIT :limit;

-- name: expired(consumers, after, before, consumer, limit)
-- What became too old, of each consumer the newest within the bounds; then the newest of all.
SELECT d.seq, d.consumer
FROM json_each(:consumers) AS c
CROSS JOIN dead AS d INDEXED BY dead_by_expiry
WHERE d.consumer = c.value AND d.reason = 'expired' AND d.seq IN (
    SELECT b.seq FROM dead AS b INDEXED BY dead_by_expiry
    WHERE b.consumer = c.value AND b.reason = 'expired' AND b.seq > :after AND b.seq < :before + (c.value < :consumer)
    ORDER BY b.seq DESC LIMIT :limit
)
ORDER BY d.seq DESC, d.consumer DESC
LIMIT :limit;

-- name: expired_of_key(consumers, key, after, before, consumer, limit)
-- The same, of one key: its entries are gone, so the letters are asked.
SELECT d.seq, d.consumer
FROM json_each(:consumers) AS c
CROSS JOIN dead AS d INDEXED BY dead_by_expiry
WHERE d.consumer = c.value AND d.reason = 'expired' AND d.key = :key
    AND d.seq > :after AND d.seq < :before + (c.value < :consumer)
ORDER BY d.seq DESC, d.consumer DESC
LIMIT :limit;

-- name: attempts_of(consumer, seq)
-- Every attempt of one delivery, in no order.
SELECT seq, consumer, key, attempt, webhook_id, sent_at, status, error, ms, state, size, answer
FROM attempt
WHERE consumer = :consumer AND state IN ('delivered', 'backing_off', 'dead', 'withheld')
    AND last_seq >= :seq AND last_seq < :seq + 64 AND first_seq <= :seq AND seq = :seq;

-- name: lane_of(consumer, key, seq)^
-- Where a pending entry stands in its lane; no row: it is not pending.
SELECT
    p.key, l.first_at, coalesce(r.until, l.due_at) AS due_at, l.attempt + (r.token IS NOT NULL) AS attempt,
    r.token IS NOT NULL AS leased,
    EXISTS (
        SELECT 1 FROM lane AS e
        WHERE e.consumer = p.consumer AND e.key = p.key AND e.seq > 0 AND e.seq < p.seq
    ) AS is_behind
FROM lane AS p
JOIN lane AS l ON l.consumer = p.consumer AND l.key = p.key AND l.seq = 0
LEFT JOIN lease AS r ON r.consumer = p.consumer AND r.key = p.key
WHERE p.consumer = :consumer AND p.key = :key AND p.seq = :seq;

-- name: letter_of(consumer, seq)^
-- The dead letter of one delivery.
SELECT d.id, d.consumer, c.portal, c.name, d.key, d.seq, d.kind, d.body, d.reason, d.at
FROM dead AS d JOIN consumer AS c ON c.id = d.consumer
WHERE d.consumer = :consumer AND d.seq = :seq
ORDER BY d.id DESC LIMIT 1;

-- name: newest_attempts(consumer, states, limit)
-- Of each state the newest attempts by their entries. In runs that begin with an entry or later are so many attempts:
-- nothing newer is in a run that ends before it.
SELECT a.seq, a.consumer, a.key, a.attempt, a.webhook_id, a.sent_at, a.status, a.error, a.ms, a.state, a.size, a.answer
FROM json_each(:states) AS s
CROSS JOIN attempt AS a
WHERE a.consumer = :consumer AND a.state = s.value AND a.last_seq >= (
    SELECT coalesce(max(CASE WHEN n.total >= :limit THEN n.first_seq END), min(n.first_seq)) FROM (
        SELECT p.first_seq, sum(json_array_length(p.seqs)) OVER (ORDER BY p.first_seq DESC) AS total FROM (
            SELECT b.first_seq, b.seqs FROM attempt_run AS b INDEXED BY attempt_run_by_consumer
            WHERE b.consumer = :consumer AND b.state = s.value
            ORDER BY b.last_seq DESC LIMIT :limit
        ) AS p
    ) AS n
)
ORDER BY a.seq DESC, a.day DESC, a.id DESC
LIMIT :limit;
