//! End to end, in Chromium, against the real `matinee` with the real demo film.

mod cdns;
mod network;
mod playback;
mod refusals;
mod sessions;
