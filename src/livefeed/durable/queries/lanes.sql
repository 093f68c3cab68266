-- Lanes: what one consumer still has to do for one key. The row with seq 0 is the lane itself; each of the others
-- names one entry it has still to deal with. Batches travel as one JSON value each way, because every row that the
-- driver steps over is one release of the interpreter lock.

-- name: due_consumers(now, limit)$
-- Those that waited longest first.
SELECT json_group_array(json_array(
    id, portal, name, kind, epoch, fails, cap, pace_ms, max_wait_ms,
    (SELECT count(*) FROM lease WHERE consumer = d.id), not_before
))
FROM (
    SELECT id, portal, name, kind, epoch, fails, cap, pace_ms, max_wait_ms, not_before
    FROM consumer WHERE ready_at <= :now ORDER BY ready_at LIMIT :limit
) AS d;

-- name: due_lanes(consumers, turn, now)$
-- Of each consumer at most :turn lanes, those due longest; the last column is the first entry that is pending.
SELECT json_group_array(json_array(
    l.consumer, l.key, l.head, l.attempt, l.first_at, l.calm_at, l.due_at,
    (SELECT min(p.seq) FROM lane AS p WHERE p.consumer = l.consumer AND p.key = l.key AND p.seq > 0)
))
FROM json_each(:consumers) AS c
CROSS JOIN lane AS l
WHERE l.consumer = c.value AND l.seq = 0 AND l.key IN (
    SELECT w.key FROM lane AS w
    WHERE w.consumer = c.value AND w.due_at <= :now
        AND NOT EXISTS (SELECT 1 FROM lease AS r WHERE r.consumer = w.consumer AND r.key = w.key)
    ORDER BY w.due_at LIMIT :turn
);

-- name: postpone_lanes(lanes)!
-- Those that were not calm yet; :lanes is [[consumer, key, due_at], …].
UPDATE lane SET due_at = j.value ->> 2
FROM json_each(:lanes) AS j
WHERE lane.consumer = j.value ->> 0 AND lane.key = j.value ->> 1 AND lane.seq = 0;

-- name: add_lease(consumer, key, token, until)!
-- Expanded to as many rows as a batch has.
INSERT INTO lease (consumer, key, token, until) VALUES (:consumer, :key, :token, :until);

-- name: run_seqs(lanes, most)$
-- :lanes is [[consumer, key], …]; of each at most :most entries, in order.
SELECT json_group_array(json_array(j.key, e.seq))
FROM json_each(:lanes) AS j
CROSS JOIN lane AS e
WHERE e.consumer = j.value ->> 0 AND e.key = j.value ->> 1 AND e.seq IN (
    SELECT p.seq FROM lane AS p
    WHERE p.consumer = j.value ->> 0 AND p.key = j.value ->> 1 AND p.seq > 0
    ORDER BY p.seq LIMIT :most
);

-- name: entries_of(seqs)
-- Each entry once, though many lanes may be about it.
SELECT seq, portal, key, kind, body, at, source, only_for
FROM entry WHERE seq IN (SELECT value FROM json_each(:seqs));

-- name: drop_whole_lane(consumer, key)!
-- Whose entries were all purged. Expanded to as many terms as a batch has.
DELETE FROM lane WHERE (consumer = :consumer AND key = :key);

-- name: held_consumers(consumers)$
-- The rows a settle decides from, with the tokens of their leases; PostgreSQL locks them here, in order of id.
SELECT json_group_array(json_array(
    id, epoch, fails, 0, not_before, max_wait_ms, cap, ready_at,
    (SELECT json_group_array(token) FROM lease WHERE consumer = c.id)
))
FROM consumer AS c WHERE id IN (SELECT value FROM json_each(:consumers));

-- name: held_lanes(lanes)$
-- The rows a settle decides from, locked after their consumers; :lanes is [[consumer, key, [seq, …]], …].
SELECT json_group_array(json_array(j.key, r.token, l.head, l.calm_at))
FROM json_each(:lanes) AS j
CROSS JOIN lease AS r ON r.consumer = j.value ->> 0 AND r.key = j.value ->> 1
CROSS JOIN lane AS l ON l.consumer = r.consumer AND l.key = r.key AND l.seq = 0;

