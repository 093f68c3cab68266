-- Entries on PostgreSQL: batches come as arrays, one a column; every entry is in the indexes at once. OFFSET 0 says
-- which side of a join is looked up in the other, whatever the planner believes to be empty.

-- name: add_entries(seq, portal, key, kind, body, at, source, only_for, arrived_for, is_urgent)!
-- What came in at the door also waits for its lane.
WITH given AS (
    SELECT * FROM unnest(
        CAST(:seq AS bigint[]), CAST(:portal AS text[]), CAST(:key AS text[]), CAST(:kind AS text[]),
        CAST(:body AS bytea[]), CAST(:at AS bigint[]), CAST(:source AS text[]), CAST(:only_for AS bigint[]),
        CAST(:arrived_for AS bigint[]), CAST(:is_urgent AS bigint[])
    ) AS t (seq, portal, key, kind, body, at, source, only_for, arrived_for, is_urgent)
), added AS (
    INSERT INTO entry (seq, portal, key, kind, body, at, source, only_for, arrived_for, is_urgent)
    SELECT * FROM given
)
INSERT INTO arrival (seq) SELECT seq FROM given WHERE arrived_for IS NOT NULL;

-- name: add_arrivals(seq, portal, key, kind, body, at, source, arrived_for, is_urgent)!
-- What came in at the door also waits for its lane.
WITH given AS (
    SELECT * FROM unnest(
        CAST(:seq AS bigint[]), CAST(:portal AS text[]), CAST(:key AS text[]), CAST(:kind AS text[]),
        CAST(:body AS bytea[]), CAST(:at AS bigint[]), CAST(:source AS text[]), CAST(:arrived_for AS bigint[]),
        CAST(:is_urgent AS bigint[])
    ) AS t (seq, portal, key, kind, body, at, source, arrived_for, is_urgent)
), added AS (
    INSERT INTO entry (seq, portal, key, kind, body, at, source, arrived_for, is_urgent)
    SELECT * FROM given
)
INSERT INTO arrival (seq) SELECT seq FROM given WHERE arrived_for IS NOT NULL;

-- name: add_rows(consumer, key, seq, head, kind, now)!
INSERT INTO lane (consumer, key, seq, head, first_at, calm_at, due_at, attempt)
SELECT
    c.id, v.key, v.seq, v.head, v.now, v.now + c.quiet_ms,
    CASE v.seq WHEN 0 THEN greatest(c.due_from, v.now + c.quiet_ms) END, CASE v.seq WHEN 0 THEN 0 END
FROM unnest(
    CAST(:consumer AS bigint[]), CAST(:key AS text[]), CAST(:seq AS bigint[]), CAST(:head AS bigint[]),
    CAST(:kind AS text[]), CAST(:now AS bigint[])
) AS v (consumer, key, seq, head, kind, now)
CROSS JOIN LATERAL (SELECT * FROM consumer WHERE id = v.consumer OFFSET 0) AS c
WHERE c.state IN ('active', 'paused') AND (c.kind IS NULL OR c.kind = v.kind)
ON CONFLICT (consumer, key, seq) DO UPDATE SET
    head = excluded.head,
    calm_at = excluded.calm_at;

-- name: lower_ready(consumers, now)!
UPDATE consumer
SET ready_at = greatest(not_before, :now + quiet_ms)
WHERE id = ANY (ARRAY(SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST(:consumers AS json))))
    AND state = 'active'
    AND in_flight < CASE WHEN fails > 0 THEN 1 ELSE cap END
    AND (ready_at IS NULL OR ready_at > greatest(not_before, :now + quiet_ms));

-- name: pass_over(first, last)!
-- Nothing: arrivals are known by their own table.
SELECT :first, :last;

-- name: list_entries(portal, key, after, limit)
-- Newest first.
SELECT seq, portal, key, kind, body, at, source, only_for
FROM entry
WHERE portal = :portal AND key = :key AND seq > :after
ORDER BY seq DESC
LIMIT :limit;

-- name: list_portal_entries(portal, after, limit)
-- Newest first, of one portal.
SELECT seq, portal, key, kind, body, at, source, only_for
FROM entry
WHERE portal = :portal AND seq > :after
ORDER BY seq DESC
LIMIT :limit;

-- name: portal_entries_after(portal, after, limit)
-- Oldest first, of one portal.
SELECT seq, portal, key, kind, body, at, source, only_for
FROM entry
WHERE portal = :portal AND seq > :after
ORDER BY seq
LIMIT :limit;

-- name: newest_of_kind(portal, key, kind, consumer)^
-- The newest entry of a key that a consumer of this kind was to see.
SELECT seq, portal, key, kind, body, at, source, only_for
FROM entry
WHERE portal = :portal AND key = :key AND kind = :kind
    AND (only_for IS NULL OR only_for = CAST(:consumer AS bigint))
ORDER BY seq DESC
LIMIT 1;
