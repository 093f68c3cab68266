-- Posts, versions, audience, comments and files of the feed.

-- name: add_post(portal, id, log_id, author, title, text, is_micro, audience, is_important, important_until, tags, tag_ids, files, background_code, now)!
-- A new post, at its first version.
INSERT INTO post (portal, id, log_id, author, title, text, is_micro, version, audience, is_important, important_until,
    tags, tag_ids, files, background_code, comment_count, published_at, changed_at)
VALUES (:portal, :id, :log_id, :author, :title, :text, :is_micro, 1, :audience, :is_important, :important_until,
    :tags, :tag_ids, :files, :background_code, 0, :now, :now);

-- name: change_post(portal, id, version, title, text, is_micro, audience, is_important, important_until, files, now)!
-- The next version of a post; nothing happens if somebody else wrote one since.
UPDATE post SET version = :version, title = :title, text = :text, is_micro = :is_micro, audience = :audience,
    is_important = :is_important, important_until = :important_until, files = :files, changed_at = :now
WHERE portal = :portal AND id = :id AND version = :version - 1 AND deleted_at IS NULL;

-- name: delete_post(portal, id, now)!
-- A tombstone; the versions stay.
UPDATE post SET deleted_at = :now WHERE portal = :portal AND id = :id AND deleted_at IS NULL;

-- name: add_versions(portal, post, version, editor, source, written_at, title, text, audience, is_important, important_until, tags, files, background_code)!
-- What posts became, by whom and when; expanded to as many rows as there are.
INSERT INTO post_version (portal, post, version, editor, source, written_at, title, text, audience, is_important,
    important_until, tags, files, background_code)
VALUES (:portal, :post, :version, :editor, :source, :written_at, :title, :text, :audience, :is_important,
    :important_until, :tags, :files, :background_code);

-- name: versions(portal, post)
-- Every version of a post, newest first.
SELECT version, editor, source, written_at, title, text, audience, is_important, important_until, tags, files,
    background_code
FROM post_version WHERE portal = :portal AND post = :post ORDER BY version DESC;

-- name: clear_audience(portal, post)!
-- A post is addressed to nobody; the caller addresses it anew in the same unit.
DELETE FROM post_audience WHERE portal = :portal AND post = :post;

-- name: add_audience(portal, post, codes)!
-- A post is addressed to these codes, a JSON list.
INSERT INTO post_audience (portal, post, code) SELECT :portal, :post, value FROM json_each(:codes);

-- name: post(portal, id)^
-- One post, whoever asks.
SELECT p.id, p.log_id, p.author, p.title, p.text, p.is_micro, p.version, p.audience, p.is_important, p.important_until,
    p.tags, p.tag_ids, p.files, p.background_code, p.comment_count, p.published_at, p.changed_at
FROM post AS p WHERE p.portal = :portal AND p.id = :id AND p.deleted_at IS NULL;

-- name: visible_post(portal, id, viewer, is_admin)^
-- One post, if the viewer may see it: as its author, as somebody it is addressed to, or as an administrator.
SELECT p.id, p.log_id, p.author, p.title, p.text, p.is_micro, p.version, p.audience, p.is_important, p.important_until,
    p.tags, p.tag_ids, p.files, p.background_code, p.comment_count, p.published_at, p.changed_at
FROM post AS p
WHERE p.portal = :portal AND p.id = :id AND p.deleted_at IS NULL
    AND (:is_admin = 1 OR p.author = :viewer OR EXISTS (
        SELECT 1 FROM post_audience AS a
        JOIN access_code AS c ON c.portal = a.portal AND c.person = :viewer AND c.code = a.code
        WHERE a.portal = p.portal AND a.post = p.id));

-- name: visible_posts(portal, ids, viewer, is_admin)
-- Those of the posts (a JSON list of ids) that the viewer may see.
SELECT p.id, p.log_id, p.author, p.title, p.text, p.is_micro, p.version, p.audience, p.is_important, p.important_until,
    p.tags, p.tag_ids, p.files, p.background_code, p.comment_count, p.published_at, p.changed_at
