-- Lanes on PostgreSQL. Whoever changes a consumer's lanes has locked its row first; several are locked by id. What is
-- decided is decided from what was read after the lock, never in one statement with it. The tables fill and empty by
-- the second, so that statistics of them mean nothing: OFFSET 0 says which side of a join is looked up in the other.

-- name: await_overdue(now)!
-- One that has waited for a second is waited for, or a busy one would be passed over for ever. Nothing else is held.
SELECT id FROM consumer WHERE ready_at <= :now - 1000 ORDER BY ready_at LIMIT 1 FOR NO KEY UPDATE;

-- name: due_consumers(now, limit)$
-- Those that waited longest first, but none that another worker is busy with.
SELECT CAST(coalesce(json_agg(json_build_array(
    id, portal, name, kind, epoch, fails, cap, pace_ms, max_wait_ms, in_flight, not_before,
    (SELECT count(*) FROM lease WHERE consumer = d.id AND until > 0 AND until >= d.lease_from AND until <= :now)
)), '[]') AS text)
FROM (
    SELECT id, portal, name, kind, epoch, fails, cap, pace_ms, max_wait_ms, in_flight, not_before, lease_from
    FROM consumer WHERE ready_at <= :now ORDER BY ready_at LIMIT :limit
    FOR NO KEY UPDATE SKIP LOCKED
) AS d;

-- name: put_back_overdue_of(consumer, now)!
-- Lanes whose lease ran out: their worker is gone or too slow. That was a try too.
UPDATE lane SET attempt = attempt + 1, due_at = greatest(c.due_from, CAST(:now AS bigint))
FROM consumer AS c
WHERE c.id = :consumer AND lane.consumer = c.id AND lane.seq = 0 AND lane.key = ANY (ARRAY(
    SELECT r.key FROM lease AS r
    WHERE r.consumer = :consumer AND r.until > 0 AND r.until <= :now
));

-- name: drop_overdue_of(consumer, now)!
DELETE FROM lease WHERE consumer = :consumer AND until > 0 AND until <= :now;

-- name: due_lanes(consumers, turn, now)$
-- Of each consumer at most :turn lanes, those due longest; the last column is the first entry that is pending.
SELECT CAST(coalesce(json_agg(json_build_array(
    l.consumer, l.key, l.head, l.attempt, l.first_at, l.calm_at, l.due_at,
    (SELECT min(p.seq) FROM lane AS p WHERE p.consumer = l.consumer AND p.key = l.key AND p.seq > 0)
)), '[]') AS text)
FROM json_array_elements_text(CAST(:consumers AS json)) AS j (value)
CROSS JOIN LATERAL (SELECT id, due_from FROM consumer WHERE id = CAST(j.value AS bigint) OFFSET 0) AS c
CROSS JOIN LATERAL (
    SELECT w.consumer, w.key, w.head, w.attempt, w.first_at, w.calm_at, w.due_at
    FROM lane AS w
    WHERE w.consumer = c.id AND w.due_at >= c.due_from AND w.due_at <= :now
        AND NOT EXISTS (SELECT 1 FROM lease AS r WHERE r.consumer = w.consumer AND r.key = w.key)
    ORDER BY w.due_at LIMIT :turn
) AS l;

-- name: postpone_lanes(lanes)!
UPDATE lane SET due_at = k.due_at
FROM (
    SELECT l.place, CAST(j.value ->> 2 AS bigint) AS due_at
    FROM json_array_elements(CAST(:lanes AS json)) AS j (value)
    CROSS JOIN LATERAL (
        SELECT w.ctid AS place FROM lane AS w
        WHERE w.consumer = CAST(j.value ->> 0 AS bigint) AND w.key = j.value ->> 1 AND w.seq = 0
        OFFSET 0
    ) AS l
    OFFSET 0
) AS k
WHERE lane.ctid = k.place;

