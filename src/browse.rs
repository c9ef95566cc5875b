//! Finding one's way among the films: what matches, in which order, and what goes together.

use std::cmp::Reverse;

use js_sys::JsString;
use localization::say;
use nccp::{MovieId, json::LibraryMovie};
use web_player::player::EventState;

/// Films that a lane shows.
pub const LANE: usize = 12;
/// Genres that have a lane.
const GENRES: usize = 8;
/// Films that are like another one.
const ALIKE: usize = 8;

/// An order of films.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// By title, as the catalogue has them.
    #[default]
    Title,
    /// What was added last comes first.
    Newest,
    /// What was released last comes first.
    Year,
    /// What most like comes first.
    Liked,
}

impl Order {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Title, Self::Newest, Self::Year, Self::Liked];

    /// As addresses have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Title => "title",
            Self::Newest => "newest",
            Self::Year => "year",
            Self::Liked => "liked",
        }
    }

    /// For people.
    pub fn label(self) -> &'static str {
        match self {
            Self::Title => say::sort_title(),
            Self::Newest => say::sort_newest(),
            Self::Year => say::sort_year(),
            Self::Liked => say::sort_liked(),
        }
    }

    /// The reverse of [`as_str`](Self::as_str); the default for anything else.
    pub fn parse(text: &str) -> Self {
        Self::ALL.into_iter().find(|order| order.as_str() == text).unwrap_or_default()
    }
}

/// Text without case and accents, for comparing: `Amélie` is `amelie`, `Straße` `strasse`.
pub fn fold(text: &str) -> String {
    // The browser's tables: those of the standard library would double what this weighs.
    let plain = String::from(JsString::from(text).normalize("NFD").to_lower_case());
    let mut folded = String::with_capacity(plain.len());
    for letter in plain.chars() {
        match letter {
            '\u{300}'..='\u{36F}' => {}
            'ß' => folded.push_str("ss"),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            'ø' => folded.push('o'),
            'ł' => folded.push('l'),
            'đ' => folded.push('d'),
            'ı' => folded.push('i'),
            _ => folded.push(letter),
        }
    }
    folded
}

/// What is searched: folded title, and folded cast, genres and year.
#[derive(Clone, Debug, PartialEq)]
pub struct Index(Vec<(String, String)>);

impl Index {
    /// Of films, in their order.
    pub fn new(films: &[LibraryMovie]) -> Self {
        let entry = |film: &LibraryMovie| {
            let year = film.year.map(|year| year.to_string()).unwrap_or_default();
            let series = film.episode.as_ref().map(|of| of.series.clone()).unwrap_or_default();
            let rest = [film.cast.join("\n"), film.genres.join("\n"), series, year].join("\n");
            (fold(&film.title), fold(&rest))
        };
        Self(films.iter().map(entry).collect())
    }

    /// Places of the films that have every word of a query. Titles that begin with it come first, then those
    /// that have all words in their title.
    pub fn find(&self, query: &str) -> Vec<usize> {
        let query = fold(query.trim());
        let words: Vec<&str> = query.split_whitespace().collect();
        let rank = |(title, rest): &(String, String)| {
            let all = words.iter().all(|word| title.contains(word) || rest.contains(word));
            all.then(|| match title.starts_with(&query) {
                true => 0,
                false if words.iter().all(|word| title.contains(word)) => 1,
                false => 2,
            })
        };
        let found = self.0.iter().enumerate();
        let mut found: Vec<(u8, usize)> = found.filter_map(|(at, of)| Some((rank(of)?, at))).collect();
        found.sort_unstable();
        found.into_iter().map(|(_, at)| at).collect()
    }
}

/// Puts films in order; those of one rank stay as they are.
pub fn sort(films: &mut [&LibraryMovie], order: Order) {
    match order {
        Order::Title => {}
        Order::Newest => films.sort_by_key(|film| Reverse(film.added)),
        Order::Year => films.sort_by_key(|film| Reverse(film.year)),
        Order::Liked => films.sort_by_key(|film| Reverse(film.likes)),
    }
}

