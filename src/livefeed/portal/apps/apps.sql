-- Applications of a portal.

-- name: add_app(portal, client_id, name, secret_hash, application_token, handler_url, install_url, scope, has_interface, auth_keys, state, installer, now, installed_at)<!
-- Register one; its id is part of every token of it.
INSERT INTO app (portal, client_id, name, secret_hash, application_token, handler_url, install_url, scope,
                 has_interface, auth_keys, status, version, state, epoch, installer, created_at, installed_at)
VALUES (:portal, :client_id, :name, :secret_hash, :application_token, :handler_url, :install_url, :scope,
        :has_interface, :auth_keys, 'L', 1, :state, 1, :installer, :now, :installed_at);

-- name: app_by_id(id)^
-- An application, removed ones too.
SELECT * FROM app WHERE id = :id;

-- name: app_by_client_id(client_id)^
-- An application, removed ones too.
SELECT * FROM app WHERE client_id = :client_id;

-- name: apps(portal)
-- The applications of a portal, removed ones too.
SELECT * FROM app WHERE portal = :portal ORDER BY id;

-- name: finish_app(id, now)!
-- The installation is complete.
UPDATE app SET state = 'installed', installed_at = :now WHERE id = :id;

-- name: remove_app(id, now)!
-- Uninstalled: every token dies by the epoch; the row stays for the farewell and for questions.
UPDATE app SET state = 'removed', removed_at = :now, epoch = epoch + 1 WHERE id = :id;

-- name: rotate_app(id, secret_hash)!
-- Another secret; every token dies by the epoch.
UPDATE app SET secret_hash = :secret_hash, epoch = epoch + 1 WHERE id = :id;

-- name: principal(app, portal, person)^
-- What decides whether a token still holds: one application and one person.
SELECT a.client_id, a.scope, a.state, a.epoch AS app_epoch,
       p.is_admin, p.is_active, p.epoch AS person_epoch
FROM app a LEFT JOIN person p ON p.portal = a.portal AND p.id = :person
WHERE a.id = :app AND a.portal = :portal;

-- name: refresh_row(hash)^
-- A refresh token that has a row.
SELECT app, person, app_epoch, person_epoch, family, expires_at, used_at FROM refresh_token WHERE hash = :hash;

-- name: add_refresh(hash, app, person, app_epoch, person_epoch, family, now, expires_at, used_at)!
-- Remember a refresh token.
INSERT INTO refresh_token (hash, app, person, app_epoch, person_epoch, family, created_at, expires_at, used_at)
VALUES (:hash, :app, :person, :app_epoch, :person_epoch, :family, :now, :expires_at, :used_at);

-- name: use_refresh(hash, now)!
-- It was exchanged; it is good no longer.
UPDATE refresh_token SET used_at = :now WHERE hash = :hash;

-- name: end_family(family, now)!
-- A token came a second time, long after the first: nothing exchanged from it is good any longer.
UPDATE refresh_token SET used_at = :now WHERE family = :family AND used_at IS NULL;

-- name: forget_refresh(now)!
-- Drop a few that are over.
DELETE FROM refresh_token WHERE hash IN (SELECT hash FROM refresh_token WHERE expires_at < :now LIMIT 50);
