-- Dead letters, attempts, finished handlers: what the clockwork remembers.

-- name: bury(consumer, key, seq, kind, body, reason, at)!
-- Expanded to as many rows as a batch has.
INSERT INTO dead (consumer, key, seq, kind, body, reason, at)
VALUES (:consumer, :key, :seq, :kind, :body, :reason, :at);

-- name: get_dead(id)^
SELECT d.id, d.consumer, c.portal, c.name, d.key, d.seq, d.kind, d.body, d.reason, d.at
FROM dead AS d JOIN consumer AS c ON c.id = d.consumer
WHERE d.id = :id;

-- name: list_dead(portal, consumer, since, limit)
-- Oldest first.
SELECT d.id, d.consumer, c.portal, c.name, d.key, d.seq, d.kind, d.body, d.reason, d.at
FROM dead AS d JOIN consumer AS c ON c.id = d.consumer
WHERE d.at >= :since
    AND (:consumer IS NULL OR d.consumer = :consumer)
    AND (:portal IS NULL OR c.portal = :portal)
ORDER BY d.id
LIMIT :limit;

-- name: list_replayable(portal, consumer, since, limit)
-- Oldest first; not those of consumers that are given nothing.
SELECT d.id, d.consumer, c.portal, c.name, d.key, d.seq, d.kind, d.body, d.reason, d.at
FROM dead AS d JOIN consumer AS c ON c.id = d.consumer
WHERE d.at >= :since
    AND (CAST(:consumer AS bigint) IS NULL OR d.consumer = :consumer)
    AND (CAST(:portal AS text) IS NULL OR c.portal = :portal)
    AND c.state IN ('active', 'paused')
ORDER BY d.id
LIMIT :limit;

-- name: drop_dead(id)!
DELETE FROM dead WHERE id = :id;

-- name: purge_dead(before, limit)!
DELETE FROM dead WHERE id IN (SELECT id FROM dead WHERE at < :before ORDER BY at LIMIT :limit);

-- name: purge_other_dead(before, kept, limit)!
-- Without what is kept: a JSON list as that of old_entries.
DELETE FROM dead WHERE id IN (
    SELECT d.id FROM dead AS d
    WHERE d.at < :before AND NOT EXISTS (
        SELECT 1 FROM json_each(:kept) AS k CROSS JOIN consumer AS c
        WHERE c.id = d.consumer AND k.value IN (c.portal, c.portal || ' ' || d.key)
    )
    ORDER BY d.at LIMIT :limit
);

-- name: list_attempts(day, consumer, state, since, limit)
-- Newest first; those that were logged together, one consumer after the other.
SELECT seq, consumer, key, attempt, webhook_id, sent_at, status, error, ms, state, size, answer
FROM attempt
WHERE day >= :day
    AND sent_at >= :since
    AND (:consumer IS NULL OR consumer = :consumer)
    AND (:state IS NULL OR state = :state)
ORDER BY day DESC, run DESC, id DESC
LIMIT :limit;

-- name: list_attempts_of_key(portal, key, consumer, state, since, limit)
-- Newest first, through the entries of one key: those the index knows, and the tail it does not know yet.
SELECT
    a.seq, a.consumer, a.key, a.attempt, a.webhook_id, a.sent_at, a.status, a.error, a.ms, a.state, a.size, a.answer
FROM (
    SELECT seq FROM entry_key WHERE portal = :portal AND key = :key
    UNION ALL
    SELECT t.seq FROM entry AS t
    WHERE t.seq > (SELECT value FROM sequence WHERE name = 'indexed') AND t.portal = :portal AND t.key = :key
) AS k
CROSS JOIN attempt AS a
WHERE a.last_seq >= k.seq AND a.last_seq < k.seq + 64 AND a.first_seq <= k.seq AND a.seq = k.seq
    AND a.sent_at >= :since
    AND (:consumer IS NULL OR a.consumer = :consumer)
    AND (:state IS NULL OR a.state = :state)
