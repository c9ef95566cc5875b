//! Grants: what a page of another site shows for somebody, in place of cookies. The operator's backend asks
//! for one; it is sealed as tickets are, and says by itself what it allows.
//!
//! Text form: the account's handle, `.`, and base64url as a ticket's; of a grant for one movie alone `.` and
//! its number follow, for players that are not told which film it is. The handle is part of what is
//! authenticated: by it the player keys the device's identity. The number has to be the one that is sealed.

use crate::ticket::TicketKeys;
use crate::visit::{Movies, Visit};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What is sealed is a grant, and nothing that is a ticket.
const LABEL: &[u8] = b"matinee-grant-1";
/// Longest grant in characters.
const MAX_TEXT: usize = 4096;
/// A grant.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Grant {
    /// The account.
    pub account: i64,
    /// What it allows.
    pub visit: Visit,
    /// The page that it is for; `None`: every one that may embed.
    pub origin: Option<String>,
    /// Until when it can be shown.
    pub expires: u64,
    /// Id of the API key that it was asked for with.
    pub key: Option<String>,
}

impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Grant(account {}, {:?}, for {:?})", self.account, self.visit, self.origin)
    }
}

/// Seals a grant for the account of that handle.
pub(crate) fn seal(keys: &TicketKeys, handle: &str, grant: &Grant) -> String {
    let plain = serde_json::to_vec(grant).unwrap_or_default();
    let sealed = keys.seal_octets((LABEL, handle), &plain);
    match only_movie(grant) {
        Some(movie) => format!("{handle}.{sealed}.{movie}"),
        None => format!("{handle}.{sealed}"),
    }
}

/// The number of the movie, where the grant is for one alone.
fn only_movie(grant: &Grant) -> Option<String> {
    match &grant.visit.movies {
        Movies::Only(movies) => match &movies[..] {
            [movie] => Some(movie.get().to_string()),
            _ => None,
        },
        Movies::All(_) => None,
    }
}

/// Opens a grant; `None` for anything that none of the keys sealed. Whether it is over is for the caller to
/// say.
pub(crate) fn open(keys: &TicketKeys, text: &str) -> Option<Grant> {
    if text.len() > MAX_TEXT {
        return None;
    }
    let (handle, sealed) = text.split_once('.')?;
    let (sealed, movie) = match sealed.split_once('.') {
        Some((sealed, movie)) => (sealed, Some(movie)),
        None => (sealed, None),
    };
    let grant: Grant = serde_json::from_slice(&keys.open_octets((LABEL, handle), sealed)?).ok()?;
    let is_told = movie.is_none_or(|movie| only_movie(&grant).as_deref() == Some(movie));
    is_told.then_some(grant)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ticket::TicketKey;
    use crate::visit::{MOST_MOVIES, Movies};
    use nccp::MovieId;
    use proptest::prelude::*;

    fn keys() -> TicketKeys {
        TicketKeys::new(TicketKey::new([1; 4], [1; 32]), vec![])
    }

    fn grant() -> Grant {
        let movie = |id: u64| MovieId::try_from(id).unwrap();
        Grant {
            account: 7,
            visit: Visit {
                movies: Movies::Only(vec![movie(1001), movie(7)]),
                streams: Some(2),
                devices: Some(3),
                until: Some(9000),
                origin: None,
            },
            origin: Some("https://school.example".into()),
            expires: 2000,
            key: Some("0123456789abcdef".into()),
        }
    }

    #[test]
    fn it_opens_under_its_own_handle_only() {
        let text = seal(&keys(), "a-1", &grant());
        assert_eq!(open(&keys(), &text), Some(grant()));
        assert_eq!(open(&keys(), &text.replace("a-1.", "a-2.")), None);
        let (_, sealed) = text.split_once('.').unwrap();
        assert_eq!(keys().open(sealed), None, "no ticket");
        let most = Movies::Only(vec![MovieId::try_from((1 << 53) - 1).unwrap(); MOST_MOVIES]);
        let visit = Visit { movies: most, ..grant().visit };
        let large = Grant { visit, origin: Some("o".repeat(300)), ..grant() };
        assert_eq!(open(&keys(), &seal(&keys(), "a-1", &large)), Some(large));
    }

    /// A page that knows its grant alone can say which film it is for; nobody can say another.
    #[test]
    fn a_grant_for_one_movie_names_it() {
        let visit = Visit { movies: Movies::Only(vec![MovieId::try_from(1001).unwrap()]), ..grant().visit };
        let one = Grant { visit, ..grant() };
        let text = seal(&keys(), "a-1", &one);
        let sealed = text.strip_suffix(".1001").unwrap();
        assert_eq!(open(&keys(), &text), Some(one.clone()));
        assert_eq!(open(&keys(), sealed), Some(one), "as earlier servers made them");
        for other in ["1002", "", "01001", "1001.1001"] {
            assert_eq!(open(&keys(), &format!("{sealed}.{other}")), None, "{other}");
        }
        let several = seal(&keys(), "a-1", &grant());
        assert_eq!(several.matches('.').count(), 1);
        assert_eq!(open(&keys(), &format!("{several}.1001")), None);
    }

    #[test]
    fn all_is_a_word() {
        let movies: Movies = serde_json::from_str("\"all\"").unwrap();
        assert!(movies.hold(MovieId::try_from(5).unwrap()));
        assert!(!grant().visit.movies.hold(MovieId::try_from(5).unwrap()));
        assert!(serde_json::from_str::<Movies>("\"none\"").is_err());
    }

    proptest! {
        #[test]
        fn a_flipped_bit_is_refused(bit: prop::sample::Index) {
            let text = seal(&keys(), "a-1", &grant());
            let (_, sealed) = text.split_once('.').unwrap();
            let mut octets = crate::secret::from_base64url(sealed).unwrap();
            let bit = bit.index(octets.len() * 8);
            octets[bit / 8] ^= 1 << (bit % 8);
            prop_assert_eq!(open(&keys(), &format!("a-1.{}", crate::secret::base64url(&octets))), None);
        }

        #[test]
        fn opening_never_panics(text in ".{0,600}") {
            prop_assert_eq!(open(&keys(), &text), None);
        }
    }
}
