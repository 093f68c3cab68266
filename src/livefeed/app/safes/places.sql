-- name: key_check()$
-- The sealed word.
SELECT sealed FROM key_check WHERE id = 1;

-- name: put_key_check(sealed)!
-- The same word, sealed anew.
UPDATE key_check SET sealed = :sealed WHERE id = 1;

-- name: stray_quarantine(most)
-- Installations in quarantine whose pair is not sealed with their portal's key.
SELECT q.member_id, q.user_id, q.access, q.refresh
FROM quarantine AS q JOIN portal_key AS k ON k.member_id = q.member_id
WHERE substr(q.access, 1, 4) <> k.key_id OR substr(q.refresh, 1, 4) <> k.key_id
LIMIT :most;

-- name: put_quarantine(member_id, access, refresh, before)!
-- The same pair, sealed anew.
UPDATE quarantine SET access = :access, refresh = :refresh WHERE member_id = :member_id AND refresh = :before;

-- name: count_quarantine()
-- How many pairs in quarantine are sealed with another key than their portal's.
SELECT substr(q.refresh, 1, 4) AS id, count(*) AS number
FROM quarantine AS q LEFT JOIN portal_key AS k ON k.member_id = q.member_id
WHERE k.key_id IS NULL OR substr(q.refresh, 1, 4) <> k.key_id
GROUP BY substr(q.refresh, 1, 4);

-- name: entry_heads(after, most)
-- How events in the inbox begin, and those that wait in a handler's own lane.
SELECT seq AS id, substr(body, 1, 32) AS head FROM entry WHERE seq > :after ORDER BY seq LIMIT :most;

-- name: dead_heads(after, most)
-- How dead letters begin.
SELECT id, substr(body, 1, 32) AS head FROM dead WHERE id > :after ORDER BY id LIMIT :most;
