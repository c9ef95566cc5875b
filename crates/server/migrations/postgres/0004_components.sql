-- The component that the device's certificate named: what a revocation names it by.
ALTER TABLE devices ADD COLUMN component BYTEA;
