-- name: word()$
-- The sealed word.
SELECT sealed FROM key_check WHERE id = 1;

-- name: put_word(sealed)!
-- The same word, sealed anew.
UPDATE key_check SET sealed = :sealed WHERE id = 1;

-- name: stray_apps(newest, most)
-- Applications whose application_token is sealed with an older key.
SELECT id, client_id, application_token FROM app
WHERE substr(application_token, 1, 4) <> :newest ORDER BY id LIMIT :most;

-- name: put_app(id, sealed, before)!
-- The same token, sealed anew.
UPDATE app SET application_token = :sealed WHERE id = :id AND application_token = :before;

-- name: count_apps()
-- How many are sealed with each key.
SELECT substr(application_token, 1, 4) AS id, count(*) AS number
FROM app GROUP BY substr(application_token, 1, 4);

-- name: stray_webhooks(newest, most)
-- Outgoing webhooks whose application_token is sealed with an older key.
SELECT portal, id, application_token FROM outgoing_webhook
WHERE substr(application_token, 1, 4) <> :newest LIMIT :most;

-- name: put_webhook(portal, id, sealed, before)!
-- The same token, sealed anew.
UPDATE outgoing_webhook SET application_token = :sealed
WHERE portal = :portal AND id = :id AND application_token = :before;

-- name: count_webhooks()
-- How many are sealed with each key.
SELECT substr(application_token, 1, 4) AS id, count(*) AS number
FROM outgoing_webhook GROUP BY substr(application_token, 1, 4);
