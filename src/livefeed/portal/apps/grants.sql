-- What is given out at the authorization server: codes, families of refresh tokens, consents.

-- name: refresh_row(hash)^
-- A refresh token that has a row; used_at is when the first of its generation was exchanged.
SELECT app, person, app_epoch, person_epoch, family, expires_at, ended_at,
       CASE WHEN parent IS NULL THEN used_at
            ELSE (SELECT min(s.used_at) FROM refresh_token s WHERE s.parent = t.parent) END AS used_at
FROM refresh_token t WHERE hash = :hash;

-- name: add_refresh(hash, app, person, app_epoch, person_epoch, family, parent, access_mark, now, expires_at, used_at)!
-- Remember a refresh token.
INSERT INTO refresh_token (hash, app, person, app_epoch, person_epoch, family, parent, access_mark, created_at,
                           expires_at, used_at)
VALUES (:hash, :app, :person, :app_epoch, :person_epoch, :family, :parent, :access_mark, :now, :expires_at, :used_at);

-- name: use_refresh(hash, now)!
-- It was exchanged.
UPDATE refresh_token SET used_at = :now WHERE hash = :hash AND used_at IS NULL;

-- name: end_family(family, now)!
-- Somebody has a copy: nothing of this family is good any longer, access tokens neither.
UPDATE refresh_token SET ended_at = :now WHERE family = :family AND ended_at IS NULL;

-- name: forget_refresh(now)!
-- Drop a few that are over.
DELETE FROM refresh_token WHERE hash IN (SELECT hash FROM refresh_token WHERE expires_at < :now LIMIT 50);

-- name: code_row(hash)^
-- A code, used or not.
SELECT app, person, app_epoch, person_epoch, expires_at, used_at, family FROM authorization_code WHERE hash = :hash;

-- name: add_code(hash, app, person, app_epoch, person_epoch, now, expires_at)!
-- A code is on its way to its application.
INSERT INTO authorization_code (hash, app, person, app_epoch, person_epoch, created_at, expires_at)
VALUES (:hash, :app, :person, :app_epoch, :person_epoch, :now, :expires_at);

-- name: use_code(hash, family, now)!
-- It was exchanged; what was made from it is this family.
UPDATE authorization_code SET used_at = :now, family = :family WHERE hash = :hash;

-- name: forget_codes(before)!
-- Drop a few that nothing can be made of, and whose families are over.
DELETE FROM authorization_code WHERE hash IN
    (SELECT hash FROM authorization_code WHERE created_at < :before LIMIT 50);

-- name: forget_unused_codes(now)!
-- Drop a few that nobody exchanged in time; each code takes more away than it brings.
DELETE FROM authorization_code WHERE hash IN
    (SELECT hash FROM authorization_code WHERE used_at IS NULL AND expires_at < :now ORDER BY expires_at LIMIT 4);

-- name: consent(app, person)$
-- The scopes a person allowed an application.
SELECT scope FROM consent WHERE app = :app AND person = :person;

-- name: allow(app, person, scope, now)!
-- A person allows an application to act in his name.
INSERT INTO consent (app, person, scope, allowed_at) VALUES (:app, :person, :scope, :now)
ON CONFLICT (app, person) DO UPDATE SET scope = excluded.scope, allowed_at = excluded.allowed_at;

-- name: forget_consents(app)!
-- The application is gone; its next installation asks anew.
DELETE FROM consent WHERE app = :app;
