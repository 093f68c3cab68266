-- What the clockwork remembers, on PostgreSQL.

-- name: bury(consumer, key, seq, kind, body, reason, at)!
INSERT INTO dead (consumer, key, seq, kind, body, reason, at)
SELECT * FROM unnest(
    CAST(:consumer AS bigint[]), CAST(:key AS text[]), CAST(:seq AS bigint[]), CAST(:kind AS text[]),
    CAST(:body AS bytea[]), CAST(:reason AS text[]), CAST(:at AS bigint[])
);

-- name: list_dead(portal, consumer, since, limit)
-- Oldest first.
SELECT d.id, d.consumer, c.portal, c.name, d.key, d.seq, d.kind, d.body, d.reason, d.at
FROM dead AS d JOIN consumer AS c ON c.id = d.consumer
WHERE d.at >= :since
    AND (CAST(:consumer AS bigint) IS NULL OR d.consumer = :consumer)
    AND (CAST(:portal AS text) IS NULL OR c.portal = :portal)
ORDER BY d.id
LIMIT :limit;

-- name: add_attempts(day, id, seq, consumer, key, attempt, webhook_id, sent_at, status, error, ms, state, size, answer)!
INSERT INTO attempt (day, id, seq, consumer, key, attempt, webhook_id, sent_at, status, error, ms, state, size, answer)
SELECT * FROM unnest(
    CAST(:day AS bigint[]), CAST(:id AS bigint[]), CAST(:seq AS bigint[]), CAST(:consumer AS bigint[]),
    CAST(:key AS text[]), CAST(:attempt AS bigint[]), CAST(:webhook_id AS text[]), CAST(:sent_at AS bigint[]),
    CAST(:status AS bigint[]), CAST(:error AS text[]), CAST(:ms AS bigint[]), CAST(:state AS text[]),
    CAST(:size AS bigint[]), CAST(:answer AS bytea[])
);

-- name: list_attempts(day, consumer, state, since, limit)
-- Newest first.
SELECT seq, consumer, key, attempt, webhook_id, sent_at, status, error, ms, state, size, answer
FROM attempt
WHERE day >= :day
    AND sent_at >= :since
    AND (CAST(:consumer AS bigint) IS NULL OR consumer = :consumer)
    AND (CAST(:state AS text) IS NULL OR state = :state)
ORDER BY day DESC, id DESC
LIMIT :limit;

-- name: list_attempts_of_key(portal, key, consumer, state, since, limit)
-- Newest first, through the entries of one key.
SELECT
    a.seq, a.consumer, a.key, a.attempt, a.webhook_id, a.sent_at, a.status, a.error, a.ms, a.state, a.size, a.answer
FROM (SELECT seq FROM entry WHERE portal = :portal AND key = :key OFFSET 0) AS k
CROSS JOIN LATERAL (SELECT * FROM attempt WHERE seq = k.seq OFFSET 0) AS a
WHERE a.sent_at >= :since
    AND (CAST(:consumer AS bigint) IS NULL OR a.consumer = :consumer)
    AND (CAST(:state AS text) IS NULL OR a.state = :state)
ORDER BY a.seq DESC, a.day DESC, a.id DESC
LIMIT :limit;

-- name: old_entries(through, before, kept, limit)
-- Without what is kept: a JSON list of portals, and of keys behind their portal and a space.
-- From the oldest on, and not beyond a seq after which all are younger: without it the last look of a purge would
-- walk through the whole table. Those of leased lanes wait for the settle, and what has just arrived for its lane.
SELECT e.seq, e.portal, e.key, e.kind, e.body
FROM entry AS e
WHERE e.seq <= :through AND e.at < :before
    AND NOT EXISTS (SELECT 1 FROM arrival AS a WHERE a.seq = e.seq)
    AND (
        SELECT 1
        FROM (SELECT id FROM consumer WHERE portal = e.portal OFFSET 0) AS c
        CROSS JOIN LATERAL (SELECT 1 FROM lease AS r WHERE r.consumer = c.id AND r.key = e.key OFFSET 0) AS r
        LIMIT 1
    ) IS NULL
    AND NOT EXISTS (
        SELECT 1 FROM json_array_elements_text(CAST(:kept AS json)) AS k (value)
        WHERE k.value IN (e.portal, e.portal || ' ' || e.key)
    )
