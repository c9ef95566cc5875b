//! End to end, in Chromium, against the real `matinee` with the real demo film.

mod buffers;
mod cdns;
mod damage;
mod network;
mod playback;
mod refusals;
mod seeking;
mod sessions;
mod soak;
mod startup;
mod switching;
mod sync;
mod watch_page;
