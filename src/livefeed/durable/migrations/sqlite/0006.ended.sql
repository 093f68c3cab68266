-- What a delivery that is done does to its lane, as one insert for many: a trigger finds each row once and never
-- leaves the engine, where a DELETE with many terms collects the rows first. See queries/lanes.sqlite.sql.

CREATE VIEW ended (consumer, key, token, seq, now, max_wait) AS SELECT NULL, NULL, NULL, NULL, NULL, NULL WHERE 0;

CREATE TRIGGER ended_insert INSTEAD OF INSERT ON ended BEGIN
    DELETE FROM lease WHERE consumer = NEW.consumer AND key = NEW.key AND token = NEW.token;
    DELETE FROM lane WHERE consumer = NEW.consumer AND key = NEW.key AND seq = NEW.seq;
    DELETE FROM lane WHERE consumer = NEW.consumer AND key = NEW.key AND seq = 0 AND head <= NEW.seq;
    UPDATE lane SET first_at = NEW.now, due_at = max(NEW.now, min(calm_at, NEW.now + NEW.max_wait)), attempt = 0
    WHERE consumer = NEW.consumer AND key = NEW.key AND seq = 0;
END;
