-- The bell.

-- name: add_notification(portal, id, person, author, kind, tag, sub_tag, text, text_out, attach, now)!
-- One more notification for one person.
INSERT INTO notification (portal, id, person, author, kind, tag, sub_tag, text, text_out, attach, created_at)
VALUES (:portal, :id, :person, :author, :kind, :tag, :sub_tag, :text, :text_out, :attach, :now);

-- name: drop_tag(portal, person, tag)!
-- A newer notification takes the place of those with its tag.
DELETE FROM notification WHERE portal = :portal AND person = :person AND tag = :tag AND tag <> '';

-- name: is_active(portal, person)$
-- Whether there is such a person, still employed.
SELECT 1 FROM person WHERE portal = :portal AND id = :person AND is_active = 1;

-- name: bell(portal, person, kinds, before, count)
-- The notifications of a person, newest first, ids below `before`; kinds is a JSON list.
SELECT id, author, kind, tag, sub_tag, text, created_at, read_at FROM notification
WHERE portal = :portal AND person = :person AND id < :before AND kind IN (SELECT value FROM json_each(:kinds))
ORDER BY id DESC LIMIT :count;

-- name: count_bell(portal, person)^
-- How many notifications a person has, and how many of them he has not read.
SELECT
    (SELECT count(*) FROM notification WHERE portal = :portal AND person = :person),
    (SELECT count(*) FROM notification WHERE portal = :portal AND person = :person AND read_at IS NULL);

-- name: mark(portal, person, first, last, read_at)!
-- Notifications with ids from `first` to `last` are read since then, or unread again (NULL).
UPDATE notification SET read_at = :read_at
WHERE portal = :portal AND person = :person AND id >= :first AND id <= :last
    AND (read_at IS NULL) <> (CAST(:read_at AS BIGINT) IS NULL);
