use super::unserved::Unserved;
use crate::catalogue::Pack;
use crate::content_place::ContentPlace;
use crate::keys::KeyRing;
use crate::lru::Lru;
use ::origin::scope::Form;
use std::sync::{Arc, Weak};

/// Seconds for which an answer holds.
const FRESH: u64 = 5;
/// Octets of answers that are kept, and of one of them: for more than all that stand on one account's list.
const MEMORY: usize = 16 << 20;
const ANSWER: usize = 512;

/// What came of asking for a content a moment ago: for transactions, which do not wait for the sources.
#[derive(Debug)]
pub(super) struct Recent(Lru<(ContentPlace, Form), Answer>);

#[derive(Debug, Clone)]
struct Answer {
    /// Unix seconds.
    at: u64,
    ring: Weak<KeyRing>,
    found: Kept,
}

/// A [`Found`] that keeps no film.
#[derive(Debug, Clone)]
enum Kept {
    Film(Weak<Pack>),
    Unserved(Unserved),
    NotInThisForm,
}

/// What came of asking for a content in a form of delivery.
#[derive(Debug, Clone)]
pub(crate) enum Found {
    /// A film.
    Film(Arc<Pack>),
    /// None; the log says why where it is a fault.
    Unserved(Unserved),
    /// None: the settings do not give it that form, of which nothing was logged.
    NotInThisForm,
}

impl Recent {
    pub(super) fn new() -> Self {
        Self(Lru::new(MEMORY))
    }

    pub(super) fn find(
        &self,
        place: &ContentPlace,
        form: Form,
        (ring, now): (&Arc<KeyRing>, u64),
    ) -> Option<Found> {
        let answer = self.0.get(&(place.clone(), form))?;
        let is_fresh = (answer.at..answer.at.saturating_add(FRESH)).contains(&now);
        if !is_fresh || answer.ring.as_ptr() != Arc::as_ptr(ring) {
            return None;
        }
        match answer.found {
            // Gone where nobody holds it: neither the origin, nor who read it.
            Kept::Film(film) => film.upgrade().map(Found::Film),
            Kept::Unserved(unserved) => Some(Found::Unserved(unserved)),
            Kept::NotInThisForm => Some(Found::NotInThisForm),
        }
    }

    pub(super) fn keep(
        &self,
        place: ContentPlace,
        form: Form,
        (ring, now): (&Arc<KeyRing>, u64),
        found: Found,
    ) {
        let found = match found {
            Found::Film(film) => Kept::Film(Arc::downgrade(&film)),
            Found::Unserved(unserved) => Kept::Unserved(unserved),
            Found::NotInThisForm => Kept::NotInThisForm,
        };
        self.0.put((place, form), Answer { at: now, ring: Arc::downgrade(ring), found }, ANSWER);
    }
}
