//! `av1C` ("AV1 Codec ISO Media File Format Binding" §2.3).

use super::obu::{Obus, SEQUENCE_HEADER};
use super::sequence::Sequence;

/// The sequence header in `av1C`'s payload, if it has one.
pub(super) fn sequence(av1c: &[u8]) -> Result<Option<Sequence>, &'static str> {
    if av1c.len() < 4 || av1c[0] != 0x81 {
        return Err("av1C: an unknown version");
    }
    for obu in Obus(&av1c[4..]) {
        let obu = obu?;
        if obu.kind == SEQUENCE_HEADER {
            return Sequence::parse(obu.payload).map(Some);
        }
    }
    Ok(None)
}

/// `codecs` of a track with this `av1C` (§5): all fields where one of the optional ones is not the default.
pub(crate) fn codec_string(av1c: &[u8]) -> Result<String, String> {
    let [_, profile_level, fields, ..] = *av1c else { return Err("av1C: it is cut off".to_owned()) };
    let (profile, level) = (profile_level >> 5, profile_level & 0x1f);
    let tier = if fields & 0x80 == 0 { 'M' } else { 'H' };
    let depth = match (fields & 0x40 != 0, fields & 0x20 != 0) {
        (true, true) => 12,
        (true, false) => 10,
        _ => 8,
    };
    let short = format!("av01.{profile}.{level:02}{tier}.{depth:02}");
    // A configuration without a sequence header leaves the colours open.
    let (colour, full) = match sequence(av1c)? {
        Some(sequence) => (sequence.colour, sequence.full_range),
        None => ([1; 3], false),
    };
    // What is not specified is BT.709, as where nothing is said.
    let [primaries, transfer, matrix] = colour.map(|value| if value == 2 { 1 } else { value });
    let (monochrome, x, y) = (fields >> 4 & 1, fields >> 3 & 1, fields >> 2 & 1);
    let position = if (x, y) == (1, 1) { fields & 3 } else { 0 };
    if (monochrome, x, y, [primaries, transfer, matrix], full) == (0, 1, 1, [1; 3], false) {
        return Ok(short);
    }
    let full = u8::from(full);
    Ok(format!("{short}.{monochrome}.{x}{y}{position}.{primaries:02}.{transfer:02}.{matrix:02}.{full}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codec_strings() {
        assert_eq!(codec_string(&[0x81, 0x04, 0x0c, 0]).as_deref(), Ok("av01.0.04M.08"));
        assert_eq!(codec_string(&[0x81, 0x28, 0xc0, 0]).as_deref(), Ok("av01.1.08H.10.0.000.01.01.01.0"));
        assert!(codec_string(&[0x81, 0x04]).is_err() && codec_string(&[1, 4, 0x0c, 0]).is_err());
    }
}
