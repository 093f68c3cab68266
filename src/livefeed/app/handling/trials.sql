-- How the tries of each handler of an event went.

-- name: put_trial(event, handler, portal, state, attempts, first_at, due_at, reason, at)!
INSERT INTO trial (event, handler, portal, state, attempts, first_at, due_at, reason, at)
VALUES (:event, :handler, :portal, :state, :attempts, :first_at, :due_at, :reason, :at)
ON CONFLICT (event, handler) DO UPDATE SET
    state = excluded.state, attempts = excluded.attempts, due_at = excluded.due_at, reason = excluded.reason,
    at = excluded.at;

-- name: trials_of(event)
SELECT handler, state, attempts, first_at, due_at, reason FROM trial WHERE event = :event;

-- name: hurry_trials(event, now)!
UPDATE trial SET due_at = :now WHERE event = :event AND state = 'failing' AND due_at > :now;

-- name: drop_trials(event)!
-- The event is done with.
DELETE FROM trial WHERE event = :event;

-- name: drop_tries(event)!
-- The event is a dead letter: only who has finished is remembered.
DELETE FROM trial WHERE event = :event AND state <> 'finished';

-- name: purge_trials(before, limit)!
DELETE FROM trial
WHERE (event, handler) IN (SELECT event, handler FROM trial WHERE at < :before ORDER BY at LIMIT :limit);

-- name: forget_trials(portal)!
DELETE FROM trial WHERE portal = :portal;
