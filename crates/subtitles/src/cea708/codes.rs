//! How long commands are, and the letters beyond the first two sets (CTA-708-E, section 7.1).

/// Octets that belong to a code, behind it.
pub(super) fn parameters(code: u8, after: &[u8]) -> usize {
    match code {
        // A code of the second page, with what belongs to that.
        0x10 => match after.first().copied().unwrap_or(0) {
            0x08..=0x0f => 2,
            0x10..=0x17 => 3,
            0x18..=0x1f => 4,
            0x80..=0x87 => 5,
            0x88..=0x8f => 6,
            // As many as the next octet says.
            0x90..=0x9f => 2 + after.get(1).map_or(0, |length| usize::from(length & 0x3f)),
            _ => 1,
        },
        0x11..=0x17 | 0x88..=0x8d => 1,
        0x18..=0x1f | 0x90 | 0x92 => 2,
        0x91 => 3,
        0x97 => 4,
        0x98..=0x9f => 6,
        _ => 0,
    }
}

/// A letter of the second page, if it is one.
pub(super) fn extended(given: &[u8]) -> Option<char> {
    Some(match *given.first()? {
        0x20 => ' ',
        0x21 => '\u{a0}',
        0x25 => '…',
        0x2a => 'Š',
        0x2c => 'Œ',
        0x30 => '█',
        0x31 => '‘',
        0x32 => '’',
        0x33 => '“',
        0x34 => '”',
        0x35 => '•',
        0x39 => '™',
        0x3a => 'š',
        0x3c => 'œ',
        0x3d => '℠',
        0x3f => 'Ÿ',
        0x76 => '⅛',
        0x77 => '⅜',
        0x78 => '⅝',
        0x79 => '⅞',
        // Others of this set are shown as a line.
        code if (0x22..=0x7f).contains(&code) => '_',
        _ => return None,
    })
}
