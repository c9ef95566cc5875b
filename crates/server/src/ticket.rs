//! Tickets (`CTicket`): what a device shows instead of a login. AES-256-GCM under a key that all servers
//! share.
//!
//! Text form: base64url of key id (4) ‖ nonce (12) ‖ ciphertext ‖ tag (16); opaque to everybody else. Opening
//! one touches no database, so a forgery costs none.

use crate::key_level;
use crate::secret::{base64url, from_base64url, random};
use crate::visit::Visit;
use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Key, Nonce};
use license::{KeyLevel, SigningPoint};
use nccp::DeviceId;
use std::fmt;
use zeroize::Zeroizing;

/// Longest ticket in characters: one that a grant got names movies.
const MAX_TEXT: usize = 2048;
/// Longest that is sealed, in characters.
const MAX_SEALED: usize = 4096;
const LABEL: &[u8] = b"matinee-ticket-3";
/// Octets before the device id: account, epoch, issued, expires, level, component, signing key
/// (uncompressed).
const FIXED: usize = 8 + 4 + 8 + 8 + 1 + 16 + 65;

/// What a ticket says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// The account.
    pub account: i64,
    /// The device.
    pub device: DeviceId,
    /// Its P-256 key: with both coordinates, which would cost half a verification to find again.
    pub point: SigningPoint,
    /// The component that its certificate names.
    pub component: [u8; 16],
    /// How it keeps its keys.
    pub level: KeyLevel,
    /// The registration that it belongs to.
    pub epoch: u32,
    /// When it was made.
    pub issued: u64,
    /// When it ends.
    pub expires: u64,
    /// What it is limited to, where it came by a grant. In the octets it follows the device id, as JSON
    /// behind a zero.
    pub visit: Option<Visit>,
}

/// A key for tickets.
#[derive(Clone)]
pub struct TicketKey {
    id: [u8; 4],
    secret: Zeroizing<[u8; 32]>,
}

impl fmt::Debug for TicketKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TicketKey({}, [redacted])", hex::encode(self.id))
    }
}

impl TicketKey {
    /// A key with its id.
    pub fn new(id: [u8; 4], secret: [u8; 32]) -> Self {
        Self { id, secret: Zeroizing::new(secret) }
    }

    fn cipher(&self) -> Aes256Gcm {
        Aes256Gcm::new(&Key::<Aes256Gcm>::from(*self.secret))
    }
}

/// The keys for tickets: one seals, all open.
#[derive(Debug, Clone)]
pub struct TicketKeys {
    active: TicketKey,
    others: Vec<TicketKey>,
}

fn aad((label, of): (&[u8], &str), id: [u8; 4]) -> Vec<u8> {
    [label, &id, of.as_bytes()].concat()
}

impl TicketKeys {
    /// `active` seals; `others` (next and verify-only) open too.
    pub fn new(active: TicketKey, others: Vec<TicketKey>) -> Self {
        Self { active, others }
    }

    /// Seals a ticket.
    pub fn seal(&self, ticket: &Ticket) -> String {
        let mut plain = Zeroizing::new(Vec::with_capacity(FIXED + ticket.device.as_str().len()));
        plain.extend(ticket.account.to_be_bytes());
        plain.extend(ticket.epoch.to_be_bytes());
        plain.extend(ticket.issued.to_be_bytes());
        plain.extend(ticket.expires.to_be_bytes());
        plain.push(key_level::to_number(ticket.level));
        plain.extend(ticket.component);
        plain.extend(ticket.point.as_bytes());
        plain.extend(ticket.device.as_str().as_bytes());
        if let Some(visit) = &ticket.visit {
            plain.push(0);
            plain.extend(serde_json::to_vec(visit).unwrap_or_default());
        }
        self.seal_octets((LABEL, ""), &plain)
    }

    /// Seals octets of the kind that the label names, for what stands beside them.
    pub(crate) fn seal_octets(&self, label: (&[u8], &str), plain: &[u8]) -> String {
        let nonce = random::<12>();
        let id = self.active.id;
        let payload = Payload { msg: plain, aad: &aad(label, id) };
        let sealed = self
            .active
            .cipher()
            .encrypt(&Nonce::from(nonce), payload)
            .expect("what is sealed is far below the cipher's length limit");
        base64url(&[&id[..], &nonce, &sealed].concat())
    }

    /// Opens a ticket; `None` for anything that none of the keys sealed. Whether it is over is for the caller
    /// to say.
    pub fn open(&self, text: &str) -> Option<Ticket> {
        if text.len() > MAX_TEXT {
            return None;
        }
        Ticket::read(&self.open_octets((LABEL, ""), text)?)
    }

