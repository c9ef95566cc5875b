-- What an account is shown of its sessions: since when, last used (to the hour), in which browser.
ALTER TABLE sessions ADD COLUMN signed_in BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN last_used BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN browser TEXT NOT NULL DEFAULT '';
CREATE INDEX sessions_account ON sessions (account);
