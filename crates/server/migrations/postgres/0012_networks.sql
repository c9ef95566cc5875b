-- The networks that a device was heard from within the hour: a bounded list of network and time.
ALTER TABLE devices ADD COLUMN networks BYTEA NOT NULL DEFAULT '';