    /// Opens what [`TicketKeys::seal_octets`] sealed.
    pub(crate) fn open_octets(&self, label: (&[u8], &str), text: &str) -> Option<Zeroizing<Vec<u8>>> {
        if text.len() > MAX_SEALED {
            return None;
        }
        let octets = from_base64url(text)?;
        let (id, rest) = octets.split_first_chunk::<4>()?;
        let (nonce, sealed) = rest.split_first_chunk::<12>()?;
        let key = std::iter::once(&self.active).chain(&self.others).find(|key| key.id == *id)?;
        let payload = Payload { msg: sealed, aad: &aad(label, *id) };
        key.cipher().decrypt(&Nonce::from(*nonce), payload).map(Zeroizing::new).ok()
    }
}

impl Ticket {
    fn read(plain: &[u8]) -> Option<Self> {
        let (account, rest) = plain.split_first_chunk::<8>()?;
        let (epoch, rest) = rest.split_first_chunk::<4>()?;
        let (issued, rest) = rest.split_first_chunk::<8>()?;
        let (expires, rest) = rest.split_first_chunk::<8>()?;
        let (level, rest) = rest.split_first()?;
        let (component, rest) = rest.split_first_chunk::<16>()?;
        let (point, rest) = rest.split_first_chunk::<65>()?;
        let (device, visit) = match rest.iter().position(|byte| *byte == 0) {
            Some(at) => (&rest[..at], Some(serde_json::from_slice(&rest[at + 1..]).ok()?)),
            None => (rest, None),
        };
        Some(Self {
            account: i64::from_be_bytes(*account),
            device: std::str::from_utf8(device).ok()?.parse().ok()?,
            point: SigningPoint::try_from(*point).ok()?,
            component: *component,
            level: key_level::from_number(*level)?,
            epoch: u32::from_be_bytes(*epoch),
            issued: u64::from_be_bytes(*issued),
            expires: u64::from_be_bytes(*expires),
            visit,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::visit::{All, MOST_MOVIES, Movies};
    use proptest::prelude::*;

    fn ticket() -> Ticket {
        Ticket {
            account: 7,
            device: "d-5f0c".parse().unwrap(),
            point: [4; 65].try_into().unwrap(),
            component: [5; 16],
            level: KeyLevel::Webcrypto,
            epoch: 3,
            issued: 1000,
            expires: 2000,
            visit: None,
        }
    }

    fn key(n: u8) -> TicketKey {
        TicketKey::new([n; 4], [n; 32])
    }

    /// A47: servers with the same secret take each other's tickets, and old ones after a rotation.
    #[test]
    fn opens_with_every_live_key() {
        let old = TicketKeys::new(key(1), vec![]);
        let new = TicketKeys::new(key(2), vec![key(1)]);
        let text = old.seal(&ticket());
        assert_eq!(new.open(&text), Some(ticket()));
        assert_eq!(old.open(&new.seal(&ticket())), None);
        assert_ne!(old.seal(&ticket()), text, "never twice the same");
        assert!(text.len() < 240);
    }

    #[test]
    fn a_grants_terms_travel_along() {
        let keys = TicketKeys::new(key(1), vec![]);
        let movie = |id: u64| nccp::MovieId::try_from(id).unwrap();
        let most = vec![movie((1 << 53) - 1); MOST_MOVIES];
        for movies in [Movies::All(All::All), Movies::Only(most)] {
            let ticket = Ticket {
                visit: Some(Visit {
                    movies,
                    streams: Some(2),
                    devices: Some(1000),
                    until: Some(1 << 40),
                    origin: Some(format!("https://{}", "o".repeat(253))),
                }),
                ..ticket()
            };
            assert_eq!(keys.open(&keys.seal(&ticket)), Some(ticket));
        }
    }

    #[test]
    fn an_id_cannot_be_lent_to_another_key() {
        let keys = TicketKeys::new(key(1), vec![TicketKey::new([9; 4], [1; 32])]);
        let mut octets = from_base64url(&keys.seal(&ticket())).unwrap();
        octets[..4].copy_from_slice(&[9; 4]);
        assert_eq!(keys.open(&base64url(&octets)), None);
    }

    proptest! {
        /// A40: one flipped bit and it is nothing.
        #[test]
        fn a_flipped_bit_is_refused(bit: prop::sample::Index) {
            let keys = TicketKeys::new(key(1), vec![]);
            let mut octets = from_base64url(&keys.seal(&ticket())).unwrap();
            let bit = bit.index(octets.len() * 8);
            octets[bit / 8] ^= 1 << (bit % 8);
            prop_assert_eq!(keys.open(&base64url(&octets)), None);
        }

        #[test]
        fn opening_never_panics(text in ".{0,600}", octets in proptest::collection::vec(any::<u8>(), 0..300)) {
            let keys = TicketKeys::new(key(1), vec![]);
            prop_assert_eq!(keys.open(&text), None);
            prop_assert_eq!(keys.open(&base64url(&octets)), None);
        }
    }
}
