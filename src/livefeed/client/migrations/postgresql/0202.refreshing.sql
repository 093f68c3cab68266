-- Which process asks for a new pair at this moment; it has until then, and the others wait for what it stores.
ALTER TABLE token ADD COLUMN refreshing_by TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE token ADD COLUMN refreshing_until BIGINT;
