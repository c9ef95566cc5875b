-- What accounts think of movies: whether they like them. One of each account for each movie.
CREATE TABLE votes (
    account INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    movie   INTEGER NOT NULL REFERENCES movies (id) ON DELETE CASCADE,
    liked   INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    PRIMARY KEY (account, movie)
) WITHOUT ROWID;
-- They are counted by movie.
CREATE INDEX votes_movie ON votes (movie, liked);
