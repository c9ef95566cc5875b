-- Who did what: written in the transaction of what it tells, and only ever added to (old lines are purged).
-- Accounts, devices and movies may be gone by the time that somebody reads it, so it refers to none.
CREATE TABLE audit (
    id      INTEGER PRIMARY KEY,
    at      INTEGER NOT NULL,
    actor   TEXT    NOT NULL,
    action  TEXT    NOT NULL,
    result  TEXT    NOT NULL,
    account INTEGER,
    device  TEXT,
    movie   INTEGER,
    network TEXT,
    details TEXT    NOT NULL DEFAULT '{}'
);
CREATE INDEX audit_at ON audit (at);
CREATE INDEX audit_account ON audit (account) WHERE account IS NOT NULL;
CREATE INDEX audit_device ON audit (device) WHERE device IS NOT NULL;
CREATE INDEX audit_movie ON audit (movie) WHERE movie IS NOT NULL;
