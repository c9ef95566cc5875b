//! Parts of pages.

mod controls;
mod device_list;
mod early_opening;
mod error_view;
mod event_waiting;
mod film_card;
mod frame;
pub mod icons;
mod idle;
mod key_help;
pub mod live;
mod media_state;
pub mod menu;
mod password_form;
mod queue_button;
mod rail;
pub mod remote;
mod seek_bar;
mod session_list;
pub mod settings;

pub use controls::Controls;
pub use device_list::DeviceList;
pub use early_opening::{EarlyOpening, use_early_opening};
pub use error_view::ErrorView;
pub use event_waiting::EventWaiting;
pub use film_card::FilmCard;
pub use frame::{Frame, Wordmark};
pub use idle::{Idle, use_idle};
pub use key_help::KeyHelp;
pub use live::{LiveRail, LiveStand};
pub use media_state::{MediaState, use_media_state};
pub use password_form::{PasswordForm, PasswordFormProps};
pub use queue_button::QueueButton;
pub use seek_bar::SeekBar;
pub use session_list::SessionList;
