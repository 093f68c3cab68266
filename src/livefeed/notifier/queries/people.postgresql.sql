-- What PostgreSQL needs in other words: a list that comes as JSON.

-- name: people(portal, people)
SELECT person, name, gender, is_active FROM archived_person
WHERE portal = :portal AND person IN (SELECT CAST(json_array_elements_text(CAST(:people AS json)) AS BIGINT));
