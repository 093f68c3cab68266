-- name: count(hash, now, drain, full)$
-- One more in a bucket, even in one that is full; when it will be empty. A clock that was put back locks nobody out
-- for longer than a full bucket does.
INSERT INTO throttle (hash, empty_at) VALUES (:hash, CAST(:now AS BIGINT) + :drain)
ON CONFLICT (hash) DO UPDATE SET
    empty_at = :drain + CASE
        WHEN throttle.empty_at < :now THEN :now
        WHEN throttle.empty_at > :now + :full THEN :now + :full
        ELSE throttle.empty_at
    END
RETURNING empty_at;

-- name: give_back(hash, drain)!
-- What was counted was no failure.
UPDATE throttle SET empty_at = empty_at - :drain WHERE hash = :hash;

-- name: drop_empty(now, most)!
-- A few of those that are empty: each count takes more away than it brings.
DELETE FROM throttle
WHERE hash IN (SELECT hash FROM throttle WHERE empty_at <= :now ORDER BY empty_at LIMIT :most);
