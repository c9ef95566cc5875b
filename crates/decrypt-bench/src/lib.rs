//! What `cargo xtask bench decrypt` measures, as a wasm module: Matinee's AES beside the `aes` crate's, both
//! over one buffer in the module's memory, built with the same compiler flags.
#![cfg(target_arch = "wasm32")]

use aes_simd::{CounterWidth, Pattern, Span, portable};
use wasm_bindgen::prelude::wasm_bindgen;

/// A buffer, the protected ranges in it, and a key.
#[wasm_bindgen]
pub struct Bench {
    data: Vec<u8>,
    spans: Vec<Span>,
    ours: aes_simd::Aes128,
    theirs: portable::Aes128,
}

#[wasm_bindgen]
impl Bench {
    /// A buffer of `len` bytes, and a key of 16 bytes (filled up or cut if it is not).
    #[wasm_bindgen(constructor)]
    pub fn new(len: usize, key: &[u8]) -> Self {
        let mut bytes = [0; 16];
        bytes.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
        Self {
            data: vec![0; len],
            spans: Vec::new(),
            ours: aes_simd::Aes128::new(&bytes),
            theirs: portable::Aes128::new(&bytes),
        }
    }

    /// Where the buffer begins in the module's memory.
    pub fn address(&self) -> usize {
        self.data.as_ptr().addr()
    }

    /// Takes protected ranges: of each the offset, the length, the key stream bytes used up; IVs of 16 bytes.
    pub fn set_spans(&mut self, numbers: &[u32], ivs: &[u8]) {
        let spans = numbers.as_chunks::<3>().0.iter().zip(ivs.as_chunks::<16>().0);
        let span = |(&[offset, len, skip], iv): (&[u32; 3], &[u8; 16])| Span {
            offset: offset as usize,
            len: len as usize,
            iv: *iv,
            skip: skip as u8,
        };
        self.spans = spans.map(span).collect();
    }

    /// Counter mode over the spans.
    ///
    /// # Panics
    /// If a span reaches past the buffer, as all of these.
    pub fn ours_ctr(&mut self) {
        self.ours.ctr(CounterWidth::Bits64, &self.spans, &mut self.data).expect("spans in the buffer");
    }

    /// The same by the `aes` and `ctr` crates.
    pub fn theirs_ctr(&mut self) {
        self.theirs.ctr(CounterWidth::Bits64, &self.spans, &mut self.data).expect("spans in the buffer");
    }

    /// CBC decryption of the pattern's blocks in the spans.
    pub fn ours_cbc(&mut self, crypt: u8, skip: u8) {
        let pattern = Pattern { crypt, skip };
        self.ours.cbc_decrypt(pattern, &self.spans, &mut self.data).expect("spans in the buffer");
    }

    /// The same by the `aes` and `cbc` crates.
    pub fn theirs_cbc(&mut self, crypt: u8, skip: u8) {
        let pattern = Pattern { crypt, skip };
        self.theirs.cbc_decrypt(pattern, &self.spans, &mut self.data).expect("spans in the buffer");
    }

    /// CBC encryption, to make what is decrypted.
    pub fn encrypt_cbc(&mut self, crypt: u8, skip: u8) {
        let pattern = Pattern { crypt, skip };
        self.ours.cbc_encrypt(pattern, &self.spans, &mut self.data).expect("spans in the buffer");
    }
}

/// What the DRM module does when it starts.
#[wasm_bindgen]
pub fn warm_up() {
    aes_simd::warm_up();
}
