-- name: drop_over(now, most)!
-- A few of those that are over; those that another process drops at this moment are passed over.
DELETE FROM spent
WHERE hash IN (SELECT hash FROM spent WHERE until <= :now ORDER BY until LIMIT :most FOR UPDATE SKIP LOCKED);
