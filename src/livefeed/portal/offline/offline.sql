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

-- name: count_chosen(app, connector, id_from, id_before, changed_from, changed_before, message_from, message_before, process_from, process_before, not_ids, seconds, not_seconds, messages, not_messages, processes, not_processes, events, errors)$
-- How many records of a queue pass a filter. `selection` makes of it what gets a page of them; only columns and
-- directions that it knows itself are put in.
SELECT count(*) FROM offline_record
WHERE app = :app AND connector = :connector
  AND id >= :id_from AND id < :id_before
  AND changed_at >= :changed_from AND changed_at < :changed_before
  AND +message >= :message_from AND +message < :message_before
  AND process >= :process_from AND process < :process_before
  AND (CAST(:not_ids AS TEXT) IS NULL OR id NOT IN (SELECT value FROM json_each(:not_ids)))
  AND (CAST(:seconds AS TEXT) IS NULL OR changed_at / 1000 IN (SELECT value FROM json_each(:seconds)))
  AND (CAST(:not_seconds AS TEXT) IS NULL OR changed_at / 1000 NOT IN (SELECT value FROM json_each(:not_seconds)))
  AND (CAST(:messages AS TEXT) IS NULL
    OR message IN (SELECT value FROM json_each(:messages)))
  AND (CAST(:not_messages AS TEXT) IS NULL OR message NOT IN (SELECT value FROM json_each(:not_messages)))
  AND (CAST(:processes AS TEXT) IS NULL OR process IN (SELECT value FROM json_each(:processes)))
  AND (CAST(:not_processes AS TEXT) IS NULL OR process NOT IN (SELECT value FROM json_each(:not_processes)))
  AND (CAST(:events AS TEXT) IS NULL OR event IN (SELECT value FROM json_each(:events)))
  AND (CAST(:errors AS TEXT) IS NULL OR is_error IN (SELECT value FROM json_each(:errors)));

-- name: some(few)
-- Records by their numbers, a JSON list, and by nothing else: what is asked of them besides is asked afterwards.
SELECT * FROM offline_record NOT INDEXED WHERE id IN (SELECT value FROM json_each(:few)) LIMIT -1;

-- name: about_messages(app, connector, messages, most)
-- The first few records about some events and objects; messages is a JSON list.
SELECT id FROM offline_record
WHERE app = :app AND connector = :connector AND message IN (SELECT value FROM json_each(:messages))
LIMIT :most;

-- name: about_event(app, connector, event, most)
-- The first few records of one event.
SELECT id FROM offline_record WHERE app = :app AND connector = :connector AND event = :event LIMIT :most;

-- name: about_failures(app, connector, most)
-- The first few records that could not be dealt with.
SELECT id FROM offline_record WHERE app = :app AND connector = :connector AND is_error = 1 LIMIT :most;

-- name: about_processes(app, connector, first, before, most)
-- The first few records of the processes whose names lie between two.
SELECT id FROM offline_record
WHERE app = :app AND connector = :connector AND process >= :first AND process < :before
LIMIT :most;

-- name: about_numbers(app, connector, first, before, most)
-- The first few records whose numbers lie between two.
SELECT id FROM offline_record
WHERE app = :app AND connector = :connector AND id >= :first AND id < :before
LIMIT :most;

-- name: about_times(app, connector, first, before, most)
-- The first few records that have changed between two moments.
SELECT id FROM offline_record
WHERE app = :app AND connector = :connector AND changed_at >= :first AND changed_at < :before
LIMIT :most;

-- name: reserve(ids, process, now)!
-- Hide records from everyone but one process; ids is a JSON list.
UPDATE offline_record SET process = :process, reserved_at = :now, is_error = 0
WHERE id IN (SELECT value FROM json_each(:ids));

-- name: drop_records(ids)!
-- Records that were handed out and are done with; ids is a JSON list.
DELETE FROM offline_record WHERE id IN (SELECT value FROM json_each(:ids));

-- name: drop_taken(app, process, ids, messages)!
-- What a process has taken is done with, from whichever queue of its application: all, or what is in a JSON list.
DELETE FROM offline_record
WHERE app = :app AND process = :process AND process <> ''
  AND (CAST(:ids AS TEXT) IS NULL OR id IN (SELECT value FROM json_each(:ids)))
  AND (CAST(:messages AS TEXT) IS NULL OR message IN (SELECT value FROM json_each(:messages)));

-- name: fail_taken(app, process, messages)!
-- What a process has taken could not be dealt with: all, or what is in a JSON list.
UPDATE offline_record SET is_error = 1
WHERE app = :app AND process = :process AND process <> ''
  AND (CAST(:messages AS TEXT) IS NULL OR message IN (SELECT value FROM json_each(:messages)));

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
