//! Matinee's DRM module: keys, licenses and fragment decryption, in a worker as wasm.
