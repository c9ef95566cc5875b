-- What accounts think of movies: whether they like them. One of each account for each movie.
CREATE TABLE votes (
    account BIGINT  NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    movie   BIGINT  NOT NULL REFERENCES movies (id) ON DELETE CASCADE,
    liked   BOOLEAN NOT NULL,
    at      BIGINT  NOT NULL,
    PRIMARY KEY (account, movie)
);
-- They are counted by movie.
CREATE INDEX votes_movie ON votes (movie, liked);
