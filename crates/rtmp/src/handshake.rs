//! The handshake (RTMP 1.0, section 5.2), in its plain form: with a version of 0 in the server's octets, all
//! publishers take it.

/// Octets of C1, S1, C2 and S2.
const LEN: usize = 1536;
const VERSION: u8 = 3;

/// What has come of it.
#[derive(Default)]
pub(crate) struct Handshake {
    /// What comes behind the handshake may have a stream key in it.
    buffer: zeroize::Zeroizing<Vec<u8>>,
    /// Whether C1 was answered.
    answered: bool,
}

/// It is not RTMP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotRtmp;

impl Handshake {
    /// Takes octets, and writes what is to be answered. Once it is done: what came behind it.
    pub(crate) fn push(
        &mut self,
        nonce: &[u8; 32],
        octets: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Option<Vec<u8>>, NotRtmp> {
        self.buffer.extend_from_slice(octets);
        // 6 and 8 ask for encryption of RTMP's own, which nobody needs beside TLS.
        if self.buffer.first().is_some_and(|version| *version != VERSION) {
            return Err(NotRtmp);
        }
        if !self.answered {
            let Some(first) = self.buffer.get(1..=LEN) else { return Ok(None) };
            out.push(VERSION);
            // Time and version 0, then octets that are no other connection's.
            out.extend([0; 8]);
            out.extend(nonce.iter().cycle().take(LEN - 8));
            out.extend_from_slice(first);
            self.answered = true;
        }
        // C2 should be S1 again; some send something else.
        match self.buffer.len() > 2 * LEN {
            true => Ok(Some(self.buffer.split_off(1 + 2 * LEN))),
            false => Ok(None),
        }
    }
}
