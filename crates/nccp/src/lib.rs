//! Matinee's control protocol: envelope, messages, manifest, error table. No I/O.
