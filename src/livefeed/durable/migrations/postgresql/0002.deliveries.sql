-- The log of deliveries: what was answered, and indexes for the newest of one consumer and of one portal.

-- How long the body was that was sent, and the first bytes of the answer.
ALTER TABLE attempt ADD COLUMN size BIGINT NOT NULL DEFAULT 0;

ALTER TABLE attempt ADD COLUMN answer BYTEA;

CREATE INDEX attempt_by_consumer ON attempt (consumer, state, seq);

CREATE INDEX dead_by_entry ON dead (consumer, seq);

CREATE INDEX dead_by_expiry ON dead (consumer, seq) WHERE reason = 'expired';

CREATE VIEW entry_order AS SELECT portal, seq FROM entry;
