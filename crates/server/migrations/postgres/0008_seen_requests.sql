-- Registrations and polls that were answered, while their time would let them be answered again. They have no
-- device whose sequence numbers could tell.
CREATE TABLE seen_requests (
    hash    BYTEA PRIMARY KEY,
    expires BIGINT NOT NULL
);
CREATE INDEX seen_requests_expires ON seen_requests (expires);