ORDER BY e.seq
LIMIT :limit;

-- name: drop_entries(seqs)!
DELETE FROM entry
WHERE seq = ANY (ARRAY(SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST(:seqs AS json))));

-- name: drop_entry_key(portal, key, seq)!
-- The index is the engine's own: what is dropped here is the entry.
DELETE FROM entry WHERE seq = ANY (ARRAY(
    SELECT t.seq
    FROM unnest(CAST(:portal AS text[]), CAST(:key AS text[]), CAST(:seq AS bigint[])) AS t (portal, key, seq)
));

-- name: drop_entry_order(portal, seq)!
-- An entry that is dropped waits for nothing.
DELETE FROM arrival WHERE seq = ANY (ARRAY(
    SELECT t.seq FROM unnest(CAST(:portal AS text[]), CAST(:seq AS bigint[])) AS t (portal, seq)
));

-- name: drop_attempts_of(seqs)!
DELETE FROM attempt
WHERE seq = ANY (ARRAY(SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST(:seqs AS json))));

-- name: pending_for(portal, key, seq)
-- The consumers that have not dealt with an entry.
SELECT c.id
FROM (SELECT id FROM consumer WHERE portal = :portal OFFSET 0) AS c
CROSS JOIN LATERAL (
    SELECT 1 FROM lane AS l WHERE l.consumer = c.id AND l.key = :key AND l.seq = :seq OFFSET 0
) AS l;

-- name: drop_portal_letters(portal, limit)!
DELETE FROM dead WHERE id = ANY (ARRAY(
    SELECT d.id
    FROM (SELECT id FROM consumer WHERE portal = :portal OFFSET 0) AS c
    CROSS JOIN LATERAL (SELECT id FROM dead WHERE consumer = c.id OFFSET 0) AS d
    LIMIT :limit
));

-- name: is_leased(portal, key)$
-- Asked once the consumers are locked.
SELECT EXISTS (
    SELECT 1
    FROM (SELECT id FROM consumer WHERE portal = :portal OFFSET 0) AS c
    CROSS JOIN LATERAL (SELECT 1 FROM lease AS r WHERE r.consumer = c.id AND r.key = :key OFFSET 0) AS r
);

-- name: get_dead(id)^
SELECT d.id, d.consumer, c.portal, c.name, d.key, d.seq, d.kind, d.body, d.reason, d.at
FROM (SELECT * FROM dead WHERE id = :id OFFSET 0) AS d
CROSS JOIN LATERAL (SELECT portal, name FROM consumer WHERE id = d.consumer OFFSET 0) AS c;

-- name: purge_dead(before, limit)!
DELETE FROM dead WHERE id = ANY (ARRAY(SELECT id FROM dead WHERE at < :before ORDER BY at LIMIT :limit));

-- name: purge_other_dead(before, kept, limit)!
-- Without what is kept: a JSON list as that of old_entries.
DELETE FROM dead WHERE id = ANY (ARRAY(
    SELECT d.id FROM dead AS d
    WHERE d.at < :before AND NOT EXISTS (
        SELECT 1 FROM json_array_elements_text(CAST(:kept AS json)) AS k (value) CROSS JOIN consumer AS c
        WHERE c.id = d.consumer AND k.value IN (c.portal, c.portal || ' ' || d.key)
    )
    ORDER BY d.at LIMIT :limit
));

-- name: purge_attempts(before, limit)!
DELETE FROM attempt WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM attempt WHERE day < :before ORDER BY day, id LIMIT :limit
));

-- name: is_unrouted(seq)$
-- Whether an entry that has arrived has no lanes yet; NULL: it has.
SELECT 1 FROM arrival WHERE seq = :seq;
