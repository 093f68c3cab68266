-- A settle leaves the row of its consumer as it is: how many lanes are leased is counted where it is asked, so that
-- `consumer.in_flight` is not written any more, and a lane that has got more says by itself when it is to be looked at.

CREATE TRIGGER lane_put_back AFTER UPDATE OF first_at ON lane BEGIN
    UPDATE consumer SET ready_at = min(coalesce(ready_at, 9223372036854775807), max(not_before, NEW.due_at))
    WHERE id = NEW.consumer AND state = 'active' AND (ready_at IS NULL OR ready_at > NEW.due_at);
END;
