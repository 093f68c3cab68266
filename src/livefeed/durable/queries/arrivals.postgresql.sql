-- Arrivals on PostgreSQL: those that wait are rows of a table of their own, because numbers are not committed in order.

-- name: hold_routing()!
-- One at a time, so that of two arrivals of one lane the earlier is routed first.
SELECT pg_advisory_xact_lock(hashtextextended('livefeed arrivals', 0));

-- name: arrivals_from(now)$
-- Before this number everything is routed; once a second it is looked for what was committed late.
SELECT CASE WHEN looked.value <= :now - 1000 OR looked.value > :now THEN 0 ELSE known.value END
FROM sequence AS known, sequence AS looked
WHERE known.name = 'arrivals_from' AND looked.name = 'arrivals_looked';

-- name: note_arrivals(after, through, now)!
-- Batches that are being committed at the same time are some thousand numbers apart at most.
UPDATE sequence SET value = CASE name WHEN 'arrivals_looked' THEN :now ELSE greatest(value, :through - 5000) END
WHERE name = 'arrivals_from' OR (name = 'arrivals_looked' AND CAST(:after AS bigint) = 0);

-- name: take_arrivals(after, limit)$
WITH taken AS (
    DELETE FROM arrival
    WHERE seq = ANY (ARRAY(SELECT seq FROM arrival WHERE seq > :after ORDER BY seq LIMIT :limit))
    RETURNING seq
)
SELECT CAST(coalesce(json_agg(seq ORDER BY seq), '[]') AS text) FROM taken;

-- name: hold_arrived(seqs)!
-- Consumers before lanes, in order of id.
SELECT id FROM consumer
WHERE id = ANY (ARRAY(
    SELECT arrived_for FROM entry
    WHERE seq = ANY (ARRAY(SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST(:seqs AS json))))
))
ORDER BY id
FOR NO KEY UPDATE;

-- name: route_lanes(seqs)!
INSERT INTO lane (consumer, key, seq, head, first_at, calm_at, due_at, attempt)
SELECT
    c.id, e.key, 0, max(e.seq), min(e.at),
    max(e.at + CASE WHEN e.is_urgent > 0 THEN 0 ELSE c.quiet_ms END),
    greatest(c.due_from, min(e.at + CASE WHEN e.is_urgent > 0 THEN 0 ELSE c.quiet_ms END)), 0
FROM json_array_elements_text(CAST(:seqs AS json)) AS j (value)
CROSS JOIN LATERAL (SELECT * FROM entry WHERE seq = CAST(j.value AS bigint) OFFSET 0) AS e
CROSS JOIN LATERAL (SELECT * FROM consumer WHERE id = e.arrived_for OFFSET 0) AS c
WHERE c.state IN ('active', 'paused') AND (c.kind IS NULL OR c.kind = e.kind)
GROUP BY c.id, c.due_from, e.key
ORDER BY c.id, e.key
ON CONFLICT (consumer, key, seq) DO UPDATE SET
    head = greatest(lane.head, excluded.head),
    calm_at = greatest(lane.calm_at, excluded.calm_at);

-- name: route_entries(seqs)!
INSERT INTO lane (consumer, key, seq)
SELECT c.id, e.key, e.seq
FROM json_array_elements_text(CAST(:seqs AS json)) AS j (value)
CROSS JOIN LATERAL (SELECT * FROM entry WHERE seq = CAST(j.value AS bigint) OFFSET 0) AS e
CROSS JOIN LATERAL (SELECT * FROM consumer WHERE id = e.arrived_for OFFSET 0) AS c
WHERE c.state IN ('active', 'paused') AND (c.kind IS NULL OR c.kind = e.kind)
ORDER BY c.id, e.key, e.seq;

-- name: lower_ready(seqs, now)!
UPDATE consumer
SET ready_at = greatest(not_before, :now + CASE WHEN got.is_urgent > 0 THEN 0 ELSE quiet_ms END)
FROM (
    SELECT
        e.arrived_for, max(e.is_urgent) AS is_urgent,
        (SELECT c.ctid FROM consumer AS c WHERE c.id = e.arrived_for) AS place
    FROM json_array_elements_text(CAST(:seqs AS json)) AS j (value)
    CROSS JOIN LATERAL (SELECT arrived_for, is_urgent FROM entry WHERE seq = CAST(j.value AS bigint) OFFSET 0) AS e
    GROUP BY e.arrived_for
    OFFSET 0
) AS got
WHERE consumer.ctid = got.place
    AND state = 'active'
    AND in_flight < CASE WHEN fails > 0 THEN 1 ELSE cap END
    AND (
        ready_at IS NULL
        OR ready_at > greatest(not_before, :now + CASE WHEN got.is_urgent > 0 THEN 0 ELSE quiet_ms END)
    );

-- name: look_anew()!
-- What is committed by now is looked for from the first number on.
UPDATE sequence SET value = 0 WHERE name = 'arrivals_looked';
