-- In which countries a device first registered and was last heard from, by region data; never its address. Empty: it
-- is not known.
ALTER TABLE devices ADD COLUMN registered_in TEXT NOT NULL DEFAULT '';
ALTER TABLE devices ADD COLUMN used_in TEXT NOT NULL DEFAULT '';
