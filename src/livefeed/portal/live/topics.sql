-- Who hears of what.

-- name: codes_of(portal, person)
-- The access codes a person holds.
SELECT code FROM access_code WHERE portal = :portal AND person = :person;
