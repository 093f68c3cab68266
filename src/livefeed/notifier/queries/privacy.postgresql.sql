-- What PostgreSQL needs in other words: a list that comes as JSON.

-- name: digests(portal, posts)
SELECT post, digest FROM redaction
WHERE portal = :portal AND post IN (SELECT CAST(json_array_elements_text(CAST(:posts AS json)) AS BIGINT));