-- name: add_lease(consumer, key, token, until)!
INSERT INTO lease (consumer, key, token, until)
SELECT c.id, t.key, t.token, greatest(c.lease_from, t.until)
FROM unnest(
    CAST(:consumer AS bigint[]), CAST(:key AS text[]), CAST(:token AS bigint[]), CAST(:until AS bigint[])
) AS t (consumer, key, token, until)
CROSS JOIN LATERAL (SELECT id, lease_from FROM consumer WHERE id = t.consumer OFFSET 0) AS c;

-- name: run_seqs(lanes, most)$
-- Of each lane at most :most entries, in order.
SELECT CAST(coalesce(json_agg(json_build_array(j.place - 1, r.seq) ORDER BY j.place, r.seq), '[]') AS text)
FROM json_array_elements(CAST(:lanes AS json)) WITH ORDINALITY AS j (value, place)
CROSS JOIN LATERAL (
    SELECT p.seq FROM lane AS p
    WHERE p.consumer = CAST(j.value ->> 0 AS bigint) AND p.key = j.value ->> 1 AND p.seq > 0
    ORDER BY p.seq LIMIT :most
) AS r;

-- name: entries_of(seqs)
-- Each entry once, though many lanes may be about it.
SELECT seq, portal, key, kind, body, at, source, only_for
FROM entry
WHERE seq = ANY (ARRAY(SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST(:seqs AS json))));

-- name: drop_whole_lane(consumer, key)!
DELETE FROM lane WHERE ctid = ANY (ARRAY(
    SELECT l.ctid FROM unnest(CAST(:consumer AS bigint[]), CAST(:key AS text[])) AS t (consumer, key)
    CROSS JOIN LATERAL (
        SELECT w.ctid FROM lane AS w WHERE w.consumer = t.consumer AND w.key = t.key OFFSET 0
    ) AS l
));

-- name: held_consumers(consumers)$
-- The rows a settle decides from, locked in order of id.
SELECT CAST(coalesce(
    json_agg(json_build_array(id, epoch, fails, in_flight, not_before, max_wait_ms, cap, ready_at)), '[]'
) AS text)
FROM (
    SELECT id, epoch, fails, in_flight, not_before, max_wait_ms, cap, ready_at
    FROM consumer
    WHERE id = ANY (ARRAY(SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST(:consumers AS json))))
    ORDER BY id
    FOR NO KEY UPDATE
) AS held;

-- name: held_lanes(lanes)$
-- Under the locks of their consumers. The last column: entries wait that were not leased.
SELECT CAST(coalesce(json_agg(json_build_array(
    j.place - 1, r.token, l.head, l.calm_at,
    EXISTS (
        SELECT 1 FROM lane AS p
        WHERE p.consumer = r.consumer AND p.key = r.key AND p.seq > 0
            AND p.seq <> ALL (ARRAY(SELECT CAST(e.value AS bigint) FROM json_array_elements_text(j.value -> 2) AS e))
    )
)), '[]') AS text)
FROM json_array_elements(CAST(:lanes AS json)) WITH ORDINALITY AS j (value, place)
CROSS JOIN LATERAL (
    SELECT consumer, key, token FROM lease
    WHERE consumer = CAST(j.value ->> 0 AS bigint) AND key = j.value ->> 1
    OFFSET 0
) AS r
CROSS JOIN LATERAL (
    SELECT head, calm_at FROM lane WHERE consumer = r.consumer AND key = r.key AND seq = 0 OFFSET 0
) AS l;

-- name: drop_lease(consumer, key)!
DELETE FROM lease WHERE ctid = ANY (ARRAY(
    SELECT r.ctid FROM unnest(CAST(:consumer AS bigint[]), CAST(:key AS text[])) AS t (consumer, key)
    CROSS JOIN LATERAL (
        SELECT ctid FROM lease WHERE consumer = t.consumer AND key = t.key OFFSET 0
    ) AS r
));

-- name: drop_row(consumer, key, seq)!
DELETE FROM lane WHERE ctid = ANY (ARRAY(
    SELECT l.ctid
    FROM unnest(CAST(:consumer AS bigint[]), CAST(:key AS text[]), CAST(:seq AS bigint[])) AS t (consumer, key, seq)
    CROSS JOIN LATERAL (
        SELECT w.ctid FROM lane AS w WHERE w.consumer = t.consumer AND w.key = t.key AND w.seq = t.seq OFFSET 0
    ) AS l
));

