-- People, and what they commented.

-- name: add_person(portal, person, name, gender, is_active)!
INSERT INTO archived_person (portal, person, name, gender, is_active)
VALUES (:portal, :person, :name, :gender, :is_active)
ON CONFLICT (portal, person) DO UPDATE SET
    name = excluded.name, gender = excluded.gender, is_active = excluded.is_active;

-- name: people(portal, people)
SELECT person, name, gender, is_active FROM archived_person
WHERE portal = :portal AND person IN (SELECT value FROM json_each(:people));

-- name: cursors(portal, after, count)
SELECT person, comment_cursor FROM archived_person
WHERE portal = :portal AND person > :after AND is_active = 1 ORDER BY person LIMIT :count;

-- name: move_cursor(portal, person, comment)!
UPDATE archived_person SET comment_cursor = :comment
WHERE portal = :portal AND person = :person AND comment_cursor < :comment;

-- name: add_comment(portal, comment, log_id, person)!
-- Of somebody who is known: he may have been erased since he was asked for.
INSERT INTO archived_comment (portal, comment, log_id, person)
SELECT portal, CAST(:comment AS BIGINT), CAST(:log_id AS BIGINT), person FROM archived_person
WHERE portal = :portal AND person = :person
ON CONFLICT (portal, comment) DO NOTHING;

-- name: unresolved(portal)
-- Feed entries that were commented and whose post is not known yet.
SELECT DISTINCT c.log_id FROM archived_comment AS c
WHERE c.portal = :portal
  AND NOT EXISTS (SELECT 1 FROM archived_entry AS e WHERE e.portal = c.portal AND e.log_id = c.log_id)
ORDER BY c.log_id;

-- name: add_entry(portal, log_id, post)!
INSERT INTO archived_entry (portal, log_id, post) VALUES (:portal, :log_id, :post)
ON CONFLICT (portal, log_id) DO UPDATE SET post = excluded.post;

-- name: comments_of(portal, post)
SELECT c.person, count(*) FROM archived_entry AS e
JOIN archived_comment AS c ON c.portal = e.portal AND c.log_id = e.log_id
WHERE e.portal = :portal AND e.post = :post
GROUP BY c.person ORDER BY c.person;

-- name: forget_people(portal)!
DELETE FROM archived_person WHERE portal = :portal;

-- name: forget_comments(portal)!
DELETE FROM archived_comment WHERE portal = :portal;

-- name: forget_entries(portal)!
DELETE FROM archived_entry WHERE portal = :portal;

-- name: comment_round(portal, post, since)^
-- How far everybody has been asked for the sake of a post, unless that was left before then.
SELECT version, is_again, after FROM comment_round WHERE portal = :portal AND post = :post AND at >= :since;

-- name: put_round(portal, post, version, is_again, after, at)!
INSERT INTO comment_round (portal, post, version, is_again, after, at)
VALUES (:portal, :post, :version, :is_again, :after, :at)
ON CONFLICT (portal, post) DO UPDATE SET
    version = excluded.version, is_again = excluded.is_again, after = excluded.after, at = excluded.at;

-- name: end_round(portal, post)!
DELETE FROM comment_round WHERE portal = :portal AND post = :post;

-- name: forget_rounds(portal)!
DELETE FROM comment_round WHERE portal = :portal;
