-- The log of deliveries: what was answered, and indexes for the newest of one consumer and of one portal.

-- How long the body was that was sent, and the first bytes of the answer.
ALTER TABLE attempt ADD COLUMN size INTEGER NOT NULL DEFAULT 0;

ALTER TABLE attempt ADD COLUMN answer BLOB;

CREATE INDEX attempt_by_consumer ON attempt (consumer, state, seq);

CREATE INDEX dead_by_entry ON dead (consumer, seq);

CREATE INDEX dead_by_expiry ON dead (consumer, seq) WHERE reason = 'expired';

-- Filled together with entry_key.
CREATE TABLE entry_order (
    portal TEXT NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (portal, seq)
) WITHOUT ROWID;

INSERT INTO entry_order (portal, seq) SELECT portal, seq FROM entry_key ORDER BY portal, seq;
