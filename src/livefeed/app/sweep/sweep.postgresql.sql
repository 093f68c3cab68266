-- name: expected(consumer, keys)
-- Which posts have something waiting in the inbox anyway; keys is a JSON list of lanes.
SELECT l.key FROM lane AS l
WHERE l.consumer = :consumer AND l.seq = 0 AND l.key IN (SELECT json_array_elements_text(CAST(:keys AS json)));
