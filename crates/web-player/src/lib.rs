//! The browser's player, for any page: no framework, no page of the site.
//!
//! Data flows one way: page → [`control`] → manifest → [`fetcher`] (or [`stream`]) → DRM worker
//! ([`decryptor_proxy`]) → append queue ([`mse`]) → `<video>`. What to fetch and when is the `engine` crate's
//! business; [`player`] runs its commands. Content keys never reach this side of the worker.
//!
//! # Examples
//! What a page has to do for a film:
//!
//! ```no_run
//! use std::rc::Rc;
//!
//! use gloo::utils::document;
//! use nccp::MovieId;
//! use web_player::control::Control;
//! use web_player::player::{Player, PlayerEvent};
//! use web_sys::HtmlVideoElement;
//!
//! /// Plays until the answer is dropped.
//! fn play(control: Control, movie: MovieId, video: HtmlVideoElement) -> Player {
//!     let listener = Rc::new(|event| match event {
//!         PlayerEvent::Failed(problem) => document().set_title(&problem.title),
//!         PlayerEvent::WantsGesture => document().set_title("Press play"),
//!         _ => {}
//!     });
//!     // Without an element to draw captions in, the browser draws them.
//!     Player::start(control, movie, video, None, listener)
//! }
//! ```

pub mod api;
pub mod capability;
pub mod captions;
pub mod clock;
pub mod control;
pub mod decryptor_proxy;
pub mod device_store;
pub mod displays;
pub mod fetcher;
pub mod mse;
pub mod player;
pub mod problem;
pub mod stream;
pub mod words;
