-- Posters that movies were given after they were packaged; `name` is 32 digits of the file's SHA-256, and `.jpg`.
CREATE TABLE posters (
    movie  INTEGER PRIMARY KEY REFERENCES movies (id) ON DELETE CASCADE,
    name   TEXT    NOT NULL,
    width  INTEGER NOT NULL,
    height INTEGER NOT NULL,
    octets BLOB    NOT NULL
);
CREATE INDEX posters_name ON posters (name);