-- name: put_back_lanes(lanes)!
UPDATE lane SET first_at = k.first_at, due_at = k.due_at, attempt = k.attempt
FROM (
    SELECT
        l.place, CAST(j.value ->> 2 AS bigint) AS first_at,
        greatest(l.due_from, CAST(j.value ->> 3 AS bigint)) AS due_at, CAST(j.value ->> 4 AS bigint) AS attempt
    FROM json_array_elements(CAST(:lanes AS json)) AS j (value)
    CROSS JOIN LATERAL (
        SELECT w.ctid AS place, (SELECT c.due_from FROM consumer AS c WHERE c.id = w.consumer) AS due_from
        FROM lane AS w
        WHERE w.consumer = CAST(j.value ->> 0 AS bigint) AND w.key = j.value ->> 1 AND w.seq = 0
        OFFSET 0
    ) AS l
    OFFSET 0
) AS k
WHERE lane.ctid = k.place;

-- name: forget_done(consumer, key)!
DELETE FROM done WHERE ctid = ANY (ARRAY(
    SELECT d.ctid FROM unnest(CAST(:consumer AS bigint[]), CAST(:key AS text[])) AS t (consumer, key)
    CROSS JOIN LATERAL (SELECT ctid FROM done WHERE consumer = t.consumer AND key = t.key OFFSET 0) AS d
));

-- name: write_turns(turns, now, times)!
-- :turns is [[consumer, in_flight, fails, not_before, look_at], …]; also sets when each is to be looked at next: at
-- look_at where that is known, at its cap (one while it is down) when a lease ends, else when a lane is due that is not
-- leased, or a lease ends. And learns from where on there is something: what is looked at next begins there.
UPDATE consumer SET
    in_flight = n.in_flight,
    fails = n.fails,
    not_before = n.not_before,
    due_from = greatest(n.due_from, least(n.due, CAST(:now AS bigint))),
    lease_from = coalesce(n.ended, greatest(n.lease_from, CAST(:now AS bigint))),
    ready_at = CASE
        WHEN n.state <> 'active' THEN NULL
        WHEN n.look_at IS NOT NULL THEN greatest(n.not_before, n.look_at)
        WHEN n.in_flight >= CASE WHEN n.fails > 0 THEN 1 ELSE n.cap * CAST(:times AS bigint) END THEN n.ended
        WHEN n.due IS NULL AND n.ended IS NULL THEN NULL
        ELSE greatest(n.not_before, CAST(:now AS bigint), least(n.due, n.ended))
    END
FROM (
    SELECT
        c.place, c.state, c.cap, c.due_from, c.lease_from, CAST(j.value ->> 1 AS bigint) AS in_flight,
        CAST(j.value ->> 2 AS bigint) AS fails, CAST(j.value ->> 3 AS bigint) AS not_before,
        CAST(j.value ->> 4 AS bigint) AS look_at,
        (
            SELECT w.due_at FROM lane AS w
            WHERE w.consumer = c.id AND w.due_at >= c.due_from
                AND NOT EXISTS (SELECT 1 FROM lease AS r WHERE r.consumer = w.consumer AND r.key = w.key)
            ORDER BY w.due_at LIMIT 1
        ) AS due,
        (SELECT min(until) FROM lease WHERE lease.consumer = c.id AND until > 0 AND until >= c.lease_from) AS ended
    FROM json_array_elements(CAST(:turns AS json)) AS j (value)
    CROSS JOIN LATERAL (SELECT *, ctid AS place FROM consumer WHERE id = CAST(j.value ->> 0 AS bigint) OFFSET 0) AS c
    OFFSET 0
) AS n
WHERE consumer.ctid = n.place;

