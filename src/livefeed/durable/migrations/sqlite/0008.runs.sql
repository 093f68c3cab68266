-- Attempts in runs: many of one consumer and state in one row. A row each, in a table with two indexes, was a fifth of
-- what a delivery cost the file. Whoever reads finds them in the view, as PostgreSQL keeps them.

CREATE TABLE attempt_run (
    id INTEGER PRIMARY KEY,       -- the number of its first attempt
    day INTEGER NOT NULL,
    consumer INTEGER NOT NULL,
    state TEXT NOT NULL,
    first_seq INTEGER NOT NULL,
    last_seq INTEGER NOT NULL,    -- less than 64 beyond the first: whoever looks for a seq looks so far
    seqs TEXT NOT NULL,           -- [seq, ...], of each attempt: what pages are made of
    -- [[number - id, seq, key, attempt, webhook_id, sent_at, status, error, ms, size, place, length], ...]; the answer
    -- is so many bytes from that place on.
    attempts TEXT NOT NULL,
    answers BLOB NOT NULL
);

INSERT INTO attempt_run (id, day, consumer, state, first_seq, last_seq, seqs, attempts, answers)
SELECT
    id, day, consumer, state, seq, seq, json_array(seq),
    json_array(json_array(0, seq, key, attempt, webhook_id, sent_at, status, error, ms, size, 0, length(answer))),
    coalesce(answer, x'')
FROM attempt ORDER BY day, id;

DROP TABLE attempt;

CREATE INDEX attempt_run_by_day ON attempt_run (day);

CREATE INDEX attempt_run_by_consumer ON attempt_run (consumer, state, last_seq, first_seq);

CREATE INDEX attempt_run_by_seq ON attempt_run (last_seq, first_seq);

CREATE VIEW attempt (
    day, id, seq, consumer, key, attempt, webhook_id, sent_at, status, error, ms, state, size, answer,
    run, first_seq, last_seq
) AS
SELECT
    r.day, r.id + (j.value ->> 0), j.value ->> 1, r.consumer, j.value ->> 2, j.value ->> 3, j.value ->> 4, j.value ->> 5,
    j.value ->> 6, j.value ->> 7, j.value ->> 8, r.state, j.value ->> 9,
    CASE WHEN j.value ->> 11 > 0 THEN substr(r.answers, 1 + (j.value ->> 10), j.value ->> 11)
        WHEN j.value ->> 11 = 0 THEN x'' END,
    r.id, r.first_seq, r.last_seq
FROM attempt_run AS r CROSS JOIN json_each(r.attempts) AS j;

CREATE TRIGGER attempt_insert INSTEAD OF INSERT ON attempt BEGIN
    INSERT INTO attempt_run (id, day, consumer, state, first_seq, last_seq, seqs, attempts, answers)
    VALUES (
        NEW.id, NEW.day, NEW.consumer, NEW.state, NEW.seq, NEW.seq, json_array(NEW.seq),
        json_array(json_array(
            0, NEW.seq, NEW.key, NEW.attempt, NEW.webhook_id, NEW.sent_at, NEW.status, NEW.error, NEW.ms,
            coalesce(NEW.size, 0), 0, length(NEW.answer)
        )),
        coalesce(NEW.answer, x'')
    );
END;
