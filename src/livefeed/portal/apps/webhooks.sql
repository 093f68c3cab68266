-- Incoming and outgoing webhooks.

-- name: add_webhook(portal, person, code_hash, id, scopes, name, now, expires_at)!
-- One more incoming webhook.
INSERT INTO webhook (portal, person, code_hash, id, scopes, name, created_at, expires_at)
VALUES (:portal, :person, :code_hash, :id, :scopes, :name, :now, :expires_at);

-- name: webhook(portal, person, code_hash, now)^
-- The webhook of this code, if it is still good and its person is still employed.
SELECT w.id, w.scopes, p.is_admin FROM webhook AS w
JOIN person AS p ON p.portal = w.portal AND p.id = w.person AND p.is_active = 1
WHERE w.portal = :portal AND w.person = :person AND w.code_hash = :code_hash
    AND (w.expires_at IS NULL OR w.expires_at > :now);

-- name: incoming(portal, id)^
-- The incoming webhook with this number.
SELECT id, portal, person, scopes, name, created_at, expires_at FROM webhook WHERE portal = :portal AND id = :id;

-- name: all_incoming(portal)
-- The incoming webhooks of a portal.
SELECT id, portal, person, scopes, name, created_at, expires_at FROM webhook WHERE portal = :portal ORDER BY id;

-- name: incoming_of_person(portal, person)
-- The incoming webhooks of one person.
SELECT id, portal, person, scopes, name, created_at, expires_at FROM webhook
WHERE portal = :portal AND person = :person ORDER BY id;

-- name: change_webhook(portal, id, scopes, name, expires_at)!
-- Another scope, name or end; the code stays.
UPDATE webhook SET scopes = :scopes, name = :name, expires_at = :expires_at WHERE portal = :portal AND id = :id;

-- name: regenerate_webhook(portal, id, person, code_hash)!
-- Another code, and whose rights it has; the old code is dead.
UPDATE webhook SET person = :person, code_hash = :code_hash WHERE portal = :portal AND id = :id;

-- name: remove_webhook(portal, id)!
-- Its code is dead.
DELETE FROM webhook WHERE portal = :portal AND id = :id;

-- name: add_outgoing(portal, id, person, name, url, application_token, now)!
-- One more outgoing webhook; its handlers are bound by the caller.
INSERT INTO outgoing_webhook (portal, id, person, name, url, application_token, created_at)
VALUES (:portal, :id, :person, :name, :url, :application_token, :now);

-- name: outgoing(portal, id)^
-- The outgoing webhook with this number, a removed one too.
SELECT * FROM outgoing_webhook WHERE portal = :portal AND id = :id;

-- name: all_outgoing(portal)
-- The outgoing webhooks of a portal that were not removed.
SELECT * FROM outgoing_webhook WHERE portal = :portal AND removed_at IS NULL ORDER BY id;

-- name: outgoing_of_person(portal, person)
-- The outgoing webhooks of one person that were not removed.
SELECT * FROM outgoing_webhook WHERE portal = :portal AND person = :person AND removed_at IS NULL ORDER BY id;

-- name: change_outgoing(portal, id, name, url)!
-- Another name or address; the caller tells its handlers.
UPDATE outgoing_webhook SET name = :name, url = :url WHERE portal = :portal AND id = :id;

-- name: regenerate_outgoing(portal, id, person, application_token)!
-- Another token, and whose it is.
UPDATE outgoing_webhook SET person = :person, application_token = :application_token WHERE portal = :portal AND id = :id;

-- name: remove_outgoing(portal, id, now)!
-- The row stays, for questions about its handlers.
UPDATE outgoing_webhook SET removed_at = :now WHERE portal = :portal AND id = :id;
