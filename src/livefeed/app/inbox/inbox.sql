-- name: add_step(seq, step, place, at, detail)!
-- What happened to an event; the last try of a step is the one that is shown.
INSERT INTO step (seq, step, place, at, detail) VALUES (:seq, :step, :place, :at, :detail)
ON CONFLICT (seq, step) DO UPDATE SET place = excluded.place, at = excluded.at, detail = excluded.detail;

-- name: list_events(portal, key, since, before, limit)
-- The newest events of the inboxes, with what is still to be done for each. Entries for other consumers are none.
-- One that has just arrived has no lane yet; one that waits has another before it in its lane.
SELECT
    e.seq, e.portal, e.kind, e.key, e.at, e.source,
    coalesce(l.attempt, 0) + CASE WHEN r.token IS NOT NULL THEN 1 ELSE 0 END AS attempt,
    CASE WHEN r.token IS NOT NULL THEN 1 ELSE 0 END AS leased,
    CASE
        WHEN p.seq IS NOT NULL THEN 1
        WHEN e.arrived_for = c.id AND e.seq > (SELECT value FROM sequence WHERE name = 'routed') THEN 1
        ELSE 0
    END AS pending,
    CASE
        WHEN p.seq > (SELECT min(f.seq) FROM lane AS f WHERE f.consumer = c.id AND f.key = e.key AND f.seq > 0)
        THEN 1 ELSE 0
    END AS waits
FROM entry AS e
JOIN consumer AS c ON c.portal = e.portal AND c.name = 'inbox'
LEFT JOIN lane AS p ON p.consumer = c.id AND p.key = e.key AND p.seq = e.seq
LEFT JOIN lane AS l ON l.consumer = c.id AND l.key = e.key AND l.seq = 0 AND p.seq IS NOT NULL
LEFT JOIN lease AS r ON r.consumer = c.id AND r.key = e.key AND p.seq IS NOT NULL
WHERE (e.only_for IS NULL OR e.only_for = c.id)
    AND (CAST(:portal AS TEXT) IS NULL OR e.portal = :portal)
    AND (CAST(:key AS TEXT) IS NULL OR e.key = :key)
    AND e.at >= :since
    AND (CAST(:before AS BIGINT) IS NULL OR e.seq < :before)
ORDER BY e.seq DESC
LIMIT :limit;

-- name: steps_of(seqs)
-- The steps of some events, in the order they happened.
SELECT s.seq, s.step, s.at, s.detail
FROM json_each(:seqs) AS j
CROSS JOIN step AS s ON s.seq = j.value
ORDER BY s.seq, s.at, s.place;

-- name: dead_of(seqs)
-- Which of some events an inbox has given up.
SELECT d.seq, d.reason
FROM dead AS d JOIN consumer AS c ON c.id = d.consumer
WHERE c.name = 'inbox' AND d.seq IN (SELECT value FROM json_each(:seqs));

-- name: replays_of(seqs)
-- Which of some events were put back, and as which event; no two events have one sealed body.
SELECT e.seq, min(r.seq) AS again, min(r.at) AS at
FROM json_each(:seqs) AS j
CROSS JOIN entry AS e ON e.seq = j.value
CROSS JOIN entry AS r ON r.portal = e.portal AND r.key = e.key AND r.seq > e.seq
WHERE r.source = 'replay' AND r.body = e.body
GROUP BY e.seq;

-- name: orphan_steps(limit)
-- Steps of events that are purged. Read on a snapshot: it may pass over the whole table.
SELECT DISTINCT s.seq FROM step AS s LEFT JOIN entry AS e ON e.seq = s.seq WHERE e.seq IS NULL LIMIT :limit;

-- name: drop_steps(seqs)!
DELETE FROM step WHERE seq IN (SELECT value FROM json_each(:seqs));

-- name: pending_setup(portal, names)$
-- Lanes that are left of the work that belongs to an installation.
SELECT count(*)
FROM consumer AS c CROSS JOIN lane AS l ON l.consumer = c.id AND l.seq = 0
WHERE c.portal = :portal AND c.name IN (SELECT value FROM json_each(:names));
