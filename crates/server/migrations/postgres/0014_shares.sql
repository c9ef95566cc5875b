-- Links by which people without an account watch a film; of the link only a hash is here.
CREATE TABLE shares (
    id            TEXT   PRIMARY KEY,
    token_hash    BYTEA  NOT NULL UNIQUE,
    account       BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    movie         BIGINT NOT NULL,
    password_hash TEXT,
    ends          BIGINT,
    devices       BIGINT NOT NULL,
    created       BIGINT NOT NULL
);
