//! Messages between the page and the DRM worker. No I/O.
