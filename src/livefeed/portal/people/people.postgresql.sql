-- What PostgreSQL needs in other words: lists that come as JSON, and lists that are made of rows.

-- name: person(portal, id)^
-- One person with his departments, separated by commas.
SELECT p.id, p.login, p.email, p.first_name, p.last_name, p.second_name, p.position, p.city, p.gender, p.birthday,
    p.language, p.time_zone, p.is_admin, p.is_active, p.registered_at, p.changed_at,
    coalesce((SELECT string_agg(CAST(m.department AS TEXT), ',' ORDER BY m.department) FROM department_member AS m
        WHERE m.portal = p.portal AND m.person = p.id), '')
FROM person AS p WHERE p.portal = :portal AND p.id = :id;

-- name: people(portal, ids, is_active, department)
-- The people of a portal by id; each NULL filter lets everyone through, ids is a JSON list.
SELECT p.id, p.login, p.email, p.first_name, p.last_name, p.second_name, p.position, p.city, p.gender, p.birthday,
    p.language, p.time_zone, p.is_admin, p.is_active, p.registered_at, p.changed_at,
    coalesce((SELECT string_agg(CAST(m.department AS TEXT), ',' ORDER BY m.department) FROM department_member AS m
        WHERE m.portal = p.portal AND m.person = p.id), '')
FROM person AS p
WHERE p.portal = :portal
    AND (CAST(:ids AS TEXT) IS NULL OR p.id IN (SELECT CAST(json_array_elements_text(CAST(:ids AS json)) AS BIGINT)))
    AND (CAST(:is_active AS BIGINT) IS NULL OR p.is_active = :is_active)
    AND (CAST(:department AS BIGINT) IS NULL OR EXISTS (SELECT 1 FROM department_member AS m
        WHERE m.portal = p.portal AND m.person = p.id AND m.department = :department))
ORDER BY p.id;
