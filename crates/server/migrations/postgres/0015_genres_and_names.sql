-- What kinds of film a movie is, as a JSON list of words.
ALTER TABLE movies ADD COLUMN genres TEXT NOT NULL DEFAULT '[]';
-- Which episode of a series it is, where it is one.
ALTER TABLE movies ADD COLUMN series TEXT;
ALTER TABLE movies ADD COLUMN season BIGINT;
ALTER TABLE movies ADD COLUMN episode BIGINT;
-- What the subscriber calls a device; empty: what it called itself when it registered.
ALTER TABLE devices ADD COLUMN given_name TEXT NOT NULL DEFAULT '';
-- What was last watched on a device.
CREATE INDEX log_device ON log (device, at);
