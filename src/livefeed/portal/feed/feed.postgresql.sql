-- What PostgreSQL needs in other words: lists that come as JSON.

-- name: change_posts(portal, id, version, title, text, is_micro, audience, is_important, important_until, files, now)!
-- The next versions of posts; columns come as arrays. The caller holds the lock of the portal since he read them.
UPDATE post SET version = k.version, title = k.title, text = k.text, is_micro = k.is_micro, audience = k.audience,
    is_important = k.is_important, important_until = k.important_until, files = k.files, changed_at = k.now
FROM (
    SELECT w.place, v.*
    FROM unnest(
        CAST(:portal AS text[]), CAST(:id AS bigint[]), CAST(:version AS bigint[]), CAST(:title AS text[]),
        CAST(:text AS text[]), CAST(:is_micro AS bigint[]), CAST(:audience AS text[]), CAST(:is_important AS bigint[]),
        CAST(:important_until AS bigint[]), CAST(:files AS text[]), CAST(:now AS bigint[])
    ) AS v (portal, id, version, title, text, is_micro, audience, is_important, important_until, files, now)
    CROSS JOIN LATERAL (
        SELECT ctid AS place FROM post
        WHERE portal = v.portal AND id = v.id AND version = v.version - 1 AND deleted_at IS NULL
        OFFSET 0
    ) AS w
    OFFSET 0
) AS k
WHERE post.ctid = k.place;

-- name: add_versions(portal, post, version, editor, source, written_at, title, text, audience, is_important, important_until, tags, files, background_code)!
-- What posts became, by whom and when; columns come as arrays.
INSERT INTO post_version (portal, post, version, editor, source, written_at, title, text, audience, is_important,
    important_until, tags, files, background_code)
SELECT * FROM unnest(
    CAST(:portal AS text[]), CAST(:post AS bigint[]), CAST(:version AS bigint[]), CAST(:editor AS bigint[]),
    CAST(:source AS text[]), CAST(:written_at AS bigint[]), CAST(:title AS text[]), CAST(:text AS text[]),
    CAST(:audience AS text[]), CAST(:is_important AS bigint[]), CAST(:important_until AS bigint[]),
    CAST(:tags AS text[]), CAST(:files AS text[]), CAST(:background_code AS text[])
);

-- name: add_audience(portal, post, codes)!
-- A post is addressed to these codes, a JSON list.
INSERT INTO post_audience (portal, post, code)
SELECT CAST(:portal AS TEXT), CAST(:post AS BIGINT), json_array_elements_text(CAST(:codes AS json));

-- name: visible_posts(portal, ids, viewer, is_admin)
-- Those of the posts (a JSON list of ids) that the viewer may see.
SELECT p.id, p.log_id, p.author, p.title, p.text, p.is_micro, p.version, p.audience, p.is_important, p.important_until,
    p.tags, p.tag_ids, p.files, p.background_code, p.comment_count, p.published_at, p.changed_at
FROM post AS p
WHERE p.portal = :portal AND p.deleted_at IS NULL
    AND p.id = ANY (ARRAY(SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST(:ids AS json))))
    AND (:is_admin = 1 OR p.author = :viewer OR EXISTS (
        SELECT 1 FROM post_audience AS a
        JOIN access_code AS c ON c.portal = a.portal AND c.person = :viewer AND c.code = a.code
        WHERE a.portal = p.portal AND a.post = p.id));

-- name: newest_posts(portal, viewer, is_admin, codes, since, until, before, count, offset)
-- Visible posts, newest first, with feed entry ids below `before`; codes is a JSON list or NULL, as are the times.
SELECT p.id, p.log_id, p.author, p.title, p.text, p.is_micro, p.version, p.audience, p.is_important, p.important_until,
    p.tags, p.tag_ids, p.files, p.background_code, p.comment_count, p.published_at, p.changed_at
