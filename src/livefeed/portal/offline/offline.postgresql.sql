-- name: reserve(ids, process, now)!
-- Hide records from everyone but one process; ids is a JSON list.
UPDATE offline_record SET process = :process, reserved_at = :now, is_error = 0
WHERE id IN (SELECT CAST(json_array_elements_text(CAST(:ids AS json)) AS BIGINT));

-- name: drop_records(ids)!
-- Records that were handed out and are done with; ids is a JSON list.
DELETE FROM offline_record WHERE id IN (SELECT CAST(json_array_elements_text(CAST(:ids AS json)) AS BIGINT));

-- name: fail_records(ids)!
-- Records that could not be dealt with; ids is a JSON list.
UPDATE offline_record SET is_error = 1
WHERE id IN (SELECT CAST(json_array_elements_text(CAST(:ids AS json)) AS BIGINT));

-- name: bells(portal, apps)
-- The handlers of ONOFFLINEEVENT of some applications, and when each was told last; apps is a JSON list.
SELECT h.id, h.consumer, h.app, b.pause_ms, b.told_at
FROM handler h LEFT JOIN offline_bell b ON b.handler = h.id
WHERE h.portal = :portal AND h.event = 'ONOFFLINEEVENT' AND h.state = 'bound'
  AND h.app IN (SELECT CAST(json_array_elements_text(CAST(:apps AS json)) AS BIGINT))
ORDER BY h.id;
