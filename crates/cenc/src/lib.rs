//! Content keys and common encryption (ISO/IEC 23001-7) of samples, both directions. No I/O.