FROM post AS p
WHERE p.portal = :portal AND p.log_id < :before AND p.deleted_at IS NULL
    AND (CAST(:since AS BIGINT) IS NULL OR p.published_at >= :since)
    AND (CAST(:until AS BIGINT) IS NULL OR p.published_at <= :until)
    AND (CAST(:codes AS TEXT) IS NULL OR EXISTS (
        SELECT 1 FROM post_audience AS r
        WHERE r.portal = p.portal AND r.post = p.id AND r.code IN (SELECT json_array_elements_text(CAST(:codes AS json)))))
    AND (:is_admin = 1 OR p.author = :viewer OR EXISTS (
        SELECT 1 FROM post_audience AS a
        JOIN access_code AS c ON c.portal = a.portal AND c.person = :viewer AND c.code = a.code
        WHERE a.portal = p.portal AND a.post = p.id))
ORDER BY p.log_id DESC LIMIT :count OFFSET :offset;

-- name: posts_after(portal, viewer, is_admin, codes, since, until, after, count)
-- Visible posts, oldest first, with feed entry ids above `after`.
SELECT p.id, p.log_id, p.author, p.title, p.text, p.is_micro, p.version, p.audience, p.is_important, p.important_until,
    p.tags, p.tag_ids, p.files, p.background_code, p.comment_count, p.published_at, p.changed_at
FROM post AS p
WHERE p.portal = :portal AND p.log_id > :after AND p.deleted_at IS NULL
    AND (CAST(:since AS BIGINT) IS NULL OR p.published_at >= :since)
    AND (CAST(:until AS BIGINT) IS NULL OR p.published_at <= :until)
    AND (CAST(:codes AS TEXT) IS NULL OR EXISTS (
        SELECT 1 FROM post_audience AS r
        WHERE r.portal = p.portal AND r.post = p.id AND r.code IN (SELECT json_array_elements_text(CAST(:codes AS json)))))
    AND (:is_admin = 1 OR p.author = :viewer OR EXISTS (
        SELECT 1 FROM post_audience AS a
        JOIN access_code AS c ON c.portal = a.portal AND c.person = :viewer AND c.code = a.code
        WHERE a.portal = p.portal AND a.post = p.id))
ORDER BY p.log_id LIMIT :count;

-- name: count_posts(portal, viewer, is_admin, codes, since, until)$
-- How many posts the viewer may see; the filters are those of newest_posts.
SELECT count(*) FROM post AS p
WHERE p.portal = :portal AND p.deleted_at IS NULL
    AND (CAST(:since AS BIGINT) IS NULL OR p.published_at >= :since)
    AND (CAST(:until AS BIGINT) IS NULL OR p.published_at <= :until)
    AND (CAST(:codes AS TEXT) IS NULL OR EXISTS (
        SELECT 1 FROM post_audience AS r
        WHERE r.portal = p.portal AND r.post = p.id AND r.code IN (SELECT json_array_elements_text(CAST(:codes AS json)))))
    AND (:is_admin = 1 OR p.author = :viewer OR EXISTS (
        SELECT 1 FROM post_audience AS a
        JOIN access_code AS c ON c.portal = a.portal AND c.person = :viewer AND c.code = a.code
        WHERE a.portal = p.portal AND a.post = p.id));

-- name: tag_ids(portal, names)
-- The ids of the tags that exist already; names is a JSON list.
SELECT name, id FROM tag WHERE portal = :portal AND name IN (SELECT json_array_elements_text(CAST(:names AS json)));

-- name: own_drive_files(portal, owner, ids)
-- Those of the files (a JSON list of ids) that are on this person's drive.
SELECT id FROM drive_file
WHERE portal = :portal AND owner = :owner
    AND id IN (SELECT CAST(json_array_elements_text(CAST(:ids AS json)) AS BIGINT))
ORDER BY id;

-- name: attachments(portal, ids)
-- What hangs there under these attachment ids, a JSON list.
SELECT a.id, f.id, f.owner, f.name, f.size, f.created_at FROM attachment AS a
JOIN drive_file AS f ON f.portal = a.portal AND f.id = a.drive_file
WHERE a.portal = :portal
    AND a.id IN (SELECT CAST(json_array_elements_text(CAST(:ids AS json)) AS BIGINT))
ORDER BY a.id;
