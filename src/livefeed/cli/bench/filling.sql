-- Filling: what is there before the store is measured, many rows a statement.

-- name: add_consumers(count, cap)!
-- Each of a portal of its own, which is called by its place in hexadecimal.
INSERT INTO consumer (portal, name, state, cap, pace_ms, quiet_ms, max_wait_ms, epoch)
WITH RECURSIVE n (place) AS (SELECT 0 UNION ALL SELECT place + 1 FROM n WHERE place + 1 < :count)
SELECT printf('%032x', place), 'inbox', 'active', :cap, 0, 0, 0, 1 FROM n;

-- name: consumers()
SELECT id FROM consumer ORDER BY portal;

-- name: add_old(first, count, consumers, run, kind, body, at)!
-- Entries that nobody has to do anything about any more: runs of one portal each.
INSERT INTO entry (seq, portal, key, kind, body, at, source)
WITH RECURSIVE n (place) AS (SELECT 0 UNION ALL SELECT place + 1 FROM n WHERE place + 1 < :count)
SELECT
    :first + place, printf('%032x', (:first + place) / :run % :consumers), 'post:' || (:first + place),
    :kind, :body, :at, 'bench'
FROM n;

-- name: add_due(first, count, consumers, kind, body, at)!
-- Entries of random consumers, one each millisecond, each with a key that no other has.
INSERT INTO entry (seq, portal, key, kind, body, at, source, arrived_for)
WITH RECURSIVE
    n (place) AS (SELECT 0 UNION ALL SELECT place + 1 FROM n WHERE place + 1 < :count),
    d (place, portal, number) AS MATERIALIZED (
        SELECT place, printf('%032x', abs(random() % :consumers)), abs(random() >> 3) FROM n
    )
SELECT :first + d.place, c.portal, 'post:' || d.number, :kind, :body, :at + d.place, 'bench', c.id
FROM d CROSS JOIN consumer AS c ON c.portal = d.portal AND c.name = 'inbox';
