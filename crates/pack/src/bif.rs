//! BIF, the file of thumbnails that Roku describes ("Trick mode", BIF file specification): magic number,
//! version 0, number of pictures, unit of times in milliseconds, 44 octets of nothing; then for each picture
//! its time and its offset in the file, both 32 bits little-endian; an entry of time 0xffffffff with the
//! file's end; the pictures, JPEG.

/// The first octets of a BIF file.
pub const MAGIC: [u8; 8] = [0x89, 0x42, 0x49, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];

/// Octets in front of the index.
const HEAD: usize = 64;

/// Octets of an entry of the index.
const ENTRY: usize = 8;

/// A picture in a BIF file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Picture<'a> {
    /// Milliseconds from the film's beginning.
    pub time: u64,
    /// The JPEG.
    pub jpeg: &'a [u8],
}

/// Why a BIF file cannot be read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("thumbnails: {0}")]
pub struct BifError(&'static str);

/// Writes pictures that lie `interval` milliseconds apart; times are in milliseconds.
///
/// # Errors
/// [`BifError`] for more pictures or octets than 32 bits can count.
pub fn write<J: AsRef<[u8]>>(interval: u32, pictures: &[J]) -> Result<Vec<u8>, BifError> {
    let too_much = BifError("more than a BIF file can hold");
    let count = u32::try_from(pictures.len()).map_err(|_| too_much.clone())?;
    let mut out = MAGIC.to_vec();
    for number in [0, count, 1] {
        out.extend(u32::to_le_bytes(number));
    }
    out.resize(HEAD, 0);
    let mut offset = HEAD + ENTRY * (pictures.len() + 1);
    let mut entry = |time: u32, offset: usize| {
        let offset = u32::try_from(offset).map_err(|_| too_much.clone())?;
        out.extend(time.to_le_bytes());
        out.extend(offset.to_le_bytes());
        Ok(())
    };
    for (number, picture) in (0u32..).zip(pictures) {
        let time = number.checked_mul(interval).filter(|time| *time != u32::MAX);
        entry(time.ok_or(too_much.clone())?, offset)?;
        offset += picture.as_ref().len();
    }
    entry(u32::MAX, offset)?;
    pictures.iter().for_each(|picture| out.extend(picture.as_ref()));
    Ok(out)
}

/// Reads a BIF file.
///
/// # Errors
/// [`BifError`] where it is none, is cut off, or its index contradicts itself.
pub fn read(file: &[u8]) -> Result<Vec<Picture<'_>>, BifError> {
    let word = |at: usize| {
        let octets = at.checked_add(4).and_then(|end| file.get(at..end)?.try_into().ok());
        octets.map(u32::from_le_bytes).ok_or(BifError("the file is cut off"))
    };
    if !file.starts_with(&MAGIC) {
        return Err(BifError("no BIF file"));
    }
    if word(8)? != 0 {
        return Err(BifError("a BIF file of another version"));
    }
    // 0 stands for a second.
    let (count, unit) = (word(12)? as usize, if word(16)? == 0 { 1000 } else { word(16)? });
    if (file.len().saturating_sub(HEAD) / ENTRY) <= count {
        return Err(BifError("the file is cut off"));
    }
    let entry = |number: usize| Ok((word(HEAD + ENTRY * number)?, word(HEAD + ENTRY * number + 4)? as usize));
    if entry(count)?.0 != u32::MAX {
        return Err(BifError("the index has no end"));
    }
    let mut pictures = Vec::with_capacity(count);
    for number in 0..count {
        let ((time, from), (next, to)) = (entry(number)?, entry(number + 1)?);
        if next <= time {
            return Err(BifError("pictures that are not in the order of time"));
        }
        let jpeg = file.get(from..to).filter(|_| from >= HEAD + ENTRY * (count + 1));
        let jpeg = jpeg.ok_or(BifError("a picture that does not lie in the file"))?;
        pictures.push(Picture { time: u64::from(time) * u64::from(unit), jpeg });
    }
    Ok(pictures)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The magic number and the index, octet by octet.
    #[test]
    fn the_octets_of_a_bif_file() {
        let file = write(10_000, &[&b"one"[..], b"three"]).unwrap();
        let expected = "894249460d0a1a0a 00000000 02000000 01000000".replace(' ', "")
            + &"00".repeat(44)
            + &"00000000 58000000 10270000 5b000000 ffffffff 60000000".replace(' ', "");
        assert_eq!(hex::encode(&file[..88]), expected);
        assert_eq!(&file[88..], b"onethree");
        assert_eq!(
            read(&file).unwrap(),
            [Picture { time: 0, jpeg: b"one" }, Picture { time: 10_000, jpeg: b"three" }]
        );
        assert!(write(u32::MAX, &[[0], [0], [0]]).is_err());
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        let good = write(1000, &[b"a", b"b"]).unwrap();
        for (at, octet, what) in [
            (0, 0, "no BIF"),
            (8, 1, "version"),
            (12, 1, "no end"),
            (12, 99, "cut off"),
            (64, 0xff, "order"),
            (68, 1, "lie in"),
            (84, 0xff, "lie in"),
        ] {
            let mut bad = good.clone();
            bad[at] = octet;
            if at == 64 {
                bad[65] = 0xff;
            }
            let error = read(&bad).unwrap_err().to_string();
            assert!(error.contains(what), "{at}: {error}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(interval in 1u32..100_000, pictures: Vec<Vec<u8>>) {
            let file = write(interval, &pictures).unwrap();
            let read = read(&file).unwrap();
            prop_assert!(read.iter().map(|picture| picture.jpeg).eq(pictures.iter().map(|p| &p[..])));
            prop_assert!(read.iter().zip(0u64..).all(|(p, n)| p.time == n * u64::from(interval)));
        }

        #[test]
        fn any_octets_are_read_or_refused(rest: Vec<u8>) {
            let _ = read(&rest);
            let _ = read(&[&MAGIC[..], &[0; 4], &rest[..]].concat());
        }
    }
}