/// Each genre with its films: those with the most films, by name.
pub fn genres<'a>(films: &[&'a LibraryMovie]) -> Vec<(&'a str, Vec<&'a LibraryMovie>)> {
    let mut genres: Vec<(&str, Vec<&LibraryMovie>)> = Vec::new();
    for &film in films {
        for genre in &film.genres {
            match genres.iter_mut().find(|(name, _)| name.eq_ignore_ascii_case(genre)) {
                Some((_, of)) => of.push(film),
                None => genres.push((genre.as_str(), vec![film])),
            }
        }
    }
    genres.sort_by_key(|(_, films)| Reverse(films.len()));
    genres.truncate(GENRES);
    genres.sort_by_key(|(name, _)| *name);
    genres
}

/// Films that share genres or cast with one, most of them first; none that the account does not like.
pub fn alike<'a>(films: &'a [LibraryMovie], to: &LibraryMovie) -> Vec<&'a LibraryMovie> {
    let shared = |ours: &[String], theirs: &[String]| ours.iter().filter(|of| theirs.contains(of)).count();
    let likeness =
        |film: &LibraryMovie| 2 * shared(&to.genres, &film.genres) + 3 * shared(&to.cast, &film.cast);
    let mut found: Vec<(usize, &LibraryMovie)> = films
        .iter()
        .filter(|film| film.movie_id != to.movie_id && film.liked != Some(false))
        .map(|film| (likeness(film), film))
        .filter(|(likeness, _)| *likeness > 0)
        .collect();
    found.sort_by_key(|(likeness, _)| Reverse(*likeness));
    found.into_iter().take(ALIKE).map(|(_, film)| film).collect()
}

/// All episodes of a film's series, in order; none of a film that is no episode.
pub fn episodes<'a>(films: &'a [LibraryMovie], of: &LibraryMovie) -> Vec<&'a LibraryMovie> {
    let Some(series) = of.episode.as_ref().map(|episode| &episode.series) else { return Vec::new() };
    let place = |film: &LibraryMovie| {
        let episode = film.episode.as_ref().filter(|episode| episode.series == *series)?;
        Some((episode.season, episode.number))
    };
    let mut found: Vec<_> = films.iter().filter_map(|film| Some((place(film)?, film))).collect();
    found.sort_by_key(|(place, _)| *place);
    found.into_iter().map(|(_, film)| film).collect()
}

/// The episode that follows on a film.
pub fn next_episode<'a>(films: &'a [LibraryMovie], of: &LibraryMovie) -> Option<&'a LibraryMovie> {
    let mut episodes = episodes(films, of).into_iter();
    episodes.find(|film| film.movie_id == of.movie_id)?;
    episodes.next()
}

/// What plays after a film: the next episode; else what is next on the account's list, or most like the film,
/// and was never watched. Nothing that cannot be played now.
pub fn comes_next<'a>(films: &'a [LibraryMovie], of: &LibraryMovie) -> Option<&'a LibraryMovie> {
    let is_fit = |film: &&LibraryMovie| film.playable && !is_event(film) && film.movie_id != of.movie_id;
    let series = of.episode.as_ref().map(|episode| &episode.series);
    let is_new = |film: &&LibraryMovie| {
        is_fit(film)
            && film.watched_at.is_none()
            && film.liked != Some(false)
            && (series.is_none() || film.episode.as_ref().map(|episode| &episode.series) != series)
    };
    next_episode(films, of)
        .filter(is_fit)
        .or_else(|| films.iter().filter(|film| film.queued).find(is_new))
        .or_else(|| alike(films, of).into_iter().find(is_new))
}

