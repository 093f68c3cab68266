-- Offline events: bindings, the queue, and the bell that says that something is in it.

-- name: add_binding(portal, app, event, connector, auth_type, owner, now)!
-- Queue an event for an application; 0 rows: it is queued already.
INSERT INTO offline_binding (portal, app, event, connector, auth_type, owner, bound_at)
VALUES (:portal, :app, :event, :connector, :auth_type, :owner, :now)
ON CONFLICT (app, event, connector) DO NOTHING;

-- name: bindings_of_app(app)
-- What is queued for one application.
SELECT id, event, connector, auth_type FROM offline_binding WHERE app = :app ORDER BY event, connector;

-- name: remove_binding(id)!
-- It is queued no longer; what is in the queue stays there.
DELETE FROM offline_binding WHERE id = :id;

-- name: remove_bindings(app)!
-- Nothing is queued for an application any longer.
DELETE FROM offline_binding WHERE app = :app;

-- name: queues(portal, event)
-- The queues an event belongs in, of applications whose installation is complete.
SELECT b.app, b.connector, a.scope
FROM offline_binding b JOIN app a ON a.id = b.app
WHERE b.portal = :portal AND b.event = :event AND a.state = 'installed'
ORDER BY b.id;

-- name: note(app, connector, event, object, message, now)!
-- Keep that an object has changed; its free record keeps its number and gets a later time.
INSERT INTO offline_record (app, connector, event, object, message, changed_at)
VALUES (:app, :connector, :event, :object, :message, :now)
ON CONFLICT (app, connector, event, object) WHERE process = ''
DO UPDATE SET changed_at = excluded.changed_at;

-- name: free(app, connector, count)
-- The records that nobody has taken, those that changed first at the head.
SELECT * FROM offline_record
WHERE app = :app AND connector = :connector AND process = ''
ORDER BY changed_at, id LIMIT :count;

-- name: free_and_failed(app, connector)
-- The records that nobody has taken, and those that were taken and failed.
SELECT * FROM offline_record
WHERE app = :app AND connector = :connector AND (process = '' OR is_error = 1)
ORDER BY changed_at, id;

-- name: of_process(app, connector, process)
-- What a process has taken and not confirmed.
SELECT * FROM offline_record
WHERE app = :app AND connector = :connector AND process = :process
ORDER BY changed_at, id;

-- name: page(app, connector, count, skip)
-- A page of one queue, reserved and failed records too.
SELECT * FROM offline_record
WHERE app = :app AND connector = :connector
ORDER BY id LIMIT :count OFFSET :skip;

-- name: count_records(app, connector)$
-- How many records a queue holds.
SELECT count(*) FROM offline_record WHERE app = :app AND connector = :connector;

-- name: reserve(ids, process, now)!
-- Hide records from everyone but one process; ids is a JSON list.
UPDATE offline_record SET process = :process, reserved_at = :now, is_error = 0
WHERE id IN (SELECT value FROM json_each(:ids));

-- name: drop_records(ids)!
-- Records that were handed out and are done with; ids is a JSON list.
DELETE FROM offline_record WHERE id IN (SELECT value FROM json_each(:ids));

-- name: fail_records(ids)!
-- Records that could not be dealt with; ids is a JSON list.
UPDATE offline_record SET is_error = 1 WHERE id IN (SELECT value FROM json_each(:ids));

-- name: taken_by(app, process)
-- What a process has taken, from whichever queue of its application.
SELECT * FROM offline_record WHERE app = :app AND process = :process AND process <> '';

-- name: drop_queue(app)!
-- The queues of an application that has left.
DELETE FROM offline_record WHERE app = :app;

-- name: drop_old(reserved_before, changed_before, count)!
-- A slice of what was reserved, or left lying, for too long.
DELETE FROM offline_record WHERE id IN (
    SELECT id FROM offline_record
    WHERE changed_at < :changed_before OR (changed_at < :reserved_before AND reserved_at < :reserved_before)
    LIMIT :count
);

-- name: set_pause(handler, pause)!
-- How long a handler of ONOFFLINEEVENT wants to be left alone after it was told.
INSERT INTO offline_bell (handler, pause_ms) VALUES (:handler, :pause);

-- name: bells(portal, apps)
-- The handlers of ONOFFLINEEVENT of some applications, and when each was told last; apps is a JSON list.
SELECT h.id, h.consumer, h.app, b.pause_ms, b.told_at
FROM handler h LEFT JOIN offline_bell b ON b.handler = h.id
WHERE h.portal = :portal AND h.event = 'ONOFFLINEEVENT' AND h.state = 'bound'
  AND h.app IN (SELECT value FROM json_each(:apps))
ORDER BY h.id;

-- name: rung(handler, now)!
-- A handler is told now.
INSERT INTO offline_bell (handler, pause_ms, told_at) VALUES (:handler, 1000, :now)
ON CONFLICT (handler) DO UPDATE SET told_at = excluded.told_at;
