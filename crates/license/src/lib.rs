//! Device certificates, challenges, licenses, policies and DRM metadata as COSE. No I/O.
