-- Without the end: each report and each license moves it, and the index had to follow. An account has few.
DROP INDEX leases_account;
CREATE INDEX leases_of_account ON leases (account);
