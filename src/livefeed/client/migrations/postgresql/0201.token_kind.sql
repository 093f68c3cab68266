-- How a pair came: installer (its installation was proved) | opener (this person opened a page, or signed in).
ALTER TABLE token ADD COLUMN kind TEXT COLLATE "C" NOT NULL DEFAULT 'installer';
