-- Records on SQLite alone: attempts, many of one consumer and state in one row.

-- name: add_runs(id, day, consumer, state, first_seq, last_seq, seqs, attempts, answers)!
-- Expanded to as many rows as a batch has.
INSERT INTO attempt_run (id, day, consumer, state, first_seq, last_seq, seqs, attempts, answers)
VALUES (:id, :day, :consumer, :state, :first_seq, :last_seq, :seqs, :attempts, :answers);

-- name: runs_with(seqs)
-- The runs that may have an attempt of one of these entries.
SELECT DISTINCT r.id
FROM json_each(:seqs) AS k
CROSS JOIN attempt_run AS r
WHERE r.last_seq >= k.value AND r.last_seq < k.value + 64 AND r.first_seq <= k.value;

-- name: others_of(ids, seqs)
-- The attempts of these runs that are of other entries, with their numbers.
SELECT id, seq, consumer, key, attempt, webhook_id, sent_at, status, error, ms, state, size, answer
FROM attempt
WHERE run IN (SELECT value FROM json_each(:ids)) AND seq NOT IN (SELECT value FROM json_each(:seqs));

-- name: drop_runs(ids)!
DELETE FROM attempt_run WHERE id IN (SELECT value FROM json_each(:ids));
