//! The public types, on whichever kind of expanded key.

macro_rules! ciphers {
    ($key:ty) => {
        ciphers!($key, Aes128, 16, U16);
        ciphers!($key, Aes256, 32, U32);
    };
    ($key:ty, $name:ident, $len:literal, $size:ident) => {
        #[doc = concat!("AES with a key of ", $len, " bytes, and its expansion, which is wiped when this is dropped.")]
        pub struct $name($key);

        /// Shows nothing of the key.
        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(concat!(stringify!($name), "(redacted)"))
            }
        }

        impl $name {
            /// Expands the key.
            pub fn new(key: &[u8; $len]) -> Self {
                Self(<$key>::new(key))
            }

            /// Encrypts each block by itself (ECB).
            pub fn encrypt_blocks(&self, blocks: &mut [[u8; 16]]) {
                self.0.encrypt_blocks(blocks);
            }

            /// Decrypts each block by itself (ECB).
            pub fn decrypt_blocks(&self, blocks: &mut [[u8; 16]]) {
                self.0.decrypt_blocks(blocks);
            }

            /// Encrypts or decrypts the spans in counter mode (NIST SP 800-38A §6.5), in place; which of both
            /// is the same.
            ///
            /// # Errors
            /// [`OutOfBounds`](crate::OutOfBounds), before anything is changed.
            pub fn ctr(
                &self,
                width: $crate::CounterWidth,
                spans: &[$crate::Span],
                data: &mut [u8],
            ) -> Result<(), $crate::OutOfBounds> {
                $crate::span::check(spans, data)?;
                self.0.ctr(width, spans, data);
                Ok(())
            }

            /// Decrypts the pattern's blocks of each span in cipher block chaining (§6.2), in place. The
            /// chain begins with the span's IV and leaves out what the pattern leaves out; an incomplete
            /// block at the end stays as it is.
            ///
            /// # Errors
            /// [`OutOfBounds`](crate::OutOfBounds), before anything is changed.
            pub fn cbc_decrypt(
                &self,
                pattern: $crate::Pattern,
                spans: &[$crate::Span],
                data: &mut [u8],
            ) -> Result<(), $crate::OutOfBounds> {
                $crate::span::check(spans, data)?;
                self.0.cbc_decrypt(pattern, spans, data);
                Ok(())
            }

            /// The opposite of [`cbc_decrypt`](Self::cbc_decrypt), for spans that do not overlap.
            ///
            /// # Errors
            /// [`OutOfBounds`](crate::OutOfBounds), before anything is changed.
            pub fn cbc_encrypt(
                &self,
                pattern: $crate::Pattern,
                spans: &[$crate::Span],
                data: &mut [u8],
            ) -> Result<(), $crate::OutOfBounds> {
                $crate::span::check(spans, data)?;
                self.0.cbc_encrypt(pattern, spans, data);
                Ok(())
            }
        }

        impl cipher::KeySizeUser for $name {
            type KeySize = cipher::consts::$size;
        }

        impl cipher::KeyInit for $name {
            fn new(key: &cipher::Key<Self>) -> Self {
                Self(<$key>::new(key))
            }
        }

        impl cipher::BlockSizeUser for $name {
            type BlockSize = cipher::consts::U16;
        }

        impl cipher::BlockCipherEncrypt for $name {
            fn encrypt_with_backend(
                &self,
                f: impl cipher::BlockCipherEncClosure<BlockSize = Self::BlockSize>,
            ) {
                f.call(&$crate::backend::Backend(|blocks: &mut [[u8; 16]]| self.0.encrypt_blocks(blocks)));
            }
        }

        impl cipher::BlockCipherDecrypt for $name {
            fn decrypt_with_backend(
                &self,
                f: impl cipher::BlockCipherDecClosure<BlockSize = Self::BlockSize>,
            ) {
                f.call(&$crate::backend::Backend(|blocks: &mut [[u8; 16]]| self.0.decrypt_blocks(blocks)));
            }
        }

        /// The key's expansion is wiped by the part that holds it.
        impl zeroize::ZeroizeOnDrop for $name {}
    };
}
