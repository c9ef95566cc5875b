//! The protocol as both sides meet it.
#![allow(clippy::unwrap_used)]

mod json;
mod round_trip;
mod values;
mod well_formed;
mod wire;

use nccp::MovieId;

/// The head of a request that holds whatever stands behind it.
const HEAD: &str = r#"<nccp:request xmlns:nccp="urn:matinee:nccp:1" device="d-5f0c" sequence="17" time="1790000000" client="t/1">"#;

fn movie(n: u64) -> MovieId {
    MovieId::try_from(n).unwrap()
}
