-- Posters that movies were given after they were packaged; `name` is 32 digits of the file's SHA-256, and `.jpg`.
CREATE TABLE posters (
    movie  BIGINT  PRIMARY KEY REFERENCES movies (id) ON DELETE CASCADE,
    name   TEXT    NOT NULL,
    width  BIGINT  NOT NULL,
    height BIGINT  NOT NULL,
    octets BYTEA   NOT NULL
);
CREATE INDEX posters_name ON posters (name);
