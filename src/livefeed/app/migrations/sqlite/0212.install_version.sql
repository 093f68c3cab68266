-- What the door knows of portals lies in the memory of every process: these numbers say when it has to be read again.
CREATE TABLE install_version (
    id      INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    version INTEGER NOT NULL,   -- raised by each change of an installation; its row is locked until the commit
    erased  INTEGER NOT NULL    -- the version at which a portal was erased last
);
INSERT INTO install_version (id, version, erased) VALUES (1, 0, 0);

ALTER TABLE install ADD COLUMN version INTEGER NOT NULL DEFAULT 0;
CREATE INDEX install_changed ON install (version);
