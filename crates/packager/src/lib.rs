//! Matinee's packager: MP4 in, encrypted CMAF on-demand files out.
