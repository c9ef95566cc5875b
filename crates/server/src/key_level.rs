//! Key levels as the numbers that rows and tickets hold; they are those of the DRM objects (docs/protocol.md,
//! section 6).

use license::KeyLevel;

/// The number of a level.
pub(crate) fn to_number(level: KeyLevel) -> u8 {
    match level {
        KeyLevel::Software => 1,
        KeyLevel::Webcrypto => 2,
        KeyLevel::Box => 3,
    }
}

/// The level of a number.
pub(crate) fn from_number(number: u8) -> Option<KeyLevel> {
    Some(match number {
        1 => KeyLevel::Software,
        2 => KeyLevel::Webcrypto,
        3 => KeyLevel::Box,
        _ => return None,
    })
}
