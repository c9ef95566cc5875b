-- Numbers of accounts that were removed: none is given again, for the audit log and grants name them.
CREATE TABLE removed_accounts (
    id BIGINT PRIMARY KEY
);
-- The same of movies: links and positions of the old one must not lead to another.
CREATE TABLE removed_movies (
    id BIGINT PRIMARY KEY
);
-- What goes with an account is found without reading all that there is.
CREATE INDEX log_account ON log (account);
CREATE INDEX codes_account ON codes (account);
CREATE INDEX shares_account ON shares (account);
CREATE INDEX shares_movie ON shares (movie);
