-- Keys by which the operator's own programs call; of each only its hash is here.
CREATE TABLE api_keys (
    id          TEXT    PRIMARY KEY,
    name        TEXT    NOT NULL UNIQUE,
    secret_hash BLOB    NOT NULL,
    scopes      TEXT    NOT NULL,
    created     INTEGER NOT NULL,
    last_used   INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
-- What people call whoever has the account, where that is not its address.
ALTER TABLE accounts ADD COLUMN name TEXT NOT NULL DEFAULT '';
