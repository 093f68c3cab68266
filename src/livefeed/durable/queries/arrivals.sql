-- Arrivals: entries from the door, which get their lanes a moment later, many at a time and in the order of the
-- table, so that a page is written once for all of them.

-- name: routed()$
SELECT value FROM sequence WHERE name = 'routed';

-- name: newest()$
SELECT max(seq) FROM entry;

-- name: set_routed(through)!
UPDATE sequence SET value = :through WHERE name = 'routed';

-- name: route_lanes(after, through)!
-- One row a lane. A lane that exists keeps its time: what is not calm when it is due is put off by the lease.
INSERT INTO lane (consumer, key, seq, head, first_at, calm_at, due_at, attempt)
SELECT
    c.id, e.key, 0, max(e.seq), min(e.at),
    max(e.at + iif(e.is_urgent, 0, c.quiet_ms)), min(e.at + iif(e.is_urgent, 0, c.quiet_ms)), 0
FROM entry AS e CROSS JOIN consumer AS c ON c.id = e.arrived_for
WHERE e.seq > :after AND e.seq <= :through
    AND c.state IN ('active', 'paused') AND (c.kind IS NULL OR c.kind = e.kind)
GROUP BY c.id, e.key
ORDER BY c.id, e.key
ON CONFLICT (consumer, key, seq) DO UPDATE SET
    head = excluded.head,
    calm_at = excluded.calm_at;

-- name: route_entries(after, through)!
INSERT INTO lane (consumer, key, seq)
SELECT c.id, e.key, e.seq
FROM entry AS e CROSS JOIN consumer AS c ON c.id = e.arrived_for
WHERE e.seq > :after AND e.seq <= :through
    AND c.state IN ('active', 'paused') AND (c.kind IS NULL OR c.kind = e.kind)
ORDER BY c.id, e.key, e.seq;

-- name: lower_ready(after, through, now)!
-- Consumers that have just got work; one at its cap or down is left to the end of a lease or to its probe.
UPDATE consumer
SET ready_at = max(not_before, :now + iif(got.is_urgent, 0, quiet_ms))
FROM (
    SELECT arrived_for, max(is_urgent) AS is_urgent
    FROM entry WHERE seq > :after AND seq <= :through GROUP BY arrived_for
) AS got
WHERE id = got.arrived_for
    AND state = 'active'
    AND (ready_at IS NULL OR ready_at > max(not_before, :now + iif(got.is_urgent, 0, quiet_ms)))
    AND (SELECT count(*) FROM lease WHERE consumer = id) < CASE WHEN fails > 0 THEN 1 ELSE cap END;
