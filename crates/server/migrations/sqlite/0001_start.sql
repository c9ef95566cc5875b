-- Times are Unix seconds, hashes SHA-256.
CREATE TABLE accounts (
    id            INTEGER PRIMARY KEY,
    handle        TEXT    NOT NULL UNIQUE,
    email         TEXT    NOT NULL UNIQUE,
    password_hash TEXT    NOT NULL,
    plan          TEXT    NOT NULL,
    disabled      INTEGER NOT NULL DEFAULT 0,
    created       INTEGER NOT NULL
);

CREATE TABLE sessions (
    id_hash     BLOB    PRIMARY KEY,
    secret_hash BLOB    NOT NULL,
    account     INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    expires     INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX sessions_expires ON sessions (expires);

-- A device without a slot was de-authorized: it lives on until its ticket ends.
CREATE TABLE devices (
    id           TEXT    PRIMARY KEY,
    account      INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    slot         INTEGER,
    signing_key  BLOB    NOT NULL,
    level        INTEGER NOT NULL,
    kind         TEXT    NOT NULL,
    name         TEXT    NOT NULL,
    machine      TEXT    NOT NULL,
    browser_hash BLOB,
    epoch        INTEGER NOT NULL,
    highest      INTEGER NOT NULL,
    seen         BLOB    NOT NULL,
    registered   INTEGER NOT NULL,
    last_seen    INTEGER NOT NULL,
    replaced     INTEGER NOT NULL DEFAULT 0,
    UNIQUE (account, slot),
    UNIQUE (account, signing_key)
);
CREATE INDEX devices_browser ON devices (account, browser_hash);

CREATE TABLE movies (
    id         INTEGER PRIMARY KEY,
    title      TEXT    NOT NULL,
    year       INTEGER,
    cast_names TEXT    NOT NULL DEFAULT '[]',
    synopsis   TEXT,
    rating     TEXT,
    runtime    REAL    NOT NULL,
    pack       TEXT    NOT NULL,
    policy     TEXT    NOT NULL,
    plans      TEXT    NOT NULL DEFAULT '[]',
    available  INTEGER NOT NULL DEFAULT 1,
    added      INTEGER NOT NULL
);

CREATE TABLE queue (
    account INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    movie   INTEGER NOT NULL REFERENCES movies (id) ON DELETE CASCADE,
    added   INTEGER NOT NULL,
    PRIMARY KEY (account, movie)
) WITHOUT ROWID;

CREATE TABLE viewings (
    id       INTEGER PRIMARY KEY,
    account  INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    movie    INTEGER NOT NULL REFERENCES movies (id) ON DELETE CASCADE,
    started  INTEGER NOT NULL,
    seen     INTEGER NOT NULL,
    position REAL    NOT NULL,
    finished INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX viewings_latest ON viewings (account, movie, seen);

CREATE TABLE first_plays (
    account INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    movie   INTEGER NOT NULL REFERENCES movies (id) ON DELETE CASCADE,
    at      INTEGER NOT NULL,
    PRIMARY KEY (account, movie)
) WITHOUT ROWID;

CREATE TABLE log (
    id       INTEGER PRIMARY KEY,
    account  INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    device   TEXT,
    movie    INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    event    TEXT    NOT NULL,
    code     TEXT,
    position REAL,
    counters TEXT    NOT NULL DEFAULT '{}'
);
CREATE INDEX log_at ON log (at);
