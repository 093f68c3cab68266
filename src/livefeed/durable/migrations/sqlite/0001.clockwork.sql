-- The clockwork: entries, consumers, lanes, dead letters, attempts. Times are ms since the epoch.

CREATE TABLE sequence (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) WITHOUT ROWID;

INSERT INTO sequence (name, value) VALUES ('entry', 0), ('token', 0), ('attempt', 0), ('probe', 0), ('indexed', 0), ('routed', 0);

CREATE TABLE entry (
    seq INTEGER PRIMARY KEY,
    portal TEXT NOT NULL,
    key TEXT NOT NULL,
    kind TEXT NOT NULL,
    body BLOB NOT NULL,
    at INTEGER NOT NULL,
    source TEXT NOT NULL,
    only_for INTEGER,
    arrived_for INTEGER,
    is_urgent INTEGER NOT NULL DEFAULT 0
);

-- Filled behind the door, up to the seq in sequence 'indexed': a random page a row is too dear while it is busy.
CREATE TABLE entry_key (
    portal TEXT NOT NULL,
    key TEXT NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (portal, key, seq)
) WITHOUT ROWID;

CREATE TABLE consumer (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    portal TEXT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT,
    state TEXT NOT NULL CHECK (state IN ('active', 'paused', 'withheld', 'gone')),
    ready_at INTEGER,
    not_before INTEGER NOT NULL DEFAULT 0,
    fails INTEGER NOT NULL DEFAULT 0,
    in_flight INTEGER NOT NULL DEFAULT 0,
    cap INTEGER NOT NULL CHECK (cap > 0),
    pace_ms INTEGER NOT NULL CHECK (pace_ms >= 0),
    quiet_ms INTEGER NOT NULL CHECK (quiet_ms >= 0),
    max_wait_ms INTEGER NOT NULL CHECK (max_wait_ms >= 0),
    epoch INTEGER NOT NULL,
    UNIQUE (portal, name)
);

CREATE INDEX consumer_by_ready ON consumer (ready_at) WHERE ready_at IS NOT NULL;

-- The row with seq 0 is the lane itself; each of the others, with nulls, names one entry it has still to deal with.
CREATE TABLE lane (
    consumer INTEGER NOT NULL,
    key TEXT NOT NULL,
    seq INTEGER NOT NULL,
    head INTEGER,
    first_at INTEGER,
    calm_at INTEGER,
    due_at INTEGER,
    attempt INTEGER,
    PRIMARY KEY (consumer, key, seq)
) WITHOUT ROWID;

CREATE INDEX lane_by_due ON lane (consumer, due_at) WHERE due_at IS NOT NULL;

-- Apart from the lanes, because it is small: taking a lease writes a few warm pages instead of one for each lane.
CREATE TABLE lease (
    consumer INTEGER NOT NULL,
    key TEXT NOT NULL,
    token INTEGER NOT NULL,
    until INTEGER NOT NULL,
    PRIMARY KEY (consumer, key)
) WITHOUT ROWID;

CREATE INDEX lease_by_end ON lease (consumer, until);

CREATE TABLE dead (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    consumer INTEGER NOT NULL,
    key TEXT NOT NULL,
    seq INTEGER NOT NULL,
    kind TEXT NOT NULL,
    body BLOB NOT NULL,
    reason TEXT NOT NULL,
    at INTEGER NOT NULL
);

CREATE INDEX dead_by_consumer ON dead (consumer, at);

CREATE INDEX dead_by_age ON dead (at);

CREATE TABLE attempt (
    day INTEGER NOT NULL,
    id INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    consumer INTEGER NOT NULL,
    key TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    webhook_id TEXT NOT NULL,
    sent_at INTEGER NOT NULL,
    status INTEGER,
    error TEXT,
    ms INTEGER NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (day, id)
) WITHOUT ROWID;

CREATE INDEX attempt_by_seq ON attempt (seq);

CREATE TABLE done (
    consumer INTEGER NOT NULL,
    key TEXT NOT NULL,
    seq INTEGER NOT NULL,
    handler TEXT NOT NULL,
    PRIMARY KEY (consumer, key, seq, handler)
) WITHOUT ROWID;
