-- What plays where: a license comes with a lease, which reports keep. One that was ended for another device
-- names that.
CREATE TABLE leases (
    device     TEXT    NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    movie      INTEGER NOT NULL,
    account    INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    began      INTEGER NOT NULL,
    ends       INTEGER NOT NULL,
    reported   INTEGER NOT NULL,
    stopped_by TEXT,
    PRIMARY KEY (device, movie)
) WITHOUT ROWID;
CREATE INDEX leases_account ON leases (account, ends);
