-- Access codes: which ones each person holds, and which ones exist to address a post to.

-- name: forget_codes(portal)!
-- Nobody holds a code any more; the caller grants them anew in the same unit.
DELETE FROM access_code WHERE portal = :portal;

-- name: grant_codes(portal)!
-- Every active person holds UA, his own U, the SG of his groups, D and DR of his departments, and DR of those above.
INSERT INTO access_code (portal, person, code)
WITH RECURSIVE above (person, department) AS (
    SELECT person, department FROM department_member WHERE portal = :portal
    UNION
    SELECT a.person, d.parent FROM above AS a
    JOIN department AS d ON d.portal = :portal AND d.id = a.department AND d.parent IS NOT NULL
),
held (person, code) AS (
    SELECT id, 'UA' FROM person WHERE portal = :portal
    UNION ALL SELECT id, 'U' || id FROM person WHERE portal = :portal
    UNION ALL SELECT person, 'SG' || workgroup FROM workgroup_member WHERE portal = :portal
    UNION ALL SELECT person, 'D' || department FROM department_member WHERE portal = :portal
    UNION ALL SELECT person, 'DR' || department FROM above
)
SELECT p.portal, p.id, h.code FROM held AS h
JOIN person AS p ON p.portal = :portal AND p.id = h.person AND p.is_active = 1;

-- name: addressable(portal, codes, author, is_admin)
-- Those of the codes (a JSON list) that exist; a group only for its members and for administrators.
SELECT c.value FROM json_each(:codes) AS c
WHERE c.value = 'UA'
    OR (c.value GLOB 'U[0-9]*' AND substr(c.value, 2) NOT GLOB '*[^0-9]*' AND length(c.value) < 20 AND EXISTS (
        SELECT 1 FROM person AS p
        WHERE p.portal = :portal AND p.id = CAST(substr(c.value, 2) AS INTEGER) AND p.is_active = 1))
    OR (c.value GLOB 'D[0-9]*' AND substr(c.value, 2) NOT GLOB '*[^0-9]*' AND length(c.value) < 20 AND EXISTS (
        SELECT 1 FROM department AS d WHERE d.portal = :portal AND d.id = CAST(substr(c.value, 2) AS INTEGER)))
    OR (c.value GLOB 'DR[0-9]*' AND substr(c.value, 3) NOT GLOB '*[^0-9]*' AND length(c.value) < 21 AND EXISTS (
        SELECT 1 FROM department AS d WHERE d.portal = :portal AND d.id = CAST(substr(c.value, 3) AS INTEGER)))
    OR (c.value GLOB 'SG[0-9]*' AND substr(c.value, 3) NOT GLOB '*[^0-9]*' AND length(c.value) < 21 AND EXISTS (
        SELECT 1 FROM workgroup AS g
        WHERE g.portal = :portal AND g.id = CAST(substr(c.value, 3) AS INTEGER)
            AND (:is_admin = 1 OR EXISTS (
                SELECT 1 FROM workgroup_member AS m
                WHERE m.portal = :portal AND m.person = :author AND m.workgroup = g.id))));
