-- name: add_bucket(portal, address, second)!
INSERT INTO rest_bucket (portal, address, level, second) VALUES (:portal, :address, 0, :second)
ON CONFLICT (portal, address) DO NOTHING;

-- name: bucket(portal, address)^
-- The bucket of one address, locked until the commit.
SELECT level, second FROM rest_bucket WHERE portal = :portal AND address = :address;

-- name: keep_bucket(portal, address, level, second)!
UPDATE rest_bucket SET level = :level, second = :second WHERE portal = :portal AND address = :address;

-- name: drop_buckets(before, most)!
-- Those that nobody has called from for long; they are empty.
DELETE FROM rest_bucket
WHERE (portal, address) IN (
    SELECT portal, address FROM rest_bucket WHERE second < :before ORDER BY second LIMIT :most
);

-- name: spend(portal, caller, method, minute, first_at, used_us)!
-- More running time in the basket of this minute, which drops out ten minutes after its first call.
INSERT INTO operating (portal, caller, method, minute, first_at, used_us)
VALUES (:portal, :caller, :method, :minute, :first_at, :used_us)
ON CONFLICT (portal, caller, method, minute) DO UPDATE SET used_us = operating.used_us + excluded.used_us;

-- name: spent(portal, caller, method, since)^
-- What is in the baskets of the last ten minutes, and when the oldest of them was begun.
SELECT CAST(COALESCE(SUM(used_us), 0) AS BIGINT), MIN(first_at)
FROM operating
WHERE portal = :portal AND caller = :caller AND method = :method AND first_at > :since;

-- name: drop_baskets(before, most)!
DELETE FROM operating
WHERE (portal, caller, method, minute) IN (
    SELECT portal, caller, method, minute FROM operating WHERE first_at < :before ORDER BY first_at LIMIT :most
);
