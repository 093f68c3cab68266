-- Incoming webhooks.

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
