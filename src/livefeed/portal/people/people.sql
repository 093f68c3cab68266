-- People, departments and groups.

-- name: add_person(portal, id, login, email, first_name, last_name, position, city, gender, birthday, language, time_zone, is_admin, now)!
-- One more active person.
INSERT INTO person (portal, id, login, email, first_name, last_name, second_name, position, city, gender, birthday,
    language, time_zone, is_admin, is_active, epoch, registered_at, changed_at)
VALUES (:portal, :id, :login, :email, :first_name, :last_name, '', :position, :city, :gender, :birthday,
    :language, :time_zone, :is_admin, 1, 1, :now, :now);

-- name: dismiss(portal, id, now)!
-- A person leaves: no code, no token and no webhook of his works any more.
UPDATE person SET is_active = 0, epoch = epoch + 1, changed_at = :now WHERE portal = :portal AND id = :id;

-- name: person(portal, id)^
-- One person with his departments, separated by commas.
SELECT p.id, p.login, p.email, p.first_name, p.last_name, p.second_name, p.position, p.city, p.gender, p.birthday,
    p.language, p.time_zone, p.is_admin, p.is_active, p.registered_at, p.changed_at,
    coalesce((SELECT group_concat(m.department) FROM department_member AS m
        WHERE m.portal = p.portal AND m.person = p.id), '')
FROM person AS p WHERE p.portal = :portal AND p.id = :id;

-- name: people(portal, ids, is_active, department)
-- The people of a portal by id; each NULL filter lets everyone through, ids is a JSON list.
SELECT p.id, p.login, p.email, p.first_name, p.last_name, p.second_name, p.position, p.city, p.gender, p.birthday,
    p.language, p.time_zone, p.is_admin, p.is_active, p.registered_at, p.changed_at,
    coalesce((SELECT group_concat(m.department) FROM department_member AS m
        WHERE m.portal = p.portal AND m.person = p.id), '')
FROM person AS p
WHERE p.portal = :portal
    AND (CAST(:ids AS TEXT) IS NULL OR p.id IN (SELECT value FROM json_each(:ids)))
    AND (CAST(:is_active AS BIGINT) IS NULL OR p.is_active = :is_active)
    AND (CAST(:department AS BIGINT) IS NULL OR EXISTS (SELECT 1 FROM department_member AS m
        WHERE m.portal = p.portal AND m.person = p.id AND m.department = :department))
ORDER BY p.id;

-- name: person_ids(portal, after, first, limit)
-- A page of those whose ids are greater, by id.
SELECT id FROM person WHERE portal = :portal AND id > :after ORDER BY id LIMIT :limit OFFSET :first;

-- name: count_people(portal, after)$
SELECT count(*) FROM person WHERE portal = :portal AND id > :after;

-- name: add_department(portal, id, parent, name, head)!
-- One more department.
INSERT INTO department (portal, id, parent, name, sort, head) VALUES (:portal, :id, :parent, :name, 500, :head);

-- name: add_to_department(portal, person, department)!
-- A person works there from now on.
INSERT INTO department_member (portal, person, department) VALUES (:portal, :person, :department)
ON CONFLICT DO NOTHING;

-- name: add_group(portal, id, name, description, owner, now)!
-- One more group.
INSERT INTO workgroup (portal, id, name, description, owner, created_at)
VALUES (:portal, :id, :name, :description, :owner, :now);

-- name: add_to_group(portal, person, workgroup, role)!
-- A person is a member from now on, in this role.
INSERT INTO workgroup_member (portal, person, workgroup, role) VALUES (:portal, :person, :workgroup, :role)
ON CONFLICT (portal, person, workgroup) DO UPDATE SET role = excluded.role;

-- name: place_names(portal)
-- What the access codes of departments and groups are called.
SELECT 'DR' || id, name FROM department WHERE portal = :portal
UNION ALL SELECT 'D' || id, name FROM department WHERE portal = :portal
UNION ALL SELECT 'SG' || id, name FROM workgroup WHERE portal = :portal;

-- name: credentials(portal, login)^
-- With what somebody of this login proves that it is him.
SELECT id, password_hash FROM person
WHERE portal = :portal AND login = :login AND is_active = 1 AND password_hash <> '';

-- name: set_password(portal, id, password_hash, now)!
-- Another password.
UPDATE person SET password_hash = :password_hash, changed_at = :now WHERE portal = :portal AND id = :id;

-- name: person_by_login(portal, login)$
-- Whose login this is, dismissed people too.
SELECT id FROM person WHERE portal = :portal AND login = :login;

-- name: count_administrators(portal)$
-- How many people can administer the portal.
SELECT count(*) FROM person WHERE portal = :portal AND is_admin = 1 AND is_active = 1;

-- name: has_department(portal, id)$
-- 1 if there is such a department.
SELECT 1 FROM department WHERE portal = :portal AND id = :id;
