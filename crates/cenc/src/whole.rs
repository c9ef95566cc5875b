use crate::{Direction, Error, Iv, Pattern, RangeTable, SampleProtection, SegmentCipher};

/// Decrypts a whole segment in place: AES-128-CBC over all of it with PKCS #7 padding (RFC 8216 §5.2,
/// `METHOD=AES-128`). The data then has the segment's length; what it has more is cut off.
///
/// The padding is checked, but it is no proof of anything: who changes the segment changes its text.
///
/// # Errors
/// [`Error::Padding`]; the data are then of no use.
pub fn decrypt_whole(cipher: &impl SegmentCipher, iv: [u8; 16], data: &mut Vec<u8>) -> Result<(), Error> {
    if !data.len().is_multiple_of(16) {
        return Err(Error::Padding);
    }
    let mut table = RangeTable::new(SampleProtection::Cbc(Pattern::WHOLE));
    table.push_sample(0, data.len(), Iv::from_bytes(iv), &[])?;
    cipher.apply(Direction::Decrypt, &table, data)?;
    let padding = data.last().map_or(0, |&last| usize::from(last));
    let length =
        data.len().checked_sub(padding).filter(|_| (1..=16).contains(&padding)).ok_or(Error::Padding)?;
    if data.get(length..).is_none_or(|tail| tail.iter().any(|&octet| usize::from(octet) != padding)) {
        return Err(Error::Padding);
    }
    data.truncate(length);
    Ok(())
}
