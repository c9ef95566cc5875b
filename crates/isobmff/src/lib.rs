//! The ISO base media file format boxes that Matinee reads and writes. No I/O.
