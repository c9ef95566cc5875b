//! Octets to text, text to lines and blocks.

use crate::{Error, MAX_OCTETS};

/// UTF-8 with or without a mark, or UTF-16 with one. NUL becomes U+FFFD, as WebVTT says.
pub(crate) fn decode(file: &[u8]) -> Result<String, Error> {
    if file.len() > MAX_OCTETS {
        return Err(Error::TooLarge);
    }
    let utf16 = |octets: &[u8], unit: fn([u8; 2]) -> u16| {
        let (pairs, rest) = octets.as_chunks::<2>();
        let units: Vec<u16> = pairs.iter().map(|pair| unit(*pair)).collect();
        String::from_utf16(&units).ok().filter(|_| rest.is_empty()).ok_or(Error::Encoding)
    };
    let text = match file {
        [0xef, 0xbb, 0xbf, rest @ ..] => std::str::from_utf8(rest).map_err(|_| Error::Encoding)?.to_owned(),
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes)?,
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes)?,
        _ => std::str::from_utf8(file).map_err(|_| Error::Encoding)?.to_owned(),
    };
    Ok(text.replace('\0', "\u{fffd}"))
}

/// A line and its number from 1. Lines end with CR, LF or both.
pub(crate) type Line<'a> = (usize, &'a str);

/// The blocks of a file: lines that follow each other without an empty one.
pub(crate) fn blocks(text: &str) -> Vec<Vec<Line<'_>>> {
    let mut blocks = vec![Vec::new()];
    let mut rest = text;
    for number in 1.. {
        let end = rest.find(['\r', '\n']).unwrap_or(rest.len());
        let (line, after) = rest.split_at(end);
        match line.trim().is_empty() {
            true => blocks.push(Vec::new()),
            false => {
                if let Some(block) = blocks.last_mut() {
                    block.push((number, line));
                }
            }
        }
        match after.strip_prefix("\r\n").or_else(|| after.get(1..)) {
            Some(next) => rest = next,
            None => break,
        }
    }
    blocks.retain(|block| !block.is_empty());
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_all_systems() {
        let expected = vec![vec![(1, "a"), (2, "b")], vec![(4, "c")]];
        for text in ["a\nb\n\nc\n", "a\r\nb\r\n\r\nc", "a\rb\r\rc\r"] {
            assert_eq!(blocks(text), expected, "{text:?}");
        }
        assert!(blocks("").is_empty());
    }

    #[test]
    fn marks_say_the_encoding() {
        assert_eq!(decode(b"\xef\xbb\xbfa"), Ok("a".to_owned()));
        assert_eq!(decode(b"\xff\xfea\0"), Ok("a".to_owned()));
        assert_eq!(decode(b"\xfe\xff\0a"), Ok("a".to_owned()));
        assert_eq!(decode(b"\xfe\xff\0"), Err(Error::Encoding));
        assert_eq!(decode(b"a\0b"), Ok("a\u{fffd}b".to_owned()));
    }
}