-- name: drop_lease(consumer, key)!
-- Expanded to as many terms as a batch has.
DELETE FROM lease WHERE (consumer = :consumer AND key = :key);

-- name: drop_row(consumer, key, seq)!
-- An entry that is dealt with, or a lane (seq 0) with nothing left. Expanded to as many terms as a batch has: of an
-- IN with a list of rows the planner uses the first column only.
DELETE FROM lane WHERE (consumer = :consumer AND key = :key AND seq = :seq);

-- name: put_back_lanes(lanes)!
-- :lanes is [[consumer, key, first_at, due_at, attempt], …].
UPDATE lane SET
    first_at = j.value ->> 2,
    due_at = j.value ->> 3,
    attempt = j.value ->> 4
FROM json_each(:lanes) AS j
WHERE lane.consumer = j.value ->> 0 AND lane.key = j.value ->> 1 AND lane.seq = 0;

-- name: forget_done(consumer, key)!
-- Of a run that is settled. Expanded to as many terms as a batch has.
DELETE FROM done WHERE (consumer = :consumer AND key = :key);

-- name: renew(lanes, until)!
-- :lanes is [[consumer, key, token], …].
UPDATE lease SET until = :until
FROM json_each(:lanes) AS j
WHERE lease.consumer = j.value ->> 0 AND lease.key = j.value ->> 1 AND lease.token = j.value ->> 2;

-- name: is_held(consumer, key, token, epoch)$
SELECT EXISTS (
    SELECT 1 FROM lease AS r JOIN consumer AS c ON c.id = r.consumer
    WHERE r.consumer = :consumer AND r.key = :key AND r.token = :token AND c.epoch = :epoch
);

-- name: next_ready()$
SELECT min(ready_at) FROM consumer WHERE ready_at IS NOT NULL;

-- name: put_back_all(now)!
-- At start, when no worker can be left. What was leased was tried.
UPDATE lane SET attempt = attempt + 1, due_at = min(due_at, :now)
FROM lease AS r
WHERE lane.consumer = r.consumer AND lane.key = r.key AND lane.seq = 0;

-- name: drop_leases()!
DELETE FROM lease;

-- name: failing_lanes(portal, key, now, after_consumer, after_key, limit)
-- Those that wait for their next try after a failure, or for a probe of their consumer, in order.
SELECT l.consumer, l.key, c.name
FROM lane AS l
JOIN consumer AS c ON c.id = l.consumer
WHERE l.seq = 0 AND l.attempt > 0 AND c.state = 'active' AND (l.due_at > :now OR c.not_before > :now)
    AND (:portal IS NULL OR c.portal = :portal) AND (:key IS NULL OR l.key = :key)
    AND NOT EXISTS (SELECT 1 FROM lease AS r WHERE r.consumer = l.consumer AND r.key = l.key)
    AND (l.consumer, l.key) > (:after_consumer, :after_key)
ORDER BY l.consumer, l.key
LIMIT :limit;

-- name: hurry_lane(consumer, key, now)!
UPDATE lane SET due_at = :now WHERE consumer = :consumer AND key = :key AND seq = 0 AND due_at > :now;

-- name: list_lanes(consumer, limit)
-- The waiting ones are really due once they are calm, but not later than the longest wait.
SELECT
    l.consumer, c.portal, c.name, l.key,
    (SELECT min(p.seq) - 1 FROM lane AS p WHERE p.consumer = l.consumer AND p.key = l.key AND p.seq > 0) AS cursor,
    l.head, l.first_at,
    CASE
        WHEN r.until IS NOT NULL THEN r.until
        WHEN l.attempt = 0 THEN max(l.due_at, min(l.calm_at, l.first_at + c.max_wait_ms))
        ELSE l.due_at
    END AS due_at,
    l.attempt + (r.token IS NOT NULL) AS attempt,
    r.token IS NOT NULL AS leased
FROM lane AS l
JOIN consumer AS c ON c.id = l.consumer
LEFT JOIN lease AS r ON r.consumer = l.consumer AND r.key = l.key
WHERE l.seq = 0 AND (:consumer IS NULL OR l.consumer = :consumer)
LIMIT :limit;
