-- Without the end: each report and each license moves it, and the index had to follow. An account has few.
CREATE INDEX leases_of_account ON leases (account);
DROP INDEX leases_account;
