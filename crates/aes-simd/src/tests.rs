//! The kernel, natively on four words for each vector, against the `aes` crate.

extern crate std;
use super::*;
use proptest::prelude::*;
use std::vec::Vec;

proptest! {
    #[test]
    fn ecb(key: [u8; 32], long: bool, blocks in proptest::collection::vec(any::<[u8; 16]>(), 0..70)) {
        let key = if long { &key[..] } else { &key[..16] };
        let (ours, theirs) = (bitslice::Key::new(key), portable::Key::new(key));
        let (mut a, mut b) = (blocks.clone(), blocks);
        ours.encrypt_blocks(&mut a);
        theirs.encrypt_blocks(&mut b);
        prop_assert_eq!(&a, &b);
        ours.decrypt_blocks(&mut a);
        theirs.decrypt_blocks(&mut b);
        prop_assert_eq!(&a, &b);
    }

    #[test]
    fn modes(key: [u8; 32], long: bool, seed: u8, crypt in 0u8..3, skip in 0u8..10, wide: bool,
        spans in proptest::collection::vec((0usize..40, prop_oneof![0usize..600, 0usize..9000], any::<[u8; 16]>(), 0u8..16, 0u8..3), 0..24)) {
        let key = if long { &key[..] } else { &key[..16] };
        let (ours, theirs) = (bitslice::Key::new(key), portable::Key::new(key));
        let mut at = 0;
        let mut table = Vec::new();
        for (gap, len, mut iv, skip, near) in spans {
            if near > 0 { iv[8..15].fill(0xff); }
            if near > 1 { iv[..8].fill(0xff); }
            at += gap;
            table.push(Span { offset: at, len, iv, skip });
            at += len;
        }
        let data: Vec<u8> = (0..at).map(|i| (i as u8).wrapping_mul(seed)).collect();
        let width = if wide { CounterWidth::Bits128 } else { CounterWidth::Bits64 };
        let (mut a, mut b) = (data.clone(), data);
        ours.ctr(width, &table, &mut a);
        theirs.ctr(width, &table, &mut b);
        prop_assert!(a == b);
        let pattern = Pattern { crypt, skip };
        ours.cbc_decrypt(pattern, &table, &mut a);
        theirs.cbc_decrypt(pattern, &table, &mut b);
        prop_assert!(a == b);
        ours.cbc_encrypt(pattern, &table, &mut a);
        theirs.cbc_encrypt(pattern, &table, &mut b);
        prop_assert!(a == b);
    }
}
