-- Filling on PostgreSQL.

-- name: add_consumers(count, cap)!
INSERT INTO consumer (portal, name, state, cap, pace_ms, quiet_ms, max_wait_ms, epoch)
SELECT lpad(to_hex(place), 32, '0'), 'inbox', 'active', :cap, 0, 0, 0, 1
FROM generate_series(0, CAST(:count AS bigint) - 1) AS n (place);

-- name: add_old(first, count, consumers, run, kind, body, at)!
INSERT INTO entry (seq, portal, key, kind, body, at, source)
SELECT
    seq, lpad(to_hex(seq / CAST(:run AS bigint) % CAST(:consumers AS bigint)), 32, '0'), 'post:' || seq,
    :kind, :body, :at, 'bench'
FROM generate_series(CAST(:first AS bigint), CAST(:first AS bigint) + :count - 1) AS n (seq);

-- name: add_due(first, count, consumers, kind, body, at)!
WITH d AS MATERIALIZED (
    SELECT
        seq, lpad(to_hex(CAST(floor(random() * CAST(:consumers AS bigint)) AS bigint)), 32, '0') AS portal,
        CAST(floor(random() * 1e18) AS bigint) AS number
    FROM generate_series(CAST(:first AS bigint), CAST(:first AS bigint) + :count - 1) AS n (seq)
), added AS (
    INSERT INTO entry (seq, portal, key, kind, body, at, source, arrived_for)
    SELECT d.seq, c.portal, 'post:' || d.number, :kind, :body, :at + d.seq - :first, 'bench', c.id
    FROM d CROSS JOIN LATERAL (
        SELECT id, portal FROM consumer WHERE portal = d.portal AND name = 'inbox' OFFSET 0
    ) AS c
)
INSERT INTO arrival (seq) SELECT seq FROM d;
