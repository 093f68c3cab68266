-- Payments: is somebody going to ask already, and what was the portal's answer that handlers were told last.

-- name: is_to_be_asked(consumer, key)$
-- Whether the portal will be asked from now on: one that is being asked at this moment may have answered already.
SELECT CASE WHEN (SELECT count(*) FROM lane WHERE consumer = :consumer AND key = :key AND seq > 0)
    > (SELECT count(*) FROM lease WHERE consumer = :consumer AND key = :key) THEN 1 ELSE 0 END;

-- name: paid(portal)^
-- What handlers were told last.
SELECT status, is_expired, ends_at FROM paid WHERE portal = :portal;

-- name: keep(portal, status, is_expired, ends_at, at)!
-- They are told this now.
INSERT INTO paid (portal, status, is_expired, ends_at, told_at)
VALUES (:portal, :status, :is_expired, :ends_at, :at)
ON CONFLICT (portal) DO UPDATE SET
    status = excluded.status, is_expired = excluded.is_expired, ends_at = excluded.ends_at,
    told_at = excluded.told_at;

-- name: forget(portal)!
-- A portal is erased.
DELETE FROM paid WHERE portal = :portal;
