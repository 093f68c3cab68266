-- Event handlers on PostgreSQL.

-- name: handlers_of_consumers(consumers)$
SELECT CAST(coalesce(json_agg(json_build_array(
    id, portal, app, webhook, event, url, auth_type, owner, consumer, state, reason, bound_at, unbound_at
)), '[]') AS text)
FROM handler
WHERE consumer = ANY (ARRAY(SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST(:consumers AS json))));
