-- The portals of this server, and the counters of their ids.

-- name: portals()
-- Every portal, the default one first.
SELECT member_id, host, public_url, name, language, is_default FROM portal ORDER BY is_default DESC, created_at, member_id;

-- name: drop_default()!
-- No portal is the default; the caller adds one that is.
UPDATE portal SET is_default = 0 WHERE is_default = 1;

-- name: add_portal(member_id, host, public_url, name, language, is_default, now)!
-- One more portal.
INSERT INTO portal (member_id, host, public_url, name, language, is_default, created_at)
VALUES (:member_id, :host, :public_url, :name, :language, :is_default, :now);

-- name: move_portal(member_id, host, public_url)!
-- Another address for a portal.
UPDATE portal SET host = :host, public_url = :public_url WHERE member_id = :member_id;

-- name: next_id(portal, name)$
-- The next number of a numbering, which begins at 1.
INSERT INTO counter (portal, name, value) VALUES (:portal, :name, 1)
ON CONFLICT (portal, name) DO UPDATE SET value = counter.value + 1
RETURNING value;

-- name: start_ids(portal, name, last)!
-- A numbering goes on after a number, and never goes back.
INSERT INTO counter (portal, name, value) VALUES (:portal, :name, :last)
ON CONFLICT (portal, name) DO UPDATE SET value = excluded.value WHERE excluded.value > counter.value;

-- name: key_check()$
-- The sealed word.
SELECT sealed FROM key_check WHERE id = 1;

-- name: set_key_check(sealed)!
-- Written once, when the database is begun.
INSERT INTO key_check (id, sealed) VALUES (1, :sealed) ON CONFLICT (id) DO NOTHING;
