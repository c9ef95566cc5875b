//! Films within a transaction: what lies far away is not waited for while others wait for the writer's turn
//! or the account. A transaction that lacks a film ends without a trace, the film is read, and it runs again.

use super::{Failure, Outcome};
use crate::catalogue::Pack;
use crate::content_place::ContentPlace;
use crate::content_rules::ContentRules;
use crate::contents::{Found, Unserved};
use crate::{Error, Service};
use futures_util::future::join_all;
use origin::scope::Form;
use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How often a transaction runs again for films that were read for it before: what is known of them holds for
/// some seconds, and reading others may have taken longer.
const REPEATS: u32 = 3;
/// Films that are read at the same time.
const TOGETHER: usize = 8;
/// How long somebody waits for them; then they count as unreadable for a while.
const PATIENCE: Duration = Duration::from_secs(30);

/// A film that a transaction lacks.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Unread {
    name: String,
    /// A content's.
    form: Form,
    /// Whether it is no fault when the content has no such form.
    may_lack: bool,
}

impl Unread {
    fn of(name: &str) -> Self {
        Self { name: name.to_owned(), form: Form::Own, may_lack: false }
    }

    /// Whoever reads it holds it.
    async fn read(&self, service: &Service, held: &Mutex<Vec<Arc<Pack>>>) {
        let Ok(place) = self.name.parse::<ContentPlace>() else {
            // What is wrong with it is remembered by the catalogue, which forgets no film either.
            _ = service.catalogue.pack(&self.name).await;
            return;
        };
        let (config, ring, now) = (&service.config, service.keys(), service.clock.now());
        let found = if self.may_lack && !service.origin.has_form(config, &place, self.form, now).await {
            Found::NotInThisForm
        } else {
            match service.origin.film(config, &ring, &place, self.form, now).await {
                Ok(film) => Found::Film(Arc::clone(&film.film)),
                Err(unserved) => Found::Unserved(unserved),
            }
        };
        if let Found::Film(film) = &found {
            held.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(film));
        }
        service.origin.keep(place, self.form, (&ring, service.clock.now()), found);
    }

    fn give_up(&self, service: &Service) {
        match self.name.parse::<ContentPlace>() {
            Err(_) if !service.catalogue.is_at_hand(&self.name) => service.catalogue.give_up(&self.name),
            Ok(place) if found(service, &place, self.form).is_none() => {
                tracing::warn!(content = self.name, "a content was waited for too long");
                let asked = (&service.keys(), service.clock.now());
                service.origin.keep(place, self.form, asked, Found::Unserved(Unserved::Off));
            }
            _ => {}
        }
    }
}

fn found(service: &Service, place: &ContentPlace, form: Form) -> Option<Found> {
    service.origin.found(place, form, (&service.keys(), service.clock.now()))
}

/// A film of the catalogue as [`Service::film`] gives it, for whoever is in a transaction.
///
/// # Errors
/// [`Failure::Unread`] where it would have to be waited for. What is wrong with the film itself is in the
/// value.
pub(crate) async fn film(service: &Service, name: &str) -> Outcome<Result<Arc<Pack>, Error>> {
    let unread = || Failure::Unread(vec![Unread::of(name)]);
    let Ok(place) = name.parse::<ContentPlace>() else {
        if !service.catalogue.is_at_hand(name) {
            return Err(unread());
        }
        return Ok(service.film(name).await);
    };
    match found(service, &place, Form::Own).ok_or_else(unread)? {
        Found::Film(film) => Ok(Ok(film)),
        Found::Unserved(unserved) => Ok(Err(unserved.of(name))),
        Found::NotInThisForm => Err(unread()),
    }
}

/// As [`film`], a content in the form of delivery that has what is looked for ([`Service::film_with`]).
///
/// # Errors
/// As there.
pub(crate) async fn film_with(
    service: &Service,
    name: &str,
    has: impl Fn(&Pack) -> bool + Send + Sync,
) -> Outcome<Result<Arc<Pack>, Error>> {
    let Ok(place) = name.parse::<ContentPlace>() else { return film(service, name).await };
    let mut unread = Vec::new();
    for form in Form::ALL {
        match found(service, &place, form) {
            None => unread.push(Unread { name: name.to_owned(), form, may_lack: true }),
            Some(Found::Film(pack)) if has(&pack) => return Ok(Ok(pack)),
            Some(_) => {}
        }
        // Most players are Matinee's own: the other forms are read where that one has not got it.
        if form == Form::Own && !unread.is_empty() {
            break;
        }
    }
    if unread.is_empty() { film(service, name).await } else { Err(Failure::Unread(unread)) }
}

