//! The rules of ISO/IEC 23001-7 §9 for samples and subsamples, against a slow model that follows the text one
//! block at a time.

use cenc::{
    AesCipher, Cek, Direction, Error, Iv, Pattern, RangeTable, SampleProtection, SegmentCipher, Subsample,
};
use cipher::{BlockCipherEncrypt, KeyInit};
use proptest::prelude::*;

const KEY: [u8; 16] = *b"0123456789abcdef";

fn block(input: [u8; 16]) -> [u8; 16] {
    let mut block = input.into();
    aes::Aes128::new(&KEY.into()).encrypt_block(&mut block);
    block.into()
}

/// Encrypts one sample as the standard words it.
fn model(protection: SampleProtection, iv: Iv, subsamples: &[Subsample], sample: &mut [u8]) {
    let whole = [Subsample { clear: 0, protected: sample.len() as u32 }];
    let subsamples = if subsamples.is_empty() { &whole } else { subsamples };
    let (mut at, mut stream) = (0usize, 0u64);
    for s in subsamples {
        at += usize::from(s.clear);
        let end = at + s.protected as usize;
        match protection {
            SampleProtection::Ctr => {
                for byte in &mut sample[at..end] {
                    let mut counter = iv.block();
                    counter[8..].copy_from_slice(&iv.lower().wrapping_add(stream / 16).to_be_bytes());
                    *byte ^= block(counter)[(stream % 16) as usize];
                    stream += 1;
                }
            }
            SampleProtection::Cbc(pattern) => {
                let mut chain = iv.block();
                let round = usize::from(pattern.crypt + pattern.skip);
                for (index, chunk) in sample[at..end].chunks_exact_mut(16).enumerate() {
                    if index % round < usize::from(pattern.crypt) {
                        let mixed: Vec<u8> = chunk.iter().zip(chain).map(|(a, b)| a ^ b).collect();
                        chain = block(mixed.try_into().unwrap());
                        chunk.copy_from_slice(&chain);
                    }
                }
            }
        }
        at = end;
    }
}

fn protections() -> impl Strategy<Value = SampleProtection> {
    prop_oneof![
        Just(SampleProtection::Ctr),
        Just(SampleProtection::Cbc(Pattern::VIDEO)),
        Just(SampleProtection::Cbc(Pattern::WHOLE)),
        (1u8..4, 0u8..10).prop_map(|(crypt, skip)| SampleProtection::Cbc(Pattern { crypt, skip })),
    ]
}

fn ivs() -> impl Strategy<Value = Iv> {
    prop_oneof![
        any::<u64>().prop_map(Iv::from_u64),
        any::<[u8; 16]>().prop_map(Iv::from_bytes),
        // The counter wraps within the sample.
        (any::<u64>(), 0u64..6).prop_map(|(upper, back)| {
            Iv::from_bytes((u128::from(upper) << 64 | u128::from(u64::MAX - back)).to_be_bytes())
        }),
    ]
}

type Samples = Vec<(Iv, Vec<Subsample>, u16)>;

fn samples() -> impl Strategy<Value = Samples> {
    let subsample = (0u16..40, 0u32..700).prop_map(|(clear, protected)| Subsample { clear, protected });
    proptest::collection::vec((ivs(), proptest::collection::vec(subsample, 0..5), 0u16..2500), 0..5)
}

proptest! {
    /// A whole segment in one call equals the model sample by sample, and decrypts to what it was.
    #[test]
    fn segment_equals_model_and_round_trips(protection in protections(), samples in samples(), gap in 0usize..9) {
        let mut table = RangeTable::new(protection);
        let (mut clear, mut expected) = (Vec::new(), Vec::new());
        for (iv, subsamples, bare) in &samples {
            let sum: usize = subsamples.iter().map(|s| usize::from(s.clear) + s.protected as usize).sum();
            let size = if subsamples.is_empty() { usize::from(*bare) } else { sum };
            let offset = clear.len() + gap;
            clear.extend((0..gap + size).map(|i| (i * 7 + size) as u8));
            expected.extend_from_slice(&clear[expected.len()..]);
            model(protection, *iv, subsamples, &mut expected[offset..]);
            table.push_sample(offset, size, *iv, subsamples).unwrap();
        }
        let cipher = AesCipher::new(&Cek::new(KEY));
        let mut data = clear.clone();
        cipher.apply(Direction::Encrypt, &table, &mut data).unwrap();
        prop_assert!(data == expected);
        cipher.apply(Direction::Decrypt, &table, &mut data).unwrap();
        prop_assert!(data == clear);
    }

    /// No table, however wrong, makes the cipher panic or touch data it should refuse.
    #[test]
    fn wild_offsets_are_refused(protection in protections(), iv in ivs(), offset: usize, size: u16, len in 0usize..64) {
        let mut table = RangeTable::new(protection);
        if table.push_sample(offset, usize::from(size), iv, &[]).is_ok() {
            let mut data = vec![5; len];
            let result = AesCipher::new(&Cek::new(KEY)).apply(Direction::Decrypt, &table, &mut data);
            let fits = size == 0 || offset.checked_add(usize::from(size)).is_some_and(|end| end <= len);
            prop_assert_eq!(result.is_ok(), fits);
            prop_assert!(fits || data == vec![5; len]);
        }
    }
}

#[test]
fn subsamples_must_cover_the_sample() {
    let mut table = RangeTable::new(SampleProtection::Ctr);
    let half = [Subsample { clear: 5, protected: 16 }];
    let refused = Err(Error::SubsampleSum { covered: 21, size: 22 });
    assert_eq!(table.push_sample(0, 22, Iv::from_u64(1), &half), refused);
    assert!(table.ranges().is_empty());
    let clear_only = [Subsample { clear: 22, protected: 0 }];
    table.push_sample(0, 22, Iv::from_u64(1), &clear_only).unwrap();
    assert!(table.ranges().is_empty());
}
