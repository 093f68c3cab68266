-- Who is signed in.

-- name: add_session(hash, portal, person, person_epoch, now, expires_at)!
-- Somebody signed in.
INSERT INTO web_session (hash, portal, person, person_epoch, opened_at, expires_at)
VALUES (:hash, :portal, :person, :person_epoch, :now, :expires_at);

-- name: session_person(hash, portal, now)$
-- Whose session this is, as long as it is not over and the person has not lost it.
SELECT s.person FROM web_session AS s JOIN person AS p ON p.portal = s.portal AND p.id = s.person
WHERE s.hash = :hash AND s.portal = :portal AND s.expires_at > :now AND p.is_active = 1 AND p.epoch = s.person_epoch;

-- name: end_session(portal, hash)!
-- Signed out.
DELETE FROM web_session WHERE hash = :hash AND portal = :portal;

-- name: end_sessions(portal, person)!
-- Signed out everywhere.
DELETE FROM web_session WHERE portal = :portal AND person = :person;

-- name: forget_sessions(now)!
-- Sessions that are over, a slice at a time.
DELETE FROM web_session WHERE hash IN (SELECT hash FROM web_session WHERE expires_at <= :now LIMIT 100);

-- name: person_epoch(portal, person)$
-- The epoch of somebody who may sign in.
SELECT epoch FROM person WHERE portal = :portal AND id = :person AND is_active = 1;