/// What an origin's configuration says of the rules of a film of the catalogue.
///
/// # Errors
/// As [`film`].
pub(crate) async fn rules_of(service: &Service, name: &str) -> Outcome<ContentRules> {
    match name.parse::<ContentPlace>() {
        Ok(_) => Ok(film(service, name).await?.map(|film| film.rules.clone()).unwrap_or_default()),
        Err(_) => Ok(ContentRules::default()),
    }
}

/// As [`film`], whether all of them can be had.
///
/// # Errors
/// [`Failure::Unread`] with those that cannot.
pub(crate) fn check_all<'a>(service: &Service, names: impl Iterator<Item = &'a str>) -> Outcome<()> {
    let is_unread = |name: &&str| match name.parse::<ContentPlace>() {
        Ok(place) => found(service, &place, Form::Own).is_none(),
        Err(_) => !service.catalogue.is_at_hand(name),
    };
    let unread: Vec<_> = names.filter(is_unread).map(Unread::of).collect();
    if unread.is_empty() { Ok(()) } else { Err(Failure::Unread(unread)) }
}

/// Reads films, so that the next transaction has them, for as long as those that are given back are held: the
/// origin has no room for any number of them. One that cannot be read fails there, too.
async fn read(service: &Service, films: &[Unread]) -> Vec<Arc<Pack>> {
    let (begun, held) = (AtomicUsize::new(0), Mutex::default());
    let all = async {
        for films in films.chunks(TOGETHER) {
            begun.fetch_add(films.len(), Ordering::Relaxed);
            join_all(films.iter().map(|film| film.read(service, &held))).await;
        }
    };
    if tokio::time::timeout(PATIENCE, all).await.is_err() {
        // Nothing is known of those whose turn did not come.
        films.iter().take(begun.load(Ordering::Relaxed)).for_each(|film| film.give_up(service));
    }
    held.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// What was read for a transaction, and is held until it has ended.
#[derive(Debug, Default)]
pub(crate) struct Readings {
    /// As many as its messages speak of: an attempt ends at the first that it lacks.
    tried: HashSet<Unread>,
    repeats: u32,
    held: Vec<Arc<Pack>>,
}

impl Readings {
    /// Reads what an attempt lacked, for the next one. `false`: it was read often enough.
    pub(crate) async fn again(&mut self, service: &Service, films: &[Unread]) -> bool {
        let known = self.tried.len();
        self.tried.extend(films.iter().cloned());
        if self.tried.len() == known {
            if self.repeats >= REPEATS {
                return false;
            }
            self.repeats += 1;
        }
        self.held.extend(read(service, films).await);
        true
    }
}

/// As [`retried!`](crate::store::retried), and again when films were read that the attempt lacked.
macro_rules! with_films {
    ($service:expr, $attempt:expr) => {{
        let mut readings = $crate::use_case::at_hand::Readings::default();
        loop {
            match $crate::store::retried!($attempt) {
                Err($crate::use_case::Failure::Unread(films)) if readings.again($service, &films).await => {}
                result => break result,
            }
        }
    }};
}
pub(crate) use with_films;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::AbsentStore;
    use crate::{Clock, Config};
    use packager::{Destination, PackageOptions, package};
    use std::path::Path;
    use std::sync::atomic::AtomicU64;

    const NAME: &str = "vod/film";

    /// A server with one clear film, its clock, and its folders.
    fn service() -> (Service, Arc<AtomicU64>, [tempfile::TempDir; 2]) {
        service_with_memory(64)
    }

    /// So many mebibytes of it for films.
    fn service_with_memory(memory: u32) -> (Service, Arc<AtomicU64>, [tempfile::TempDir; 2]) {
        let [data, sources] = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let film = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../media/demo/240p.mp4");
        let to = Destination::Directory(sources.path().join("film"));
        let options =
            PackageOptions { scheme: pack::Scheme::None, ..PackageOptions::new(vec![film], 71, None, to) };
        package(&options, &mut ()).unwrap();
        let settings =
            format!("roles = [\"origin\"]\n[origin]\nsources = \"{}\"\n", sources.path().display());
        let mut config = Config::parse(&settings).unwrap();
        config.data = data.path().to_owned();
        config.origin.memory = memory;
        let (clock, hand) = Clock::manual(1_790_000_000);
        let service = Service::with_store(config, clock, Arc::new(AbsentStore)).unwrap();
        (service, hand, [data, sources])
    }

    fn unread<T>(outcome: Outcome<T>) -> Vec<Unread> {
        match outcome.map(drop) {
            Err(Failure::Unread(films)) => films,
            other => panic!("{other:?}"),
        }
    }

    fn forms(films: &[Unread]) -> Vec<Form> {
        films.iter().map(|film| film.form).collect()
    }

    /// A transaction asks no source: it fails, and finds what was read for it until a moment later. Keys that
    /// no form has are looked for in each of them once, however often somebody makes them up.
    #[tokio::test]
    async fn contents_are_read_outside_of_transactions() {
        let (service, clock, folders) = service();
        let own = unread(film(&service, NAME).await);
        assert_eq!(own, unread(check_all(&service, [NAME].into_iter())));
        let mut readings = Readings::default();
        assert!(readings.again(&service, &own).await);
        let laid_out = film(&service, NAME).await.unwrap().unwrap();
        check_all(&service, [NAME].into_iter()).unwrap();
        let found = film_with(&service, NAME, |pack| !pack.keys.is_empty()).await.unwrap().unwrap();
        assert!(Arc::ptr_eq(&found, &laid_out));

        let others = unread(film_with(&service, NAME, |_| false).await);
        assert_eq!(forms(&others), [Form::Dash, Form::Hls]);
        assert!(readings.again(&service, &others).await);
        drop(folders);
        for _ in 0..3 {
            let found = film_with(&service, NAME, |_| false).await.unwrap().unwrap();
            assert!(Arc::ptr_eq(&found, &laid_out));
        }
        // Of what others watch more is known than answers say.
        clock.fetch_add(7, Ordering::Relaxed);
        assert!(Arc::ptr_eq(&film(&service, NAME).await.unwrap().unwrap(), &laid_out));
        clock.fetch_add(60, Ordering::Relaxed);
        assert_eq!(forms(&unread(film_with(&service, NAME, |_| false).await)), [Form::Own]);
    }

    /// Each message of an envelope may be of another content, of which nobody knows before its turn comes.
    #[tokio::test]
    async fn an_envelope_may_speak_of_many_contents() {
        let (service, _, _folders) = service();
        let names: Vec<String> = (0..16).map(|n| format!("vod/none{n}")).collect();
        let attempts = AtomicUsize::new(0);
        let attempt = async || {
            attempts.fetch_add(1, Ordering::Relaxed);
            for name in &names {
                film(&service, name).await?.unwrap_err();
            }
            Ok::<_, Failure>(())
        };
        with_films!(&service, attempt()).unwrap();
        assert_eq!(attempts.load(Ordering::Relaxed), 17);
        let mut readings = Readings::default();
        for expected in [true, true, true, true, false] {
            assert_eq!(readings.again(&service, &[Unread::of("vod/none0")]).await, expected);
        }
    }

    /// A film that the origin has no room for is there for the transaction that it was read for.
    #[tokio::test]
    async fn what_was_read_is_held_until_the_transaction_has_ended() {
        let (service, _, folders) = service_with_memory(0);
        let mut readings = Readings::default();
        assert!(readings.again(&service, &unread(film(&service, NAME).await)).await);
        drop(folders);
        for _ in 0..2 {
            check_all(&service, [NAME].into_iter()).unwrap();
            film(&service, NAME).await.unwrap().unwrap();
        }
        drop(readings);
        assert_eq!(forms(&unread(film(&service, NAME).await)), [Form::Own]);
    }

    /// A long list does not push out its own answers.
    #[tokio::test]
    async fn answers_of_a_long_list_are_kept() {
        let (service, _, _folders) = service();
        let (ring, now) = (service.keys(), service.clock.now());
        let places: Vec<ContentPlace> = (0..10_000).map(|n| format!("vod/f{n}").parse().unwrap()).collect();
        for place in &places {
            service.origin.keep(place.clone(), Form::Own, (&ring, now), Found::NotInThisForm);
        }
        assert!(places.iter().all(|place| found(&service, place, Form::Own).is_some()));
    }

    /// What there is not is asked for a bounded number of times, and then known for a moment.
    #[tokio::test]
    async fn contents_that_are_none_are_known_as_such() {
        let (service, _, _folders) = service();
        let mut readings = Readings::default();
        let error = loop {
            match film_with(&service, "vod/none", |_| true).await {
                Err(Failure::Unread(films)) => assert!(readings.again(&service, &films).await),
                found => break found.unwrap().unwrap_err(),
            }
        };
        assert!(error.to_string().contains("there is no such content"), "{error}");
    }
}
