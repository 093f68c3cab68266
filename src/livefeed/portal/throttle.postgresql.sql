-- name: drop_empty(now, most)!
-- A few of those that are empty; those that another process counts in at this moment are passed over.
DELETE FROM throttle
WHERE hash IN (
    SELECT hash FROM throttle WHERE empty_at <= :now ORDER BY empty_at LIMIT :most FOR UPDATE SKIP LOCKED
);