/// What the account goes on with, the last first: what it has begun; and of a series whose last episode it
/// has seen to its end, the next one.
pub fn keep_watching(films: &[LibraryMovie]) -> Vec<&LibraryMovie> {
    let mut series: Vec<(&str, &LibraryMovie)> = Vec::new();
    for film in films.iter().filter(|film| film.watched_at.is_some()) {
        let Some(name) = film.episode.as_ref().map(|episode| episode.series.as_str()) else { continue };
        match series.iter_mut().find(|(of, _)| *of == name) {
            Some((_, last)) if last.watched_at < film.watched_at => *last = film,
            Some(_) => {}
            None => series.push((name, film)),
        }
    }
    let next = series.into_iter().filter(|(_, last)| !is_begun(last)).filter_map(|(_, last)| {
        let is_fit = |next: &&LibraryMovie| next.playable && !is_event(next) && next.watched_at.is_none();
        next_episode(films, last).filter(is_fit).map(|next| (last.watched_at, next))
    });
    let begun = films.iter().filter(|film| is_begun(film) && !is_event(film));
    let mut found: Vec<_> = begun.map(|film| (film.watched_at, film)).chain(next).collect();
    found.sort_by_key(|(at, _)| Reverse(*at));
    found.into_iter().map(|(_, film)| film).collect()
}

/// What has one card: a film, or a series.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The film; of a series the episode that the account goes on with.
    pub film: LibraryMovie,
    /// How many episodes the series has; `None` of a film.
    pub episodes: Option<usize>,
}

impl From<&LibraryMovie> for Entry {
    fn from(film: &LibraryMovie) -> Self {
        Self { film: film.clone(), episodes: None }
    }
}

/// Films in their order, of each series one entry where its first episode stands; not more than `most`. `all`
/// has the other episodes.
pub fn by_series(films: &[&LibraryMovie], all: &[LibraryMovie], most: usize) -> Vec<Entry> {
    let mut names: Vec<&str> = Vec::new();
    let mut entries = Vec::new();
    for &film in films {
        if entries.len() == most {
            break;
        }
        let Some(series) = film.episode.as_ref().map(|of| of.series.as_str()) else {
            entries.push(Entry::from(film));
            continue;
        };
        if names.contains(&series) {
            continue;
        }
        names.push(series);
        let mut episodes = episodes(all, film);
        episodes.retain(|episode| !is_event(episode));
        let next = goes_on_with(&episodes).map(|next| if next.playable { next } else { film });
        entries.push(match next {
            Some(next) if episodes.len() > 1 => Entry { film: next.clone(), episodes: Some(episodes.len()) },
            next => Entry::from(next.unwrap_or(film)),
        });
    }
    entries
}

/// Of episodes in order the one that was seen last and not to its end, else the one after it, else the first.
fn goes_on_with<'a>(episodes: &[&'a LibraryMovie]) -> Option<&'a LibraryMovie> {
    let watched = episodes.iter().enumerate().filter(|(_, film)| film.watched_at.is_some());
    let at = match watched.max_by_key(|(_, film)| film.watched_at) {
        None => 0,
        Some((at, film)) if is_begun(film) => at,
        Some((at, _)) => at + 1,
    };
    episodes.get(at).or_else(|| episodes.first()).copied()
}

/// The film that stands in front of the house: one that is live, else what the account goes on with, else the
/// newest that is no event to come.
pub fn featured(films: &[LibraryMovie]) -> Option<&LibraryMovie> {
    let live = films.iter().find(|film| film.playable && is_event(film));
    let last = keep_watching(films).into_iter().next();
    let newest = || films.iter().filter(|film| !is_event(film)).min_by_key(|film| Reverse(film.added));
    live.or(last).or_else(newest).or_else(|| films.first())
}

/// Whether it is an event that is not over.
pub fn is_event(film: &LibraryMovie) -> bool {
    film.state.as_deref().is_some_and(|state| state != EventState::Ended.as_str())
}

/// Whether the account has begun to watch it, and not come to its end.
pub fn is_begun(film: &LibraryMovie) -> bool {
    film.position.is_some_and(|position| position >= 1.0)
}

/// The film of a number.
pub fn film(films: &[LibraryMovie], movie: MovieId) -> Option<&LibraryMovie> {
    films.iter().find(|film| film.movie_id == movie)
}

