-- The key that everything of one portal is sealed with, itself sealed with the newest key of the key file.
-- Without its row nothing of the portal can be read any more.
CREATE TABLE portal_key (
    member_id TEXT NOT NULL PRIMARY KEY,
    key_id BLOB NOT NULL,         -- what blobs sealed with it begin with, 4 bytes
    sealed BLOB NOT NULL,         -- with the context "portal-key:<member_id>"
    made_at INTEGER NOT NULL
) WITHOUT ROWID;
