-- Codes that nobody exchanged are found when they are over: whoever allowed an application may ask for any number.

CREATE INDEX authorization_code_unused ON authorization_code (expires_at) WHERE used_at IS NULL;