/// Looks of what stands in for a poster: ground and pattern.
pub const LOOKS: (u32, u32) = (8, 4);

/// Which look a film without a poster has: always the same for one title (FNV-1a).
pub fn look(title: &str) -> (u32, u32) {
    let step = |hash: u32, octet: u8| (hash ^ u32::from(octet)).wrapping_mul(0x0100_0193);
    let hash = title.bytes().fold(0x811C_9DC5, step);
    (hash % LOOKS.0, hash / LOOKS.0 % LOOKS.1)
}

/// The first letters of a title's first three words, and its numbers: `MDF`, `L7`.
pub fn initials(title: &str) -> String {
    let parts = |c: char| {
        c.is_whitespace()
            || c.is_ascii_punctuation() && c != '\''
            || matches!(c, '–' | '—' | '…' | '«' | '»' | '„' | '“' | '”' | '¿' | '¡')
    };
    let words = title.split(parts);
    let is_number = |word: &str| word.len() <= 4 && word.bytes().all(|c| c.is_ascii_digit());
    let letter = |word: &str| match is_number(word) {
        true => word.to_owned(),
        false => word.chars().next().map(|c| c.to_ascii_uppercase().to_string()).unwrap_or_default(),
    };
    words.filter(|word| !word.is_empty()).take(3).map(letter).collect()
}

#[cfg(test)]
mod tests {
    use nccp::json::Episode;

    use super::*;

    fn film(id: u64, title: &str, genres: &[&str], cast: &[&str]) -> LibraryMovie {
        let list = |of: &[&str]| of.iter().map(|&of| of.to_owned()).collect();
        LibraryMovie {
            movie_id: id.to_string().parse().unwrap(),
            title: title.into(),
            year: None,
            synopsis: None,
            runtime: 60.0,
            rating: None,
            cast: list(cast),
            genres: list(genres),
            episode: None,
            added: id,
            art: vec![],
            position: None,
            watched_at: None,
            queued: false,
            liked: None,
            likes: None,
            playable: true,
            embedded: false,
            state: None,
            starts: None,
        }
    }

    fn ids(films: &[&LibraryMovie]) -> Vec<u64> {
        films.iter().map(|film| film.movie_id.get()).collect()
    }

    #[test]
    fn films_are_put_in_order() {
        let mut films = [film(1, "A", &[], &[]), film(3, "B", &[], &[]), film(2, "C", &[], &[])];
        films[0].year = Some(1999);
        films[2].year = Some(2020);
        let mut some: Vec<_> = films.iter().collect();
        sort(&mut some, Order::Newest);
        assert_eq!(ids(&some), [3, 2, 1]);
        sort(&mut some, Order::Year);
        assert_eq!(ids(&some), [2, 1, 3], "without a year comes last");
        let liked = |film: &LibraryMovie, likes| LibraryMovie { likes, ..film.clone() };
        let films = [liked(&films[0], None), liked(&films[1], Some(0)), liked(&films[2], Some(93))];
        let mut some: Vec<_> = films.iter().collect();
        sort(&mut some, Order::Liked);
        assert_eq!(ids(&some), [2, 3, 1], "of which too few have said so comes last");
        assert_eq!(Order::ALL.map(|order| Order::parse(order.as_str())), Order::ALL);
        assert_eq!(Order::parse("size"), Order::Title);
    }

    #[test]
    fn genres_have_their_films_once() {
        let films =
            [film(1, "A", &["Krimi", "Drama"], &[]), film(2, "B", &["drama"], &[]), film(3, "C", &[], &[])];
        let all: Vec<_> = films.iter().collect();
        let found: Vec<_> = genres(&all).iter().map(|(name, films)| (*name, ids(films))).collect();
        assert_eq!(found, [("Drama", vec![1, 2]), ("Krimi", vec![1])]);
        let names: Vec<String> = (0..20).map(|n| format!("g{n}")).collect();
        let many: Vec<_> = names.iter().map(|name| film(9, "X", &[name], &[])).collect();
        assert_eq!(genres(&many.iter().collect::<Vec<_>>()).len(), GENRES);
    }

