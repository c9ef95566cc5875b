//! The browser's client of the controller: [`control_client`] decides what goes when (docs/protocol.md §2 to
//! §4), the driver carries it out with the DRM worker and `fetch`. Openings of films stand above it.

mod ask;
mod client;
mod driver;
mod http;
mod machine;

pub use ask::Ask;
pub use client::{Control, Licensed, Opened, Opening};
pub use machine::machine_name;

use std::rc::Rc;

use drm_api::DrmError;
use futures_util::future::LocalBoxFuture;
use nccp::ShownGrant;

use crate::problem::Problem;

/// Gives the grant to register by: the first, and each time that it is called again another, if there is one.
pub type Grants = Rc<dyn Fn() -> LocalBoxFuture<'static, Option<ShownGrant>>>;

/// Why a message was not answered as it should be. The device's own part is the DRM worker's.
pub type Error = control_client::Error<DrmError>;

impl From<&Error> for Problem {
    fn from(error: &Error) -> Self {
        match error {
            Error::Refused(error) => Self::from(error),
            Error::Device(error) => Self::from(error),
            _ => Self::network(),
        }
    }
}
