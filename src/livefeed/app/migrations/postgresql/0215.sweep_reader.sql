-- Who looks now, of those whose tokens are kept beside that of `person`, who looks first; NULL: `person`.
ALTER TABLE sweep ADD COLUMN reader BIGINT;
