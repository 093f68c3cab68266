-- Event handlers, and what is needed to send to one.

-- name: add_handler(portal, app, webhook, event, url, auth_type, owner, now)$
-- Bind; the consumer is set in the same unit, once it has the number in its name.
INSERT INTO handler (portal, app, webhook, event, url, auth_type, owner, state, reason, bound_at)
VALUES (:portal, :app, :webhook, :event, :url, :auth_type, :owner, 'bound', '', :now)
RETURNING id;

-- name: set_consumer(id, consumer)!
-- Who is handed the events of a handler.
UPDATE handler SET consumer = :consumer WHERE id = :id;

-- name: bound(portal, event)
-- Everyone who is to hear of an event, in the order in which they were bound; an outgoing webhook has no application.
SELECT h.consumer, h.app, a.state, a.scope
FROM handler h LEFT JOIN app a ON a.id = h.app
WHERE h.portal = :portal AND h.event = :event AND h.state = 'bound'
ORDER BY h.id;

-- name: bound_of_app(app)
-- The bound handlers of one application.
SELECT * FROM handler WHERE app = :app AND state = 'bound' ORDER BY +id;

-- name: bound_of_webhook(portal, webhook)
-- The bound handlers of one outgoing webhook.
SELECT * FROM handler
WHERE portal = :portal AND webhook = :webhook AND state = 'bound' ORDER BY event;

-- name: redirect(portal, webhook, url, owner)!
-- The bound handlers of one outgoing webhook go where it now lives.
UPDATE handler SET url = :url, owner = :owner WHERE portal = :portal AND webhook = :webhook AND state = 'bound';

-- name: same_handler(app, event, url, auth_type)$
-- Whether it is bound already.
SELECT id FROM handler
WHERE app = :app AND event = :event AND url = :url AND auth_type = :auth_type AND state = 'bound';

-- name: unbind(id, reason, now)!
-- The row stays, for questions.
UPDATE handler SET state = 'unbound', reason = :reason, unbound_at = :now WHERE id = :id AND state = 'bound';

-- name: handler(portal, id)^
-- One handler, an unbound one too.
SELECT * FROM handler WHERE id = :id AND portal = :portal;

-- name: handler_of_consumer(consumer)^
-- The handler behind a consumer, an unbound one too.
SELECT * FROM handler WHERE consumer = :consumer;

-- name: handlers_of_consumers(consumers)$
-- The same of many at once: the columns of a handler in the order of its fields.
SELECT json_group_array(json_array(
    id, portal, app, webhook, event, url, auth_type, owner, consumer, state, reason, bound_at, unbound_at
))
FROM handler WHERE consumer IN (SELECT value FROM json_each(:consumers));

-- name: handlers(portal)
-- The handlers of a portal, unbound ones too.
SELECT * FROM handler WHERE portal = :portal ORDER BY id;

-- name: person_epoch(portal, person)$
-- The epoch of a person who is still active.
SELECT epoch FROM person WHERE portal = :portal AND id = :person AND is_active = 1;
