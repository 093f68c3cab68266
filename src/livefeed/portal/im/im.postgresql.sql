-- What PostgreSQL needs in other words: a list that comes as JSON; long texts are found by their hash.

-- name: bell(portal, person, kinds, before, count)
-- The notifications of a person, newest first, ids below `before`; kinds is a JSON list.
SELECT id, author, kind, tag, sub_tag, text, created_at, read_at FROM notification
WHERE portal = :portal AND person = :person AND id < :before
    AND kind IN (SELECT CAST(json_array_elements_text(CAST(:kinds AS json)) AS BIGINT))
ORDER BY id DESC LIMIT :count;

-- name: drop_tag(portal, person, tag)!
-- A newer notification takes the place of those with its tag.
DELETE FROM notification
WHERE portal = :portal AND person = :person AND tag <> '' AND md5(tag) = md5(:tag) AND tag = :tag;
