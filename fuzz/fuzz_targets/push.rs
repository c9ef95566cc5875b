//! The push decryptor: any init segment, any media, any chunking.
#![no_main]

use cenc::{AesCipher, Cek, Kid};
use decryptor::{Error, Keys, PushDecryptor, Step};
use libfuzzer_sys::fuzz_target;

struct Any(AesCipher);

impl Keys for Any {
    fn find(&mut self, kid: &Kid) -> Result<Option<&AesCipher>, Error> {
        // Some are missing.
        Ok((kid.0[15] & 3 != 3).then_some(&self.0))
    }
}

const INIT: &[u8] = include_bytes!("../../crates/decryptor/tests/fixtures/clearkey-init.mp4");

fuzz_target!(|input: (bool, &[u8], u8, &[u8])| {
    let (own, init, chunk, media) = input;
    let mut stream = PushDecryptor::new();
    let init = if own { init } else { INIT };
    if stream.set_init(init.to_vec()).is_err() {
        return;
    }
    let mut keys = Any(AesCipher::new(&Cek::new([7; 16])));
    for chunk in media.chunks(usize::from(chunk) + 1) {
        if stream.push(chunk).is_err() {
            return;
        }
        loop {
            match stream.step(&mut keys) {
                Ok(Step::Fragment(fragment)) => assert!(fragment.len() <= media.len()),
                Ok(Step::NeedData) => break,
                Ok(Step::NeedKeys(_)) | Err(_) => return,
            }
        }
    }
    let _ = stream.finish();
});