    #[test]
    fn what_shares_most_is_most_alike() {
        let films = [
            film(1, "A", &["Drama"], &["Ada"]),
            film(2, "B", &["Drama"], &[]),
            film(3, "C", &["Drama"], &["Ada"]),
            film(4, "D", &["Krimi"], &["Bob"]),
        ];
        assert_eq!(ids(&alike(&films, &films[0])), [3, 2]);
        assert!(alike(&films, &films[3]).is_empty());
    }

    #[test]
    fn episodes_follow_each_other() {
        let episode = |id, series: &str, season, number| LibraryMovie {
            episode: Some(Episode { series: series.into(), season, number }),
            ..film(id, "E", &[], &[])
        };
        let films = [
            episode(1, "Signs", 2, 1),
            episode(2, "Signs", 1, 10),
            episode(3, "Other", 1, 1),
            episode(4, "Signs", 1, 9),
            film(5, "Signs", &[], &[]),
        ];
        assert_eq!(ids(&episodes(&films, &films[0])), [4, 2, 1]);
        let next = |of: usize| next_episode(&films, &films[of]).map(|film| film.movie_id.get());
        assert_eq!([next(3), next(1), next(0), next(2), next(4)], [Some(2), Some(1), None, None, None]);
        assert!(episodes(&films, &films[4]).is_empty());
    }

    #[test]
    fn a_series_goes_on_with_its_next_episode() {
        let episode = |id, number| LibraryMovie {
            episode: Some(Episode { series: "Signs".into(), season: 1, number }),
            ..film(id, "E", &[], &[])
        };
        let mut films = [episode(1, 1), episode(2, 2), episode(3, 3), film(4, "A", &[], &[])];
        let going_on = |films: &[LibraryMovie]| ids(&keep_watching(films));
        assert!(going_on(&films).is_empty());
        (films[3].position, films[3].watched_at) = (Some(90.0), Some(5));
        (films[0].position, films[0].watched_at) = (Some(0.0), Some(7));
        assert_eq!(going_on(&films), [2, 4], "the first was seen to its end");
        assert_eq!(featured(&films).unwrap().movie_id.get(), 2);
        films[1].playable = false;
        assert_eq!(going_on(&films), [4]);
        films[1].playable = true;
        (films[1].position, films[1].watched_at) = (Some(30.0), Some(3));
        assert_eq!(going_on(&films), [4, 2], "begun before: it stands where it was left");
        (films[1].position, films[1].watched_at) = (None, Some(9));
        assert_eq!(going_on(&films), [3, 4]);
        films[2].watched_at = Some(1);
        assert_eq!(going_on(&films), [4], "there is none that is new");
    }

    #[test]
    fn a_series_has_one_entry() {
        let episode = |id, series: &str, number| LibraryMovie {
            episode: Some(Episode { series: series.into(), season: 1, number }),
            ..film(id, "E", &[], &[])
        };
        let mut films = vec![
            film(1, "A", &[], &[]),
            episode(2, "Signs", 2),
            film(3, "B", &[], &[]),
            episode(4, "Signs", 1),
            episode(5, "Alone", 1),
        ];
        let entries = |films: &[LibraryMovie], most| -> Vec<(u64, Option<usize>)> {
            let refs: Vec<_> = films.iter().collect();
            let found = by_series(&refs, films, most);
            found.into_iter().map(|entry| (entry.film.movie_id.get(), entry.episodes)).collect()
        };
        assert_eq!(entries(&films, 9), [(1, None), (4, Some(2)), (3, None), (5, None)]);
        assert_eq!(entries(&films, 2), [(1, None), (4, Some(2))]);
        (films[3].position, films[3].watched_at) = (Some(0.0), Some(7));
        assert_eq!(entries(&films, 9)[1], (2, Some(2)), "the first was seen to its end");
        (films[1].position, films[1].watched_at) = (Some(0.0), Some(8));
        assert_eq!(entries(&films, 9)[1], (4, Some(2)), "all were: from the beginning");
        films[1].position = Some(30.0);
        assert_eq!(entries(&films, 9)[1], (2, Some(2)), "it goes on where it was left");
        assert_eq!(by_series(&[&films[3]], &films, 9)[0].film.movie_id.get(), 2, "whichever is in the lane");
        films[1].playable = false;
        assert_eq!(
            by_series(&[&films[3]], &films, 9)[0].film.movie_id.get(),
            4,
            "not to what cannot be played"
        );
        films[1].state = Some("waiting".into());
        assert_eq!(entries(&films, 9)[1], (4, None), "what is to come does not count");
    }

