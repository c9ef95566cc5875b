//! Which representation to fetch: adaptation to the network, the screen, the decoder and the license.
//!
//! * [`estimator`]: how fast the network is
//! * [`rules`]: throughput, buffer (BOLA) and both together (DYNAMIC); when to abandon a download
//! * [`caps`]: what the screen, the policy and the decoder do not want
//! * [`start`]: the first choice, before anything is measured

pub mod caps;
pub mod estimator;
pub mod rules;
pub mod start;

pub use estimator::Estimator;
pub use rules::Algorithm;
pub use start::{StartConditions, start_choice};
