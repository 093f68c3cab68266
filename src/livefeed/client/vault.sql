-- name: find(member_id, user_id)^
-- The pair of one user of one portal.
SELECT access, refresh, previous, expires_at, version, state
FROM token
WHERE member_id = :member_id AND user_id = :user_id;

-- name: keep(member_id, user_id, access, refresh, expires_at, received_at)!
-- A pair that an installation has proved: it replaces whatever was there.
INSERT INTO token (member_id, user_id, access, refresh, previous, expires_at, received_at, version, state)
VALUES (:member_id, :user_id, :access, :refresh, NULL, :expires_at, :received_at, 1, 'usable')
ON CONFLICT (member_id, user_id) DO UPDATE SET
    access = excluded.access, refresh = excluded.refresh, previous = NULL, expires_at = excluded.expires_at,
    received_at = excluded.received_at, version = version + 1, state = 'usable';

-- name: replace(member_id, user_id, access, refresh, expires_at, received_at, version)!
-- The pair after a refresh. The version is the one that was refreshed: a slower refresh replaces nothing.
UPDATE token SET
    previous = refresh, access = :access, refresh = :refresh, expires_at = :expires_at,
    received_at = :received_at, version = version + 1, state = 'usable'
WHERE member_id = :member_id AND user_id = :user_id AND version = :version;

-- name: kill(member_id, user_id, version)!
-- Neither refresh token works any more.
UPDATE token SET state = 'dead'
WHERE member_id = :member_id AND user_id = :user_id AND version = :version;

-- name: forget(member_id)!
-- All pairs of a portal that has uninstalled the application.
DELETE FROM token WHERE member_id = :member_id;

-- name: health(member_id)
-- What may be shown of the pairs: never their value.
SELECT user_id, expires_at, received_at, state
FROM token
WHERE member_id = :member_id
ORDER BY user_id;