-- name: keep_turns(turns)!
-- The same for those that are going to be looked at anyway: when, stays.
UPDATE consumer SET in_flight = n.in_flight, fails = n.fails, not_before = n.not_before
FROM (
    SELECT
        c.place, CAST(j.value ->> 1 AS bigint) AS in_flight, CAST(j.value ->> 2 AS bigint) AS fails,
        CAST(j.value ->> 3 AS bigint) AS not_before
    FROM json_array_elements(CAST(:turns AS json)) AS j (value)
    CROSS JOIN LATERAL (SELECT ctid AS place FROM consumer WHERE id = CAST(j.value ->> 0 AS bigint) OFFSET 0) AS c
    OFFSET 0
) AS n
WHERE consumer.ctid = n.place;

-- name: renew(lanes, until)!
UPDATE lease SET until = k.until
FROM (
    SELECT r.place, greatest(r.lease_from, CAST(:until AS bigint)) AS until
    FROM json_array_elements(CAST(:lanes AS json)) AS j (value)
    CROSS JOIN LATERAL (
        SELECT e.ctid AS place, (SELECT c.lease_from FROM consumer AS c WHERE c.id = e.consumer) AS lease_from
        FROM lease AS e
        WHERE e.consumer = CAST(j.value ->> 0 AS bigint) AND e.key = j.value ->> 1
            AND e.token = CAST(j.value ->> 2 AS bigint)
        OFFSET 0
    ) AS r
    OFFSET 0
) AS k
WHERE lease.ctid = k.place;

-- name: hurry_lane(consumer, key, now)!
-- No earlier than the leases look for: the clock of who hurries may be behind.
UPDATE lane SET due_at = greatest(c.due_from, CAST(:now AS bigint))
FROM consumer AS c
WHERE c.id = :consumer AND lane.consumer = c.id AND lane.key = :key AND lane.seq = 0 AND lane.due_at > :now;

-- name: put_back_all(now)!
UPDATE lane SET attempt = attempt + 1, due_at = least(due_at, CAST(:now AS bigint))
FROM lease AS r
WHERE lane.consumer = r.consumer AND lane.key = r.key AND lane.seq = 0;

-- name: forget_flights()!
UPDATE consumer SET in_flight = 0, due_from = 0, lease_from = 0;

-- name: failing_lanes(portal, key, now, after_consumer, after_key, limit)
-- Those that wait for their next try after a failure, or for a probe of their consumer, in order.
SELECT l.consumer, l.key, c.name
FROM lane AS l
JOIN consumer AS c ON c.id = l.consumer
WHERE l.seq = 0 AND l.attempt > 0 AND c.state = 'active' AND (l.due_at > :now OR c.not_before > :now)
    AND (CAST(:portal AS text) IS NULL OR c.portal = :portal) AND (CAST(:key AS text) IS NULL OR l.key = :key)
    AND NOT EXISTS (SELECT 1 FROM lease AS r WHERE r.consumer = l.consumer AND r.key = l.key)
    AND (l.consumer, l.key) > (:after_consumer, :after_key)
ORDER BY l.consumer, l.key
LIMIT :limit;

-- name: list_lanes(consumer, limit)
-- The waiting ones are really due once they are calm, but not later than the longest wait.
SELECT
    l.consumer, c.portal, c.name, l.key,
    (SELECT min(p.seq) - 1 FROM lane AS p WHERE p.consumer = l.consumer AND p.key = l.key AND p.seq > 0) AS cursor,
    l.head, l.first_at,
    CASE
        WHEN r.until IS NOT NULL THEN r.until
        WHEN l.attempt = 0 THEN greatest(l.due_at, least(l.calm_at, l.first_at + c.max_wait_ms))
        ELSE l.due_at
    END AS due_at,
    l.attempt + CASE WHEN r.token IS NOT NULL THEN 1 ELSE 0 END AS attempt,
    r.token IS NOT NULL AS leased
FROM lane AS l
JOIN consumer AS c ON c.id = l.consumer
LEFT JOIN lease AS r ON r.consumer = l.consumer AND r.key = l.key
WHERE l.seq = 0 AND (CAST(:consumer AS bigint) IS NULL OR l.consumer = :consumer)
LIMIT :limit;
