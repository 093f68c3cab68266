-- name: find(member_id, user_id)^
-- The pair of one user of one portal.
SELECT access, refresh, previous, expires_at, version, state
FROM token
WHERE member_id = :member_id AND user_id = :user_id;

-- name: keep(member_id, user_id, access, refresh, expires_at, received_at)!
-- A pair that an installation has proved: it replaces whatever was there.
INSERT INTO token (member_id, user_id, access, refresh, previous, expires_at, received_at, version, state, kind)
VALUES (:member_id, :user_id, :access, :refresh, NULL, :expires_at, :received_at, 1, 'usable', 'installer')
ON CONFLICT (member_id, user_id) DO UPDATE SET
    access = excluded.access, refresh = excluded.refresh, previous = NULL, expires_at = excluded.expires_at,
    received_at = excluded.received_at, version = token.version + 1, state = 'usable', kind = 'installer',
    refreshing_until = NULL;

-- name: keep_opener(member_id, user_id, access, refresh, expires_at, received_at, is_proved)!
-- The pair of a person who opened a page. It replaces a dead pair, and an older one of an opening; one that the
-- authorization server gave us itself (is_proved) replaces any pair of the same person.
INSERT INTO token (member_id, user_id, access, refresh, previous, expires_at, received_at, version, state, kind)
VALUES (:member_id, :user_id, :access, :refresh, NULL, :expires_at, :received_at, 1, 'usable', 'opener')
ON CONFLICT (member_id, user_id) DO UPDATE SET
    access = excluded.access, refresh = excluded.refresh, previous = NULL, expires_at = excluded.expires_at,
    received_at = excluded.received_at, version = token.version + 1, state = 'usable', refreshing_until = NULL
WHERE :is_proved = 1 OR token.state = 'dead'
   OR (token.kind = 'opener' AND excluded.expires_at > token.expires_at);

-- name: replace(member_id, user_id, access, refresh, expires_at, received_at, version)!
-- The pair after a refresh. The version is the one that was refreshed: a slower refresh replaces nothing.
UPDATE token SET
    previous = refresh, access = :access, refresh = :refresh, expires_at = :expires_at,
    received_at = :received_at, version = version + 1, state = 'usable', refreshing_until = NULL
WHERE member_id = :member_id AND user_id = :user_id AND version = :version;

-- name: begin_refresh(member_id, user_id, version, by, until, now)!
-- One process at a time asks for a new pair; one that died has its time, and then another one may.
UPDATE token SET refreshing_by = :by, refreshing_until = :until
WHERE member_id = :member_id AND user_id = :user_id AND version = :version AND state = 'usable'
    AND (refreshing_until IS NULL OR refreshing_until <= :now OR refreshing_by = :by);

-- name: end_refresh(member_id, user_id, by)!
-- It did not succeed: another process need not wait.
UPDATE token SET refreshing_until = NULL
WHERE member_id = :member_id AND user_id = :user_id AND refreshing_by = :by;

-- name: kill(member_id, user_id, version)!
-- Neither refresh token works any more.
UPDATE token SET state = 'dead'
WHERE member_id = :member_id AND user_id = :user_id AND version = :version;

-- name: aging(member_id, before)
-- Pairs that have not been refreshed since: their refresh token ends 180 days after it came.
SELECT user_id FROM token
WHERE member_id = :member_id AND state = 'usable' AND received_at <= :before
ORDER BY received_at, user_id;

-- name: forget(member_id)!
-- All pairs of a portal that has uninstalled the application.
DELETE FROM token WHERE member_id = :member_id;

-- name: health(member_id)
-- What may be shown of the pairs: never their value.
SELECT user_id, expires_at, received_at, state, kind
FROM token
WHERE member_id = :member_id
ORDER BY user_id;

-- name: usable(member_id, most)
-- Whose pairs can be used, the newest first.
SELECT user_id
FROM token
WHERE member_id = :member_id AND state = 'usable'
ORDER BY received_at DESC, user_id
LIMIT :most;
