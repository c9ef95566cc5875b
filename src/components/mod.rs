//! Parts of pages.

mod controls;
mod error_view;
mod film_card;
mod frame;
pub mod icons;
mod media_state;

pub use controls::Controls;
pub use error_view::ErrorView;
pub use film_card::FilmCard;
pub use frame::{Frame, Wordmark};
pub use media_state::{MediaState, use_media_state};
