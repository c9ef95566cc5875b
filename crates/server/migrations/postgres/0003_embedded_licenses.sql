-- Where a movie's licenses come from; when the movie was last changed.
ALTER TABLE movies ADD COLUMN license TEXT NOT NULL DEFAULT 'server';
ALTER TABLE movies ADD COLUMN changed BIGINT NOT NULL DEFAULT 0;

-- Modulus of the device's RSA key, for which the keys of its domains are sealed.
ALTER TABLE devices ADD COLUMN rsa_modulus BYTEA;
