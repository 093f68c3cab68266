-- Entries: one row per event, shared by the consumers concerned.

-- name: add_entries(seq, portal, key, kind, body, at, source, only_for, arrived_for, is_urgent)!
-- Expanded to as many rows as a batch has.
INSERT INTO entry (seq, portal, key, kind, body, at, source, only_for, arrived_for, is_urgent)
VALUES (:seq, :portal, :key, :kind, :body, :at, :source, :only_for, :arrived_for, :is_urgent);

-- name: add_arrivals(seq, portal, key, kind, body, at, source, arrived_for, is_urgent)!
-- The same for what came in at the door.
INSERT INTO entry (seq, portal, key, kind, body, at, source, arrived_for, is_urgent)
VALUES (:seq, :portal, :key, :kind, :body, :at, :source, :arrived_for, :is_urgent);

-- name: add_rows(consumer, key, seq, head, kind, now)!
-- Expanded to as many rows as a batch has: for each lane a row with seq 0, and one for each of its entries. A lane
-- that exists keeps its time: what is not calm when it is due is put off by the lease.
INSERT INTO lane (consumer, key, seq, head, first_at, calm_at, due_at, attempt)
SELECT
    c.id, v.column2, v.column3, v.column4,
    v.column6, v.column6 + c.quiet_ms, v.column6 + c.quiet_ms, CASE v.column3 WHEN 0 THEN 0 END
FROM (VALUES (:consumer, :key, :seq, :head, :kind, :now)) AS v
CROSS JOIN consumer AS c ON c.id = v.column1
WHERE c.state IN ('active', 'paused') AND (c.kind IS NULL OR c.kind = v.column5)
ON CONFLICT (consumer, key, seq) DO UPDATE SET
    head = excluded.head,
    calm_at = excluded.calm_at;

-- name: lower_ready(consumers, now)!
-- Consumers that have just got work; one at its cap or down is left to the end of a lease or to its probe.
UPDATE consumer
SET ready_at = max(not_before, :now + quiet_ms)
WHERE id IN (SELECT value FROM json_each(:consumers))
    AND state = 'active'
    AND (ready_at IS NULL OR ready_at > max(not_before, :now + quiet_ms))
    AND (SELECT count(*) FROM lease WHERE consumer = id) < CASE WHEN fails > 0 THEN 1 ELSE cap END;

-- name: pass_over(first, last)!
-- Entries in a row that have their lanes already; arrivals before them, if there are any, are routed first.
UPDATE sequence SET value = :last WHERE name = 'routed' AND value = :first - 1;

-- name: get_entry(seq)^
SELECT seq, portal, key, kind, body, at, source, only_for FROM entry WHERE seq = :seq;

-- name: list_entries(portal, key, after, limit)
-- Newest first: those the index knows, and the tail it does not know yet.
SELECT seq, portal, key, kind, body, at, source, only_for
FROM entry
WHERE seq IN (
    SELECT seq FROM (
        SELECT seq FROM entry_key
        WHERE portal = :portal AND key = :key AND seq > :after
        ORDER BY seq DESC LIMIT :limit
    )
    UNION ALL
    SELECT t.seq FROM entry AS t
    WHERE t.seq > (SELECT value FROM sequence WHERE name = 'indexed') AND t.seq > :after
        AND t.portal = :portal AND t.key = :key
)
ORDER BY seq DESC
LIMIT :limit;

-- name: list_portal_entries(portal, after, limit)
-- Newest first, of one portal: those the index knows, and the tail it does not know yet.
SELECT seq, portal, key, kind, body, at, source, only_for
FROM entry
WHERE seq IN (
    SELECT seq FROM (
        SELECT seq FROM entry_order WHERE portal = :portal AND seq > :after ORDER BY seq DESC LIMIT :limit
    )
    UNION ALL
    SELECT t.seq FROM entry AS t
    WHERE t.seq > (SELECT value FROM sequence WHERE name = 'indexed') AND t.seq > :after AND t.portal = :portal
)
ORDER BY seq DESC
LIMIT :limit;

-- name: portal_entries_after(portal, after, limit)
-- Oldest first, of one portal: those the index knows, and the tail it does not know yet.
SELECT seq, portal, key, kind, body, at, source, only_for
FROM entry
WHERE seq IN (
    SELECT seq FROM (
        SELECT seq FROM entry_order WHERE portal = :portal AND seq > :after ORDER BY seq LIMIT :limit
    )
    UNION ALL
    SELECT t.seq FROM entry AS t
    WHERE t.seq > (SELECT value FROM sequence WHERE name = 'indexed') AND t.seq > :after AND t.portal = :portal
)
ORDER BY seq
LIMIT :limit;

-- name: newest_of_kind(portal, key, kind, consumer)^
-- The newest entry of a key that a consumer of this kind was to see.
SELECT seq, portal, key, kind, body, at, source, only_for
FROM entry
WHERE seq IN (
        SELECT seq FROM entry_key WHERE portal = :portal AND key = :key
        UNION ALL
        SELECT t.seq FROM entry AS t
        WHERE t.seq > (SELECT value FROM sequence WHERE name = 'indexed') AND t.portal = :portal AND t.key = :key
    )
    AND kind = :kind AND (only_for IS NULL OR only_for = :consumer)
ORDER BY seq DESC
LIMIT 1;

-- name: list_all_entries(after, limit)
-- Newest first, of all portals and keys.
SELECT seq, portal, key, kind, body, at, source, only_for
FROM entry
WHERE seq > :after
ORDER BY seq DESC
LIMIT :limit;

-- name: entry_from(seq)^
-- The first entry from a place on.
SELECT seq, at FROM entry WHERE seq >= :seq ORDER BY seq LIMIT 1;

-- name: indexed()$
SELECT value FROM sequence WHERE name = 'indexed';

-- name: newest()$
SELECT max(seq) FROM entry;

-- name: index_entries(after, through)!
-- In the order of the index, so that a page is written once.
INSERT INTO entry_key (portal, key, seq)
SELECT portal, key, seq FROM entry WHERE seq > :after AND seq <= :through ORDER BY portal, key, seq;

-- name: order_entries(after, through)!
-- The same, by portal alone.
INSERT INTO entry_order (portal, seq)
SELECT portal, seq FROM entry WHERE seq > :after AND seq <= :through ORDER BY portal, seq;

-- name: set_indexed(through)!
UPDATE sequence SET value = :through WHERE name = 'indexed';
