-- Lanes on SQLite alone, where one unit runs at a time and what was read stays true until it ends.

-- name: held_tokens(consumers)$
-- Of all leases of these consumers.
SELECT json_group_array(token)
FROM lease WHERE consumer IN (SELECT value FROM json_each(:consumers));

-- name: end_lane(consumer, key, token, seq, now, max_wait)!
-- Of a lease that holds: it ends, and so does the lane unless it has got more; then it is due again, once it is calm.
-- Expanded to as many rows as a batch has; a trigger does it.
INSERT INTO ended (consumer, key, token, seq, now, max_wait)
VALUES (:consumer, :key, :token, :seq, :now, :max_wait);
