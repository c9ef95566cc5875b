use crate::derive::of_representation;
use crate::{
    AesCipher, Cek, ContentId, Direction, Error, Iv, IvKey, Pattern, RangeTable, SampleProtection,
    SegmentCipher,
};

/// Octets of a segment of `clear` octets that is encrypted whole: PKCS #7 always adds some.
pub const fn whole_len(clear: u64) -> u64 {
    (clear / 16 + 1).saturating_mul(16)
}

/// Encrypts a whole segment, one part after the other: AES-128-CBC over all of it with PKCS #7 padding (RFC
/// 8216 §5.2, `METHOD=AES-128`).
#[derive(Debug, Clone)]
pub struct WholeEncryption {
    /// What goes into the next block: the IV, then the last block that was made.
    chain: [u8; 16],
}

impl WholeEncryption {
    /// At a segment's beginning.
    pub const fn new(iv: [u8; 16]) -> Self {
        Self { chain: iv }
    }

    /// Encrypts the next part in place.
    ///
    /// # Errors
    /// [`Error::Padding`] for a part that is not whole blocks; the last one may be anything.
    pub fn part(&mut self, cipher: &impl SegmentCipher, data: &mut [u8]) -> Result<(), Error> {
        if !data.len().is_multiple_of(16) {
            return Err(Error::Padding);
        }
        apply(cipher, Direction::Encrypt, self.chain, data)?;
        if let Some(last) = data.last_chunk() {
            self.chain = *last;
        }
        Ok(())
    }

    /// Encrypts the last part, and what fills its last block.
    ///
    /// # Errors
    /// None: whatever has been padded is whole blocks.
    pub fn last(mut self, cipher: &impl SegmentCipher, data: &mut Vec<u8>) -> Result<(), Error> {
        // 1 to 16.
        let padding = 16 - data.len() % 16;
        data.resize(data.len() + padding, padding as u8);
        self.part(cipher, data)
    }
}

fn apply(
    cipher: &impl SegmentCipher,
    direction: Direction,
    iv: [u8; 16],
    data: &mut [u8],
) -> Result<(), Error> {
    let mut table = RangeTable::new(SampleProtection::Cbc(Pattern::WHOLE));
    table.push_sample(0, data.len(), Iv::from_bytes(iv), &[])?;
    cipher.apply(direction, &table, data)
}

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
    apply(cipher, Direction::Decrypt, iv, data)?;
    let padding = data.last().map_or(0, |&last| usize::from(last));
    let length =
        data.len().checked_sub(padding).filter(|_| (1..=16).contains(&padding)).ok_or(Error::Padding)?;
    if data.get(length..).is_none_or(|tail| tail.iter().any(|&octet| usize::from(octet) != padding)) {
        return Err(Error::Padding);
    }
    data.truncate(length);
    Ok(())
}

/// The IVs of a representation's segments that are encrypted whole: AES-128 of the segment's number
/// (big-endian), under a key of the representation's own. Segments of one representation never share an IV,
/// since AES is a permutation; those of two do by chance of 2^-128, or where nothing but the key differs.
#[derive(Debug)]
pub struct WholeIvs(AesCipher);

impl WholeIvs {
    /// The key of the IVs: HKDF-SHA256, salt `matinee/whole-iv/1`, info as that of
    /// [`base_iv`](crate::base_iv).
    ///
    /// # Errors
    /// [`Error::NameLength`] if a name has more than 65,535 bytes.
    pub fn new(
        key: IvKey<'_>,
        content: &ContentId,
        representation_id: &str,
        pack_id: &str,
    ) -> Result<Self, Error> {
        let key = of_representation(key, "matinee/whole-iv/1", content, representation_id, pack_id)?;
        Ok(Self(AesCipher::new(&Cek::new(*key))))
    }

    /// The IV of a segment, from 0.
    pub fn of_segment(&self, number: u64) -> [u8; 16] {
        let mut block = u128::from(number).to_be_bytes();
        // One block of CBC with a zero IV is the cipher itself; one whole block always fits its own table.
        let done = apply(&self.0, Direction::Encrypt, [0; 16], &mut block);
        debug_assert!(done.is_ok());
        block
    }
}
