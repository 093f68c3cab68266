-- How far each sweep of each portal has come, and how the one before ended.

-- name: progress(portal, scope)^
-- One sweep; began_at NULL: none is under way.
SELECT * FROM sweep WHERE portal = :portal AND scope = :scope;

-- name: begin(portal, scope, person, since, cursor, stride, now)!
-- A sweep begins; what is known of the one before stays.
INSERT INTO sweep (portal, scope, person, since, cursor, stride, began_at)
VALUES (:portal, :scope, :person, :since, :cursor, :stride, :now)
ON CONFLICT (portal, scope) DO UPDATE SET
    person = excluded.person, since = excluded.since, cursor = excluded.cursor, stride = excluded.stride,
    began_at = excluded.began_at, looked = 0, found = 0, first_post = NULL, reader = NULL;

-- name: turn(portal, scope, reader, cursor, stride)!
-- The next one looks, from the beginning.
UPDATE sweep SET reader = :reader, cursor = :cursor, stride = :stride, first_post = NULL
WHERE portal = :portal AND scope = :scope;

-- name: move(portal, scope, cursor, stride, looked, first_post)!
-- Pages were compared.
UPDATE sweep SET
    cursor = :cursor, stride = :stride, looked = looked + :looked,
    first_post = coalesce(first_post, :first_post)
WHERE portal = :portal AND scope = :scope;

-- name: add_found(portal, scope, found)!
-- So many posts differ, or are gone.
UPDATE sweep SET found = found + :found WHERE portal = :portal AND scope = :scope;

-- name: raise_base(portal, scope, base)!
-- From this feed entry on there is something to see.
UPDATE sweep SET base = :base WHERE portal = :portal AND scope = :scope;

-- name: finish(portal, scope, now)!
-- A sweep has ended.
UPDATE sweep SET
    last_began_at = began_at, last_ended_at = :now, last_looked = looked, last_found = found, began_at = NULL
WHERE portal = :portal AND scope = :scope;

-- name: sweeps(portal)
-- All sweeps of one portal.
SELECT * FROM sweep WHERE portal = :portal ORDER BY scope DESC;

-- name: forget(portal)!
-- A portal is erased.
DELETE FROM sweep WHERE portal = :portal;
