-- name: find(member_id)^
-- The key of one portal.
SELECT key_id, sealed FROM portal_key WHERE member_id = :member_id;

-- name: add(member_id, key_id, sealed, at)!
-- A portal's key; the first one stays.
INSERT INTO portal_key (member_id, key_id, sealed, made_at) VALUES (:member_id, :key_id, :sealed, :at)
ON CONFLICT (member_id) DO NOTHING;

-- name: drop(member_id)!
-- From now on nothing that was sealed with it can be read.
DELETE FROM portal_key WHERE member_id = :member_id;

-- name: strays(newest, most)
-- Keys of portals that are not sealed with the newest key of the key file.
SELECT member_id, sealed FROM portal_key WHERE substr(sealed, 1, 4) <> :newest LIMIT :most;

-- name: put(member_id, sealed, before)!
-- The same key, sealed anew.
UPDATE portal_key SET sealed = :sealed WHERE member_id = :member_id AND sealed = :before;

-- name: count_keys()
-- How many portals' keys are sealed with each key of the key file.
SELECT substr(sealed, 1, 4) AS id, count(*) AS number FROM portal_key GROUP BY substr(sealed, 1, 4);

-- name: stray_tokens(most)
-- Pairs that are not sealed with their portal's key: they were stored before it had one.
SELECT t.member_id, t.user_id, t.access, t.refresh, t.previous
FROM token AS t JOIN portal_key AS k ON k.member_id = t.member_id
WHERE substr(t.access, 1, 4) <> k.key_id OR substr(t.refresh, 1, 4) <> k.key_id
   OR substr(t.previous, 1, 4) <> k.key_id
LIMIT :most;

-- name: put_token(member_id, user_id, access, refresh, previous, before)!
-- The same pair, sealed anew, unless a refresh has replaced it meanwhile.
UPDATE token SET access = :access, refresh = :refresh, previous = :previous
WHERE member_id = :member_id AND user_id = :user_id AND refresh = :before;

-- name: count_tokens()
-- How many tokens are sealed with another key than their portal's.
SELECT substr(s.blob, 1, 4) AS id, count(*) AS number
FROM (SELECT member_id, access AS blob FROM token
      UNION ALL SELECT member_id, refresh FROM token
      UNION ALL SELECT member_id, previous FROM token WHERE previous IS NOT NULL) AS s
LEFT JOIN portal_key AS k ON k.member_id = s.member_id
WHERE k.key_id IS NULL OR substr(s.blob, 1, 4) <> k.key_id
GROUP BY substr(s.blob, 1, 4);
