-- name: count_chosen(app, connector, id_from, id_before, changed_from, changed_before, message_from, message_before, process_from, process_before, not_ids, seconds, not_seconds, messages, not_messages, processes, not_processes, events, errors)$
-- How many records of a queue pass a filter. `selection` makes of it what gets a page of them; only columns and
-- directions that it knows itself are put in.
SELECT count(*) FROM offline_record
WHERE app = :app AND connector = :connector
  AND id >= :id_from AND id < :id_before
  AND changed_at >= :changed_from AND changed_at < :changed_before
  AND +message >= :message_from AND +message < :message_before
  AND process >= :process_from AND process < :process_before
  AND (CAST(:not_ids AS TEXT) IS NULL
    OR id NOT IN (SELECT CAST(json_array_elements_text(CAST(:not_ids AS json)) AS BIGINT)))
  AND (CAST(:seconds AS TEXT) IS NULL
    OR changed_at / 1000 IN (SELECT CAST(json_array_elements_text(CAST(:seconds AS json)) AS BIGINT)))
  AND (CAST(:not_seconds AS TEXT) IS NULL
    OR changed_at / 1000 NOT IN (SELECT CAST(json_array_elements_text(CAST(:not_seconds AS json)) AS BIGINT)))
  AND (CAST(:messages AS TEXT) IS NULL
    OR message IN (SELECT CAST(json_array_elements_text(CAST(:messages AS json)) AS BIGINT)))
  AND (CAST(:not_messages AS TEXT) IS NULL
    OR message NOT IN (SELECT CAST(json_array_elements_text(CAST(:not_messages AS json)) AS BIGINT)))
  AND (CAST(:processes AS TEXT) IS NULL OR process IN (SELECT json_array_elements_text(CAST(:processes AS json))))
  AND (CAST(:not_processes AS TEXT) IS NULL
    OR process NOT IN (SELECT json_array_elements_text(CAST(:not_processes AS json))))
  AND (CAST(:events AS TEXT) IS NULL OR event IN (SELECT json_array_elements_text(CAST(:events AS json))))
  AND (CAST(:errors AS TEXT) IS NULL
    OR is_error IN (SELECT CAST(json_array_elements_text(CAST(:errors AS json)) AS BIGINT)));

-- name: some(few)
-- Records by their numbers, a JSON list, and by nothing else: what is asked of them besides is asked afterwards.
SELECT * FROM offline_record
WHERE id IN (SELECT CAST(json_array_elements_text(CAST(:few AS json)) AS BIGINT)) OFFSET 0;

-- name: about_messages(app, connector, messages, most)
-- The first few records about some events and objects; messages is a JSON list.
SELECT id FROM offline_record
WHERE app = :app AND connector = :connector
  AND message IN (SELECT CAST(json_array_elements_text(CAST(:messages AS json)) AS BIGINT))
LIMIT :most;

-- name: reserve(ids, process, now)!
-- Hide records from everyone but one process; ids is a JSON list.
UPDATE offline_record SET process = :process, reserved_at = :now, is_error = 0
WHERE id IN (SELECT CAST(json_array_elements_text(CAST(:ids AS json)) AS BIGINT));

-- name: drop_records(ids)!
-- Records that were handed out and are done with; ids is a JSON list.
DELETE FROM offline_record WHERE id IN (SELECT CAST(json_array_elements_text(CAST(:ids AS json)) AS BIGINT));

-- name: drop_taken(app, process, ids, messages)!
-- What a process has taken is done with, from whichever queue of its application: all, or what is in a JSON list.
DELETE FROM offline_record
WHERE app = :app AND process = :process AND process <> ''
  AND (CAST(:ids AS TEXT) IS NULL OR id IN (SELECT CAST(json_array_elements_text(CAST(:ids AS json)) AS BIGINT)))
  AND (CAST(:messages AS TEXT) IS NULL
    OR message IN (SELECT CAST(json_array_elements_text(CAST(:messages AS json)) AS BIGINT)));

-- name: fail_taken(app, process, messages)!
-- What a process has taken could not be dealt with: all, or what is in a JSON list.
UPDATE offline_record SET is_error = 1
WHERE app = :app AND process = :process AND process <> ''
  AND (CAST(:messages AS TEXT) IS NULL
    OR message IN (SELECT CAST(json_array_elements_text(CAST(:messages AS json)) AS BIGINT)));

-- name: bells(portal, apps)
-- The handlers of ONOFFLINEEVENT of some applications, and when each was told last; apps is a JSON list.
SELECT h.id, h.consumer, h.app, b.pause_ms, b.told_at
FROM handler h LEFT JOIN offline_bell b ON b.handler = h.id
WHERE h.portal = :portal AND h.event = 'ONOFFLINEEVENT' AND h.state = 'bound'
  AND h.app IN (SELECT CAST(json_array_elements_text(CAST(:apps AS json)) AS BIGINT))
ORDER BY h.id;
