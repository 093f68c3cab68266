-- What PostgreSQL needs in other words: a list that comes as JSON, and patterns. It may judge conditions in any order,
-- so that a number is only read where there is one: CASE keeps its order.

-- name: addressable(portal, codes, author, is_admin)
-- Those of the codes (a JSON list) that exist; a group only for its members and for administrators.
SELECT c.value FROM json_array_elements_text(CAST(:codes AS json)) WITH ORDINALITY AS c (value, place)
WHERE CASE
    WHEN c.value = 'UA' THEN TRUE
    WHEN c.value ~ '^U[0-9]{1,18}$' THEN EXISTS (
        SELECT 1 FROM person AS p
        WHERE p.portal = :portal AND p.id = CAST(substr(c.value, 2) AS BIGINT) AND p.is_active = 1)
    WHEN c.value ~ '^D[0-9]{1,18}$' THEN EXISTS (
        SELECT 1 FROM department AS d WHERE d.portal = :portal AND d.id = CAST(substr(c.value, 2) AS BIGINT))
    WHEN c.value ~ '^DR[0-9]{1,18}$' THEN EXISTS (
        SELECT 1 FROM department AS d WHERE d.portal = :portal AND d.id = CAST(substr(c.value, 3) AS BIGINT))
    WHEN c.value ~ '^SG[0-9]{1,18}$' THEN EXISTS (
        SELECT 1 FROM workgroup AS g
        WHERE g.portal = :portal AND g.id = CAST(substr(c.value, 3) AS BIGINT)
            AND (:is_admin = 1 OR EXISTS (
                SELECT 1 FROM workgroup_member AS m
                WHERE m.portal = :portal AND m.person = :author AND m.workgroup = g.id)))
    ELSE FALSE
END
ORDER BY c.place;