ORDER BY a.seq DESC, a.day DESC, a.id DESC
LIMIT :limit;

-- name: purge_attempts(before, limit)!
DELETE FROM attempt_run WHERE id IN (SELECT id FROM attempt_run WHERE day < :before ORDER BY day, id LIMIT :limit);

-- name: mark_done(consumer, key, seq, handler)!
INSERT INTO done (consumer, key, seq, handler) VALUES (:consumer, :key, :seq, :handler)
ON CONFLICT (consumer, key, seq, handler) DO NOTHING;

-- name: finished_through(consumer, key, cursor)
SELECT handler, max(seq) AS through FROM done
WHERE consumer = :consumer AND key = :key AND seq > :cursor
GROUP BY handler;

-- name: old_entries(through, before, kept, limit)
-- Without what is kept: a JSON list of portals, and of keys behind their portal and a space.
-- From the oldest on, and not beyond a seq after which all are younger: without it the last look of a purge would
-- walk through the whole table. Those of leased lanes wait for the settle, and what has just arrived for its lane.
SELECT e.seq, e.portal, e.key, e.kind, e.body
FROM entry AS e
WHERE e.seq <= :through AND e.seq <= (SELECT value FROM sequence WHERE name = 'routed') AND e.at < :before AND NOT EXISTS (
    SELECT 1 FROM consumer AS c CROSS JOIN lease AS r ON r.consumer = c.id AND r.key = e.key
    WHERE c.portal = e.portal
) AND NOT EXISTS (SELECT 1 FROM json_each(:kept) AS k WHERE k.value IN (e.portal, e.portal || ' ' || e.key))
ORDER BY e.seq
LIMIT :limit;

-- name: pending_for(portal, key, seq)
-- The consumers that have not dealt with an entry.
SELECT c.id
FROM consumer AS c CROSS JOIN lane AS l ON l.consumer = c.id AND l.key = :key AND l.seq = :seq
WHERE c.portal = :portal;

-- name: is_leased(portal, key)$
-- NULL: nobody works on this key.
SELECT 1 FROM consumer AS c CROSS JOIN lease AS r ON r.consumer = c.id AND r.key = :key
WHERE c.portal = :portal LIMIT 1;

-- name: is_unrouted(seq)$
-- Whether an entry that has arrived has no lanes yet; NULL: it has.
SELECT 1 FROM sequence WHERE name = 'routed' AND value < :seq;

-- name: drop_entries(seqs)!
DELETE FROM entry WHERE seq IN (SELECT value FROM json_each(:seqs));

-- name: drop_entry_key(portal, key, seq)!
-- Expanded to as many terms as a batch has.
DELETE FROM entry_key WHERE (portal = :portal AND key = :key AND seq = :seq);

-- name: drop_entry_order(portal, seq)!
-- Expanded to as many terms as a batch has.
DELETE FROM entry_order WHERE (portal = :portal AND seq = :seq);

-- name: drop_pending(consumer, key, seq)!
DELETE FROM lane WHERE consumer = :consumer AND key = :key AND seq = :seq;

-- name: drop_ended_lane(consumer, key, seq)!
-- A lane whose last entry is purged.
DELETE FROM lane WHERE consumer = :consumer AND key = :key AND seq = 0 AND head = :seq;

-- name: entries_of_portal(portal, limit)
-- A slice of what a portal has left: what the index knows, then the tail it does not know yet.
SELECT key, seq FROM entry_key WHERE portal = :portal
UNION ALL
SELECT t.key, t.seq FROM entry AS t
WHERE t.seq > (SELECT value FROM sequence WHERE name = 'indexed') AND t.portal = :portal
LIMIT :limit;

-- name: drop_portal_letters(portal, limit)!
DELETE FROM dead WHERE id IN (
    SELECT d.id FROM consumer AS c CROSS JOIN dead AS d ON d.consumer = c.id WHERE c.portal = :portal LIMIT :limit
);
