-- name: bucket(portal, address)^
-- The bucket of one address, locked until the commit.
SELECT level, second FROM rest_bucket WHERE portal = :portal AND address = :address FOR UPDATE;
