-- What plays where: a license comes with a lease, which reports keep. One that was ended for another device
-- names that.
CREATE TABLE leases (
    device     TEXT    NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    movie      BIGINT  NOT NULL,
    account    BIGINT  NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    began      BIGINT  NOT NULL,
    ends       BIGINT  NOT NULL,
    reported   BOOLEAN NOT NULL,
    stopped_by TEXT,
    PRIMARY KEY (device, movie)
);
CREATE INDEX leases_account ON leases (account, ends);
