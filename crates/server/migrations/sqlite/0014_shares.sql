-- Links by which people without an account watch a film; of the link only a hash is here.
CREATE TABLE shares (
    id            TEXT    PRIMARY KEY,
    token_hash    BLOB    NOT NULL UNIQUE,
    account       INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    movie         INTEGER NOT NULL,
    password_hash TEXT,
    ends          INTEGER,
    devices       INTEGER NOT NULL,
    created       INTEGER NOT NULL
) WITHOUT ROWID;
