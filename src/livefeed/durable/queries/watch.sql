-- Watch: what operators are shown, from indexes alone, and what is mended when the clock was set back.

-- name: oldest_due_lane(now)$
-- Of the consumers that have waited longest for their turn, the lane that is due longest and not leased.
SELECT min((
    SELECT w.due_at FROM lane AS w
    WHERE w.consumer = d.id AND w.due_at <= :now
        AND NOT EXISTS (SELECT 1 FROM lease AS r WHERE r.consumer = w.consumer AND r.key = w.key)
    ORDER BY w.due_at LIMIT 1
))
FROM (SELECT id FROM consumer WHERE ready_at <= :now ORDER BY ready_at LIMIT 100) AS d;

-- name: oldest_arrival()$
-- What has arrived at a door and has no lane yet.
SELECT at FROM entry WHERE seq > (SELECT value FROM sequence WHERE name = 'routed') ORDER BY seq LIMIT 1;

-- name: clock_mark()$
SELECT value FROM sequence WHERE name = 'clock';

-- name: set_clock_mark(now)!
INSERT INTO sequence (name, value) VALUES ('clock', :now)
ON CONFLICT (name) DO UPDATE SET value = excluded.value;

-- name: bring_lanes_forward(by, now)!
-- A lane that is due is left as it is.
UPDATE lane SET
    due_at = CASE WHEN due_at - :by < :now THEN :now ELSE due_at - :by END,
    calm_at = calm_at - :by,
    first_at = first_at - :by
WHERE consumer IN (SELECT id FROM consumer) AND due_at > :now;

-- name: bring_consumers_forward(by, now)!
UPDATE consumer SET
    ready_at = CASE WHEN ready_at > :now THEN CASE WHEN ready_at - :by < :now THEN :now ELSE ready_at - :by END ELSE ready_at END,
    not_before = CASE WHEN not_before > :now THEN not_before - :by ELSE not_before END
WHERE ready_at > :now OR not_before > :now;

-- name: shorten_leases(until)!
-- No lease lasts longer than one that is taken now: its worker renews it, or is gone.
UPDATE lease SET until = :until WHERE until > :until;

-- name: shorten_lease_end(until)!
UPDATE sequence SET value = :until WHERE name = 'lease_end' AND value > :until;

-- name: count_dead(since)^
-- For a person who asks; metrics never count.
SELECT count(*) AS total, coalesce(sum(CASE WHEN at >= :since THEN 1 ELSE 0 END), 0) AS fresh FROM dead;
