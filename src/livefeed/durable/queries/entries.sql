-- Entries: one row per event, shared by the consumers concerned.

-- name: add_entries(seq, portal, key, kind, body, at, source, only_for)!
-- Expanded to as many rows as a batch has.
INSERT INTO entry (seq, portal, key, kind, body, at, source, only_for)
VALUES (:seq, :portal, :key, :kind, :body, :at, :source, :only_for);

-- name: add_lanes(consumer, key, cursor, head, now)!
-- Expanded to as many rows as a batch has, one a lane. A lane that is leased or backing off keeps its time.
INSERT INTO lane (consumer, key, cursor, head, first_at, calm_at, due_at, attempt, token)
SELECT c.id, v.column2, v.column3, v.column4, v.column5, v.column5 + c.quiet_ms, v.column5 + c.quiet_ms, 0, NULL
FROM (VALUES (:consumer, :key, :cursor, :head, :now)) AS v
CROSS JOIN consumer AS c ON c.id = v.column1
WHERE c.state IN ('active', 'paused')
ON CONFLICT (consumer, key) DO UPDATE SET
    head = excluded.head,
    calm_at = excluded.calm_at,
    due_at = CASE
        WHEN lane.token IS NULL AND lane.attempt = 0 THEN min(
            lane.first_at + (SELECT max_wait_ms FROM consumer WHERE id = lane.consumer),
            excluded.calm_at
        )
        ELSE lane.due_at
    END;

-- name: lower_ready(consumers, now)!
-- Consumers that have just got work; one at its cap or down is left to the end of a lease or to its probe.
UPDATE consumer
SET ready_at = max(not_before, :now + quiet_ms)
WHERE id IN (SELECT value FROM json_each(:consumers))
    AND state = 'active'
    AND in_flight < CASE WHEN fails > 0 THEN 1 ELSE cap END
    AND (ready_at IS NULL OR ready_at > max(not_before, :now + quiet_ms));

-- name: get_entry(seq)^
SELECT seq, portal, key, kind, body, at, source, only_for FROM entry WHERE seq = :seq;

-- name: list_entries(portal, key, since, limit)
-- Newest first.
SELECT seq, portal, key, kind, body, at, source, only_for
FROM entry
WHERE portal = :portal AND key = :key AND at >= :since
ORDER BY seq DESC
LIMIT :limit;

-- name: list_all_entries(since, limit)
-- Newest first, of all portals and keys.
SELECT seq, portal, key, kind, body, at, source, only_for
FROM entry
WHERE at >= :since
ORDER BY seq DESC
LIMIT :limit;
