//! NIST vectors: SP 800-38A F.2.1/F.2.2 (CBC-AES128) and F.5.1/F.5.2 (CTR-AES128), FIPS 197 C.1, and AESAVS
//! (CBC and CTR reach the block cipher through modes only, so single blocks go through CBC with a zero IV).

use cenc::{AesCipher, Cek, Direction, Iv, Pattern, RangeTable, SampleProtection, SegmentCipher};

fn bytes(hex_text: &str) -> Vec<u8> {
    hex::decode(hex_text.replace([' ', '\n'], "")).unwrap()
}

fn apply(protection: SampleProtection, direction: Direction, key: &str, iv: &str, data: &[u8]) -> Vec<u8> {
    let mut out = data.to_vec();
    let mut table = RangeTable::new(protection);
    table.push_sample(0, out.len(), Iv::from_slice(&bytes(iv)).unwrap(), &[]).unwrap();
    AesCipher::new(&key.parse::<Cek>().unwrap()).apply(direction, &table, &mut out).unwrap();
    out
}

fn both_ways(protection: SampleProtection, key: &str, iv: &str, clear: &str, protected: &str) {
    let (clear, protected) = (bytes(clear), bytes(protected));
    assert_eq!(apply(protection, Direction::Encrypt, key, iv, &clear), protected);
    assert_eq!(apply(protection, Direction::Decrypt, key, iv, &protected), clear);
}

const KEY: &str = "2b7e151628aed2a6abf7158809cf4f3c";
const CLEAR: &str = "6bc1bee22e409f96e93d7e117393172a ae2d8a571e03ac9c9eb76fac45af8e51
                     30c81c46a35ce411e5fbc1191a0a52ef f69f2445df4f9b17ad2b417be66c3710";
const CBC: SampleProtection = SampleProtection::Cbc(Pattern::WHOLE);

#[test]
fn sp800_38a_f2_cbc_aes128() {
    let protected = "7649abac8119b246cee98e9b12e9197d 5086cb9b507219ee95db113a917678b2
                     73bed6b8e3c1743b7116e69e22229516 3ff1caa1681fac09120eca307586e1a7";
    both_ways(CBC, KEY, "000102030405060708090a0b0c0d0e0f", CLEAR, protected);
}

#[test]
fn sp800_38a_f5_ctr_aes128() {
    let protected = "874d6191b620e3261bef6864990db6ce 9806f66b7970fdff8617187bb9fffdff
                     5ae4df3edbd5d35e5b4f09020db03eab 1e031dda2fbe03d1792170a0f3009cee";
    both_ways(SampleProtection::Ctr, KEY, "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff", CLEAR, protected);
}

#[test]
fn fips_197_and_aesavs_single_blocks() {
    let zero = "00000000000000000000000000000000";
    let rows = [
        // FIPS 197 C.1.
        (
            "000102030405060708090a0b0c0d0e0f",
            "00112233445566778899aabbccddeeff",
            "69c4e0d86a7b0430d8cdb78070b4c55a",
        ),
        // AESAVS B.1 (GFSbox), C.1 (KeySbox), D.1 (VarTxt), E.1 (VarKey).
        (zero, "f34481ec3cc627bacd5dc3fb08f273e6", "0336763e966d92595a567cc9ce537f5e"),
        (zero, "9798c4640bad75c7c3227db910174e72", "a9a1631bf4996954ebc093957b234589"),
        ("10a58869d74be5a374cf867cfb473859", zero, "6d251e6944b051e04eaa6fb4dbf78465"),
        ("caea65cdbb75e9169ecd22ebe6e54675", zero, "6e29201190152df4ee058139def610bb"),
        (zero, "80000000000000000000000000000000", "3ad78e726c1ec02b7ebfe92b23d9ec34"),
        ("80000000000000000000000000000000", zero, "0edd33d3c621e546455bd8ba1418bec8"),
    ];
    for (key, clear, protected) in rows {
        both_ways(CBC, key, zero, clear, protected);
    }
}
