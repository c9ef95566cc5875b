-- Registrations and polls that were answered, while their time would let them be answered again. They have no
-- device whose sequence numbers could tell.
CREATE TABLE seen_requests (
    hash    BLOB  PRIMARY KEY,
    expires INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX seen_requests_expires ON seen_requests (expires);
