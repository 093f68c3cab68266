-- What PostgreSQL needs in other words: lists that come as JSON.

-- name: steps_of(seqs)
-- The steps of some events, in the order they happened.
SELECT s.seq, s.step, s.at, s.detail
FROM step AS s
WHERE s.seq IN (SELECT CAST(json_array_elements_text(CAST(:seqs AS json)) AS BIGINT))
ORDER BY s.seq, s.at, s.place;

-- name: dead_of(seqs)
-- Which of some events an inbox has given up.
SELECT d.seq, d.reason
FROM dead AS d JOIN consumer AS c ON c.id = d.consumer
WHERE c.name = 'inbox' AND d.seq IN (SELECT CAST(json_array_elements_text(CAST(:seqs AS json)) AS BIGINT));

-- name: replays_of(seqs)
-- Which of some events were put back, and as which event; no two events have one sealed body.
SELECT e.seq, min(r.seq) AS again, min(r.at) AS at
FROM entry AS e JOIN entry AS r ON r.portal = e.portal AND r.key = e.key AND r.seq > e.seq
WHERE e.seq IN (SELECT CAST(json_array_elements_text(CAST(:seqs AS json)) AS BIGINT))
    AND r.source = 'replay' AND r.body = e.body
GROUP BY e.seq;

-- name: drop_steps(seqs)!
DELETE FROM step WHERE seq IN (SELECT CAST(json_array_elements_text(CAST(:seqs AS json)) AS BIGINT));

-- name: pending_setup(portal, names)$
-- Lanes that are left of the work that belongs to an installation.
SELECT count(*)
FROM consumer AS c JOIN lane AS l ON l.consumer = c.id AND l.seq = 0
WHERE c.portal = :portal AND c.name IN (SELECT json_array_elements_text(CAST(:names AS json)));
