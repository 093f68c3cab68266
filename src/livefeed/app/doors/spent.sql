-- name: spend(hash, until)!
-- The first one to use it wins.
INSERT INTO spent (hash, until) VALUES (:hash, :until) ON CONFLICT (hash) DO NOTHING;

-- name: is_spent(hash)$
SELECT 1 FROM spent WHERE hash = :hash;

-- name: drop_over(now, most)!
-- A few of those that are over: each mark takes more away than it brings.
DELETE FROM spent WHERE hash IN (SELECT hash FROM spent WHERE until <= :now ORDER BY until LIMIT :most);
