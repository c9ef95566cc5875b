//! End to end, in Chromium (and Firefox, where it is installed with geckodriver), against the real `matinee` with the real demo film.

mod buffers;
mod cdns;
mod damage;
mod firefox;
mod network;
mod playback;
mod refusals;
mod security;
mod seeking;
mod sessions;
mod soak;
mod startup;
mod switching;
mod sync;
mod watch_page;
