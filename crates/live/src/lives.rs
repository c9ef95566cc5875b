//! The lives of a session: a server that is started again goes on with the session of the one before, and
//! begins a new life of it.

use serde::{Deserialize, Serialize};

/// Most lives of a session; a server that finds so many begins another session.
const MOST: usize = 4096;

/// The segments that one process gave out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Life {
    /// The first number that it gave, or is going to give.
    pub first: u64,
    /// The place of that segment in the event's film, from 0. Numbers that were lost before it do not count.
    pub place: u64,
}

/// The lives of a session, from the first on: which place in the film a number has, and which number a place.
///
/// Numbers are names and never come back, so those that a process lost when it was killed are missing for
/// good. Films have no holes, and keys change by places: so both agree on what a segment is encrypted with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Life>", into = "Vec<Life>")]
pub struct Lives(Vec<Life>);

/// No such lives can have been.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the session's lives are not in order, or too many")]
pub struct InvalidLives;

impl Default for Lives {
    fn default() -> Self {
        Self(vec![Life { first: 0, place: 0 }])
    }
}

impl TryFrom<Vec<Life>> for Lives {
    type Error = InvalidLives;

    fn try_from(lives: Vec<Life>) -> Result<Self, InvalidLives> {
        let follow = |pair: &[Life]| {
            let numbers = pair[1].first.checked_sub(pair[0].first).filter(|numbers| *numbers > 0);
            let places = pair[1].place.checked_sub(pair[0].place);
            numbers.zip(places).is_some_and(|(numbers, places)| places <= numbers)
        };
        let begins = lives.first() == Some(&Life { first: 0, place: 0 });
        match begins && lives.len() <= MOST && lives.windows(2).all(follow) {
            true => Ok(Self(lives)),
            false => Err(InvalidLives),
        }
    }
}

impl From<Lives> for Vec<Life> {
    fn from(lives: Lives) -> Self {
        lives.0
    }
}

impl Lives {
    /// The life of a process that goes on with number `first`, at a place in the film. It is the one that
    /// there is where that has given nothing out.
    ///
    /// # Errors
    /// [`InvalidLives`] where it cannot follow the one before.
    pub fn begin(&self, first: u64, place: u64) -> Result<Self, InvalidLives> {
        let mut lives = self.0.clone();
        if self.latest() != (Life { first, place }) {
            lives.push(Life { first, place });
        }
        Self::try_from(lives)
    }

    /// The one that is under way.
    pub fn latest(&self) -> Life {
        self.0.last().copied().unwrap_or(Life { first: 0, place: 0 })
    }

    /// The place of a number in the film.
    pub fn place(&self, number: u64) -> u64 {
        let life =
            self.0.iter().rfind(|life| life.first <= number).copied().unwrap_or(Life { first: 0, place: 0 });
        life.place.saturating_add(number - life.first.min(number))
    }

    /// The number that a place of the film has, or is going to have.
    pub fn number(&self, place: u64) -> u64 {
        let life =
            self.0.iter().rfind(|life| life.place <= place).copied().unwrap_or(Life { first: 0, place: 0 });
        life.first.saturating_add(place - life.place.min(place))
    }

    /// The lowest and the highest place of the numbers from `oldest` to `latest`. They are not always those
    /// of these two: where pictures were missing in a life, its film ends there, and the next life's places
    /// begin there again.
    pub(crate) fn places(&self, oldest: u64, latest: u64) -> (u64, u64) {
        let stretches = self.0.iter().enumerate().filter_map(|(n, life)| {
            let last = self.0.get(n + 1).map_or(u64::MAX, |next| next.first.saturating_sub(1));
            let (from, to) = (life.first.max(oldest), last.min(latest));
            (from <= to).then(|| (self.place(from), self.place(to)))
        });
        let whole = stretches.reduce(|(low, high), (from, to)| (low.min(from), high.max(to)));
        whole.unwrap_or((self.place(oldest), self.place(latest)))
    }

    /// The first number that had a place, or is going to have it.
    pub(crate) fn first_number(&self, place: u64) -> u64 {
        let had = self.0.windows(2).find_map(|pair| {
            let number = pair[0].first.saturating_add(place.checked_sub(pair[0].place)?);
            (number < pair[1].first).then_some(number)
        });
        had.unwrap_or_else(|| self.number(place))
    }

    /// What each of them gave to the film: its first number, and how many follow from there; `None` for the
    /// one that is under way.
    pub(crate) fn stretches(&self) -> impl Iterator<Item = (u64, Option<u64>)> {
        self.0.iter().enumerate().map(move |(n, life)| {
            let next = self.0.get(n + 1);
            (life.first, next.map(|next| next.place.saturating_sub(life.place)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_places() {
        let lives = Lives::default();
        assert_eq!((lives.place(7), lives.number(7)), (7, 7));
        // Ten are in the film; number 10 was lost, and 11 was never given.
        let second = lives.begin(12, 10).unwrap();
        assert_eq!([9, 12, 15].map(|number| second.place(number)), [9, 10, 13]);
        assert_eq!([9, 10, 13].map(|place| second.number(place)), [9, 12, 15]);
        // Nothing came of the second.
        let third = second.begin(13, 10).unwrap();
        assert_eq!((third.place(13), third.number(10)), (10, 13));
        assert_eq!(third.stretches().collect::<Vec<_>>(), [(0, Some(10)), (12, Some(0)), (13, None)]);
        assert_eq!(third.begin(13, 10).unwrap(), third);
    }

    /// Of 12 numbers three are in the film, because pictures were missing behind them.
    #[test]
    fn places_that_go_back_are_all_told() {
        let lives = Lives::default().begin(12, 3).unwrap();
        assert_eq!([11, 12].map(|number| lives.place(number)), [11, 3]);
        assert_eq!(
            (lives.places(0, 11), lives.places(10, 12), lives.places(12, 14)),
            ((0, 11), (3, 11), (3, 5))
        );
        assert_eq!((lives.first_number(4), lives.first_number(11), lives.first_number(12)), (4, 11, 21));
        assert_eq!(Lives::default().places(4, 9), (4, 9));
    }

    #[test]
    fn what_cannot_have_been_is_refused() {
        let lives = Lives::default().begin(12, 10).unwrap();
        for (first, place) in [(12, 9), (12, 11), (11, 10), (13, 9), (13, 12)] {
            assert_eq!(lives.begin(first, place), Err(InvalidLives), "{first} {place}");
        }
        for text in
            ["[]", "[{\"first\":1,\"place\":0}]", "[{\"first\":0,\"place\":0},{\"first\":0,\"place\":0}]"]
        {
            assert!(serde_json::from_str::<Lives>(text).is_err(), "{text}");
        }
        let text = serde_json::to_string(&lives).unwrap();
        assert_eq!(serde_json::from_str::<Lives>(&text).unwrap(), lives);
    }
}
