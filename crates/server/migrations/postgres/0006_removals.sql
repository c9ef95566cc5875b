-- When an account's owner removed devices: how often that may be is bounded.
CREATE TABLE removals (
    account BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    at      BIGINT NOT NULL
);
CREATE INDEX removals_account ON removals (account, at);