FROM post AS p
WHERE p.portal = :portal AND p.id IN (SELECT value FROM json_each(:ids)) AND p.deleted_at IS NULL
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
        WHERE r.portal = p.portal AND r.post = p.id AND r.code IN (SELECT value FROM json_each(:codes))))
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
        WHERE r.portal = p.portal AND r.post = p.id AND r.code IN (SELECT value FROM json_each(:codes))))
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
        WHERE r.portal = p.portal AND r.post = p.id AND r.code IN (SELECT value FROM json_each(:codes))))
    AND (:is_admin = 1 OR p.author = :viewer OR EXISTS (
        SELECT 1 FROM post_audience AS a
        JOIN access_code AS c ON c.portal = a.portal AND c.person = :viewer AND c.code = a.code
        WHERE a.portal = p.portal AND a.post = p.id));

-- name: tag_ids(portal, names)
-- The ids of the tags that exist already; names is a JSON list.
SELECT name, id FROM tag WHERE portal = :portal AND name IN (SELECT value FROM json_each(:names));

-- name: add_tag(portal, name, id)!
-- A tag nobody used before.
INSERT INTO tag (portal, name, id) VALUES (:portal, :name, :id);

-- name: add_comment(portal, id, post, author, text, files, now)!
-- A comment under a post.
INSERT INTO comment (portal, id, post, author, text, files, written_at)
VALUES (:portal, :id, :post, :author, :text, :files, :now);

-- name: count_comment(portal, post)!
-- A post has one comment more.
UPDATE post SET comment_count = comment_count + 1 WHERE portal = :portal AND id = :post;

-- name: last_comment(portal, post)^
-- The newest comment under a post.
SELECT author, text, files FROM comment WHERE portal = :portal AND post = :post ORDER BY id DESC LIMIT 1;

-- name: comments_of_post(portal, post)
-- The comments under a post, oldest first.
SELECT c.id, c.post, NULL, c.author, c.text, c.files, c.written_at
FROM comment AS c WHERE c.portal = :portal AND c.post = :post ORDER BY c.id;

-- name: comments_of_person(portal, author, viewer, is_admin, after, before, count)
-- What one person wrote under posts that the viewer may see, newest first, ids between `after` and `before`.
SELECT c.id, c.post, p.log_id, c.author, c.text, c.files, c.written_at
FROM comment AS c
JOIN post AS p ON p.portal = c.portal AND p.id = c.post AND p.deleted_at IS NULL
WHERE c.portal = :portal AND c.author = :author AND c.id > :after AND c.id < :before
    AND (:is_admin = 1 OR p.author = :viewer OR EXISTS (
        SELECT 1 FROM post_audience AS a
        JOIN access_code AS g ON g.portal = a.portal AND g.person = :viewer AND g.code = a.code
        WHERE a.portal = p.portal AND a.post = p.id))
ORDER BY c.id DESC LIMIT :count;

-- name: add_drive_file(portal, id, owner, name, size, content, now)!
-- A file on its owner's drive.
INSERT INTO drive_file (portal, id, owner, name, size, content, created_at)
VALUES (:portal, :id, :owner, :name, :size, :content, :now);

-- name: own_drive_files(portal, owner, ids)
-- Those of the files (a JSON list of ids) that are on this person's drive.
SELECT id FROM drive_file
WHERE portal = :portal AND owner = :owner AND id IN (SELECT CAST(value AS INTEGER) FROM json_each(:ids)) ORDER BY id;

-- name: add_attachment(portal, id, drive_file)!
-- A file hangs under a post or a comment.
INSERT INTO attachment (portal, id, drive_file) VALUES (:portal, :id, :drive_file);

-- name: attachments(portal, ids)
-- What hangs there under these attachment ids, a JSON list.
SELECT a.id, f.id, f.owner, f.name, f.size, f.created_at FROM attachment AS a
JOIN drive_file AS f ON f.portal = a.portal AND f.id = a.drive_file
WHERE a.portal = :portal AND a.id IN (SELECT CAST(value AS INTEGER) FROM json_each(:ids)) ORDER BY a.id;

-- name: attachment_content(portal, id)^
-- The name and the bytes of the file behind an attachment.
SELECT f.name, f.content FROM attachment AS a
JOIN drive_file AS f ON f.portal = a.portal AND f.id = a.drive_file
WHERE a.portal = :portal AND a.id = :id;
