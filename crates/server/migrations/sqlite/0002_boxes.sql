-- Where a movie may be watched (ISO 3166-1 alpha-2; empty: wherever the server allows).
ALTER TABLE movies ADD COLUMN regions TEXT NOT NULL DEFAULT '[]';

-- Codes that boxes show; `account` is set when somebody types one in.
CREATE TABLE codes (
    code        TEXT    PRIMARY KEY,
    signing_key BLOB    NOT NULL UNIQUE,
    name        TEXT    NOT NULL,
    expires     INTEGER NOT NULL,
    account     INTEGER REFERENCES accounts (id) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX codes_expires ON codes (expires);

CREATE INDEX log_playback ON log (device, movie, at);
CREATE INDEX log_movie ON log (movie);