    #[test]
    fn what_comes_next_is_an_episode_or_of_the_list_or_alike() {
        let episode = |id, number| LibraryMovie {
            episode: Some(Episode { series: "Signs".into(), season: 1, number }),
            ..film(id, "E", &["Drama"], &[])
        };
        let mut films = vec![
            episode(1, 1),
            episode(2, 2),
            film(3, "A", &["Drama"], &[]),
            film(4, "B", &["Krimi"], &[]),
            film(5, "C", &["Drama"], &[]),
        ];
        let next =
            |films: &[LibraryMovie], of: usize| comes_next(films, &films[of]).map(|film| film.movie_id.get());
        assert_eq!(next(&films, 0), Some(2));
        assert_eq!(next(&films, 1), Some(3), "after the last episode something else of its kind");
        assert_eq!((next(&films, 2), next(&films, 3)), (Some(1), None), "nothing is like it");
        films[3].queued = true;
        assert_eq!((next(&films, 0), next(&films, 1), next(&films, 2)), (Some(2), Some(4), Some(4)));
        assert_eq!(next(&films, 3), None, "not the film itself");
        films[3].watched_at = Some(9);
        assert_eq!(next(&films, 1), Some(3), "what was watched does not come by itself");
        films[2].liked = Some(false);
        assert_eq!(next(&films, 1), Some(5));
        films[4].playable = false;
        films[1].playable = false;
        assert_eq!((next(&films, 0), next(&films, 1)), (None, None));
        films[1] = LibraryMovie { state: Some("waiting".into()), ..episode(2, 2) };
        assert_eq!(next(&films, 0), None, "an event to come has not begun");
        films[1] = LibraryMovie { watched_at: Some(3), position: Some(7.0), ..episode(2, 2) };
        assert_eq!(next(&films, 0), Some(2), "an episode does, wherever it was left");
    }

    #[test]
    fn the_film_in_front_is_live_or_seen_last_or_new() {
        let mut films = vec![film(1, "A", &[], &[]), film(3, "B", &[], &[]), film(2, "C", &[], &[])];
        let front = |films: &[LibraryMovie]| featured(films).unwrap().movie_id.get();
        assert_eq!(front(&films), 3);
        for (at, seen) in [(0, 5), (2, 9)] {
            films[at].position = Some(10.0);
            films[at].watched_at = Some(seen);
        }
        assert_eq!(front(&films), 2);
        films[0].state = Some("live".into());
        assert_eq!(front(&films), 1);
        films[0].playable = false;
        films[0].position = None;
        films[2].position = Some(0.0);
        assert_eq!(front(&films), 3, "an event to come does not stand in front");
        assert!(featured(&[]).is_none());
    }

    #[test]
    fn films_without_a_poster_are_told_apart() {
        assert_eq!(initials("Matinee demo film"), "MDF");
        assert_eq!(initials("Lecture 7"), "L7");
        assert_eq!(initials("2001: a space odyssey"), "2001AS");
        assert_eq!(initials("  —  "), "");
        assert_eq!(initials("Amélie's, übermorgen"), "Aü");
        let looks: std::collections::BTreeSet<_> = (0..2000).map(|n| look(&format!("Film {n}"))).collect();
        assert_eq!(looks.len(), (LOOKS.0 * LOOKS.1) as usize, "every look is had");
        assert_eq!(look("Film 1"), look("Film 1"));
    }
}
