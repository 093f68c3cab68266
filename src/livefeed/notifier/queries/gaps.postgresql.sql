-- name: known(portal, posts)
-- The posts of a page as they were last seen; posts is a JSON list.
SELECT p.post, p.state, v.content, coalesce(p.swept_at, v.at) AS since
FROM archived_post AS p
JOIN archived_version AS v ON v.portal = p.portal AND v.post = p.post AND v.version = p.seen_version
WHERE p.portal = :portal AND p.post IN (SELECT CAST(json_array_elements_text(CAST(:posts AS json)) AS BIGINT));

-- name: looked(portal, posts, since)
-- Which posts somebody has seen since; posts is a JSON list.
SELECT post FROM archived_post
WHERE portal = :portal AND swept_at >= :since
    AND post IN (SELECT CAST(json_array_elements_text(CAST(:posts AS json)) AS BIGINT));

-- name: saw(portal, person, published, now)!
-- They are seen now, by whose token is kept; published is a JSON object: post → ms, or null.
UPDATE archived_post SET swept_at = :now, seen_by = (SELECT user_id FROM token WHERE member_id = :portal AND user_id = :person), published_at = CAST(j.value AS BIGINT)
FROM json_each_text(CAST(:published AS json)) AS j
WHERE archived_post.portal = :portal AND archived_post.post = CAST(j.key AS BIGINT);

-- name: passed(portal, posts, now)!
-- They were looked for; posts is a JSON list.
UPDATE archived_post SET swept_at = :now
WHERE portal = :portal AND post IN (SELECT CAST(json_array_elements_text(CAST(:posts AS json)) AS BIGINT));
