-- Applications of a portal.

-- name: add_app(portal, client_id, name, secret_hash, application_token, handler_url, install_url, redirect_uri, scope, has_interface, auth_keys, state, installer, now, installed_at)$
-- Register one; its id is part of every token of it.
INSERT INTO app (portal, client_id, name, secret_hash, application_token, handler_url, install_url, redirect_uri,
                 scope, has_interface, auth_keys, status, version, state, epoch, installer, created_at, installed_at)
VALUES (:portal, :client_id, :name, :secret_hash, :application_token, :handler_url, :install_url, :redirect_uri,
        :scope, :has_interface, :auth_keys, 'L', 1, :state, 1, :installer, :now, :installed_at)
RETURNING id;

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

-- name: update_app(id, release, handler_url, install_url, scope, state)!
-- Another version of it.
UPDATE app SET version = version + 1, release = :release, handler_url = :handler_url, install_url = :install_url,
    scope = :scope, state = :state WHERE id = :id;

-- name: withhold_app(id)!
-- Its installation is to be finished anew.
UPDATE app SET state = 'withheld', installed_at = NULL WHERE id = :id;

-- name: rotate_app(id, secret_hash)!
-- Another secret; every token dies by the epoch.
UPDATE app SET secret_hash = :secret_hash, epoch = epoch + 1 WHERE id = :id;

-- name: set_payment(id, status, paid_until)!
-- What is paid for it, and until when.
UPDATE app SET status = :status, paid_until = :paid_until WHERE id = :id;

-- name: principal(app, portal, person, mark)^
-- What decides whether a token still holds: one application, one person, and the family it was given out with.
SELECT a.client_id, a.scope, a.state, a.epoch AS app_epoch,
       p.is_admin, p.is_active, p.epoch AS person_epoch,
       CASE WHEN EXISTS (SELECT 1 FROM refresh_token WHERE access_mark = :mark AND ended_at IS NOT NULL)
           THEN 1 ELSE 0 END AS is_ended
FROM app a LEFT JOIN person p ON p.portal = a.portal AND p.id = :person
WHERE a.id = :app AND a.portal = :portal;
