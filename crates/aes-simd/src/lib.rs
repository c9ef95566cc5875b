//! AES-128 and AES-256 (FIPS 197) over whole media segments, in place, at the speed that the machine has.
//!
//! * In WebAssembly with `simd128`: a bitsliced kernel that works on 32 blocks at once. A segment's protected
//!   ranges go in as one table of [`Span`]s, so that blocks of many samples share a batch: cbcs with its one
//!   block in ten is decrypted as if the blocks lay side by side, and CTR does what neighbouring counters
//!   have in common once for all samples.
//! * Elsewhere: the [`aes`] crate, behind the same interface.
//!
//! ```
//! use aes_simd::{Aes128, CounterWidth, Span};
//!
//! let mut segment = vec![0u8; 4096];
//! let sample = Span { offset: 100, len: 3000, iv: [1; 16], skip: 0 };
//! Aes128::new(&[7; 16]).ctr(CounterWidth::Bits64, &[sample], &mut segment)?;
//! # Ok::<(), aes_simd::OutOfBounds>(())
//! ```
//!
//! [`Aes128`] and [`Aes256`] also implement the traits of the [`cipher`] crate, for modes that are not here.
//!
//! # Security
//!
//! Time and memory access depend on lengths, offsets, patterns and counters, never on keys or data: there is
//! no table look-up and no branch on them, neither in the rounds nor in the key schedule. (What a browser's
//! compiler makes of it is beyond this crate's reach; it has only `and`, `xor`, shifts and fixed permutations
//! to translate.) Expanded keys are wiped when dropped; `Debug` shows none. The kernel's stack is not wiped.
//! This has not been audited by a third party.
//!
//! # Design of the kernel
//!
//! 32 blocks are held as 32 vectors: one for each bit of each row of the state (FIPS 197 §3.4), where a
//! 32-bit lane is a column and each bit of a lane is a block. ShiftRows is then a permutation of lanes,
//! MixColumns and the S-box are XORs and ANDs between vectors. The layout was chosen for what `simd128` has,
//! after Käsper and Schwabe; the parts:
//!
//! * S-box: `SLP_AES_113` of Boyar, Peralta and Çalık, 113 gates; its inverse, 114 gates, has its middle
//!   part, with linear layers found by the greedy search of Boyar and Peralta.
//! * MixColumns bit by bit, so that few vectors are live at a time; InvMixColumns as a sparse matrix before
//!   it.
//! * CTR: rounds 1 and 2 of 256 neighbouring counters share all but one S-box in eight, after Bernstein and
//!   Schwabe.
//! * Between blocks and vectors: three steps of exchanging bits, the rest by interleaving.
//!
//! In operations: about 5,400 for 512 bytes in CTR, 7,200 in CBC decryption, on three vector ports not below
//! 3.5 and 4.7 cycles a byte.
//!
//! # Sources
//!
//! * FIPS 197, *Advanced Encryption Standard*; NIST SP 800-38A, *Modes of Operation*; ISO/IEC 23001-7,
//!   *Common encryption*.
//! * J. Boyar, P. Matthews, R. Peralta: *Logic minimization techniques with applications to cryptology*. J.
//!   Cryptology 26 (2013).
//! * J. Boyar, R. Peralta: *A depth-16 circuit for the AES S-box*. <https://eprint.iacr.org/2011/332>.
//! * E. Käsper, P. Schwabe: *Faster and timing-attack resistant AES-GCM*. CHES 2009.
//!   <https://eprint.iacr.org/2009/129>.
//! * D. J. Bernstein, P. Schwabe: *New AES software speed records*. INDOCRYPT 2008.
//!   <https://eprint.iacr.org/2008/381>.
//! * J. Daemen, V. Rijmen: *The Design of Rijndael*. Springer.
#![no_std]

extern crate alloc;

#[macro_use]
mod ciphers;

mod backend;
#[cfg(any(test, all(target_arch = "wasm32", target_feature = "simd128")))]
mod bitslice;
#[cfg(any(test, feature = "portable", not(all(target_arch = "wasm32", target_feature = "simd128"))))]
pub mod portable;
mod span;
#[cfg(test)]
mod tests;

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
use bitslice::Key;
#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
use portable::Key;
pub use span::{CounterWidth, OutOfBounds, Pattern, Span};

ciphers!(Key);

/// Runs the kernel until a browser's compiler has seen that it is worth optimising, which it then does in the
/// background: a few milliseconds, once. Does nothing on other targets.
pub fn warm_up() {
    #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
    {
        /// Rounds over the buffer: tiers change after a number of calls and loops, not of bytes.
        const ROUNDS: usize = 8;
        let mut data = alloc::vec![0; 1 << 16];
        let spans = [Span { offset: 0, len: data.len(), iv: [0; 16], skip: 0 }];
        let cipher = Aes128::new(&[0; 16]);
        for _ in 0..ROUNDS {
            cipher.0.ctr(CounterWidth::Bits64, &spans, &mut data);
            cipher.0.cbc_decrypt(Pattern { crypt: 1, skip: 9 }, &spans, &mut data);
            cipher.0.cbc_decrypt(Pattern { crypt: 1, skip: 0 }, &spans, &mut data);
        }
    }
}
