-- Numbers of accounts that were removed: none is given again, for the audit log and grants name them.
CREATE TABLE removed_accounts (
    id INTEGER PRIMARY KEY
);
