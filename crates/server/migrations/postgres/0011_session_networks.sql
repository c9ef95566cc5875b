-- From which network somebody signed in, as far as it may be written down; empty: it is not known.
ALTER TABLE sessions ADD COLUMN network TEXT NOT NULL DEFAULT '';
