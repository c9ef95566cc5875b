//! The catalogue as an account sees it.

use super::speaker::Speaker;
use super::{Failure, Outcome, at_hand, drm_metadata, metadata, playable, posters, votes};
use crate::Service;
use crate::live;
use crate::region::Place;
use crate::store::{Account, Movie, Poster, StoreError, Transaction, Viewing, retried};
use futures_util::{StreamExt as _, stream};
use license::{Domain, KeyLevel};
use nccp::json::{Film, FilmChapter, FilmTrack, Library, LibraryMovie};
use nccp::{
    AccountInfo, Art, ErrorCode, EventState, LicenseMode, MediaType, MovieId, QueueMovie, ResponseMessage,
};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// Films of the library that are read at once, where memory does not have them.
const FILMS_AT_ONCE: usize = 16;
/// For this long, all of them together. Those that take longer are shown as not playable.
const FILMS_READ_WITHIN: Duration = Duration::from_secs(10);

/// Films of a list that a device is told of: all of them are read for that. Those that were put there last.
const MOST_QUEUED: usize = 500;

/// `GET /api/library`.
pub(crate) async fn library(service: &Service, account: &Account, place: &Place) -> Outcome<Library> {
    let (movies, told, latest, queue, devices) = retried!(async {
        let mut tx = service.store.read().await?;
        let latest = tx.latest_viewings(account.id).await?;
        let devices = tx.devices(account.id).await?;
        let given = tx.posters().await?.into_iter().collect();
        let liked = tx.votes(account.id).await?.into_iter().collect();
        let told = Told { given, liked, likes: votes::likes(service, &mut *tx).await? };
        Ok::<_, StoreError>((tx.movies().await?, told, latest, tx.queue(account.id).await?, devices))
    })?;
    let latest: HashMap<_, _> = latest.into_iter().collect();
    let seen = Seen::now(service, account, place, told);
    // Only whether they are there: a content would have to be laid out for more. A storage that is slow or
    // away does not keep the library from anybody.
    let until = Instant::now() + FILMS_READ_WITHIN;
    let names: Vec<String> = movies.iter().map(|movie| movie.pack.clone()).collect();
    let read = |name: String| async move { timeout_at(until, service.art(&name)).await.ok().flatten() };
    let art: Vec<_> = stream::iter(names).map(read).buffered(FILMS_AT_ONCE).collect().await;
    let mut listed = Vec::with_capacity(movies.len());
    for (movie, art) in movies.into_iter().zip(art) {
        let queued = queue.iter().any(|queued| queued.id == movie.id);
        let viewing = latest.get(&movie.id);
        listed.extend(seen.movie(movie, art, viewing, queued));
    }
    let boxes = devices.iter().filter(|device| device.kind == "box").count();
    Ok(Library {
        account: account.handle.clone(),
        email: account.email.clone(),
        movies: listed,
        boxes: u32::try_from(boxes).unwrap_or(u32::MAX),
    })
}

/// What a movie looks like to an account, there and now.
struct Seen<'a> {
    service: &'a Service,
    account: &'a Account,
    place: &'a Place,
    now: u64,
    states: HashMap<u64, (EventState, Option<u64>)>,
    told: Told,
}

/// What is told of movies beside themselves, by their numbers.
struct Told {
    /// Posters that they were given.
    given: HashMap<u64, Poster>,
    /// Whether the account likes them, where it has said so.
    liked: HashMap<u64, bool>,
    /// How many in a hundred of all accounts do.
    likes: Arc<HashMap<u64, u8>>,
}

impl<'a> Seen<'a> {
    fn now(service: &'a Service, account: &'a Account, place: &'a Place, told: Told) -> Self {
        let states = service.live.states(service.clock.millis());
        Self { service, account, place, now: service.clock.now(), states, told }
    }

    /// A movie with its pictures, which are there where its files are; `None` for a number that is none.
    fn movie(
        &self,
        movie: Movie,
        art: Option<Vec<Art>>,
        viewing: Option<&Viewing>,
        queued: bool,
    ) -> Option<LibraryMovie> {
        let Self { service, account, place, told, .. } = self;
        let movie_id = MovieId::try_from(movie.id).ok()?;
        let state = self.states.get(&movie.id);
        // What is live has no pack yet.
        let is_there = match movie.pack == live::pack_of(movie.id) {
            true => service.live.session_of(&movie).is_some_and(|session| !session.has_ended()),
            false => art.is_some(),
        };
        Some(LibraryMovie {
            movie_id,
            position: viewing.map(|viewing| viewing.resume()),
            watched_at: viewing.map(|viewing| viewing.seen),
            queued,
            playable: playable::may_play(account, &movie, place).is_ok() && is_there,
            liked: told.liked.get(&movie.id).copied(),
            likes: told.likes.get(&movie.id).copied(),
            art: match told.given.get(&movie.id) {
                Some(poster) => vec![posters::art(poster)],
                None => art.unwrap_or_default(),
            },
            embedded: drm_metadata::domain_of(service, &movie, self.now)
                .is_some_and(|of| Domain::of_level(KeyLevel::Webcrypto).contains(&of.domain)),
            state: state.map(|(state, _)| state.as_str().to_owned()),
            starts: state.and_then(|(_, starts)| *starts),
            title: movie.title,
            year: movie.year,
            synopsis: movie.synopsis,
            runtime: movie.runtime,
            rating: movie.rating,
            cast: movie.cast,
            genres: movie.genres,
            episode: movie.episode,
            added: movie.added,
        })
    }
}

/// `GET /api/films/{id}`: by the rules of the library, which lists what the account may not play, too.
pub(crate) async fn film(
    service: &Service,
    account: &Account,
    movie: MovieId,
    place: &Place,
) -> Outcome<Film> {
    let (movie, told, viewing, queued) = retried!(async {
        let mut tx = service.store.read().await?;
        let found = tx.movie(movie.get()).await?.ok_or(ErrorCode::MovieUnknown)?;
        let given = tx.poster(found.id).await?.map(|poster| (found.id, poster)).into_iter().collect();
        let liked = tx.vote(account.id, found.id).await?.map(|liked| (found.id, liked)).into_iter().collect();
        let told = Told { given, liked, likes: votes::likes(service, &mut *tx).await? };
        let viewing = tx.viewings(account.id, found.id, 1).await?.first().copied();
        let queued = tx.queue(account.id).await?.iter().any(|queued| queued.id == found.id);
        Ok::<_, Failure>((found, told, viewing, queued))
    })?;
    let until = Instant::now() + FILMS_READ_WITHIN;
    let pack = timeout_at(until, service.film(&movie.pack)).await.ok().and_then(Result::ok);
    let art = timeout_at(until, service.art(&movie.pack)).await.ok().flatten();
    let seen = Seen::now(service, account, place, told);
    let film = seen.movie(movie, art, viewing.as_ref(), queued).ok_or(ErrorCode::MovieUnknown)?;
    let Some(pack) = pack else {
        return Ok(Film { film, audio: Vec::new(), subtitles: Vec::new(), chapters: Vec::new() });
    };
    let track = |language: &str, label: &Option<String>| FilmTrack {
        language: language.to_owned(),
        label: label.clone(),
    };
    let sounds = pack.tracks().into_iter().filter(|of| of.media_type == MediaType::Audio);
    Ok(Film {
        film,
        audio: sounds.map(|of| track(of.language.as_deref().unwrap_or("und"), &of.name)).collect(),
        subtitles: pack.subtitles.iter().map(|of| track(&of.language, &of.label)).collect(),
        chapters: pack
            .chapters
            .iter()
            .map(|of| FilmChapter { start: of.start as f64 / 1000.0, title: of.title.clone() })
            .collect(),
    })
}

/// Whether the page of a film may be shown there. One that does not exist is shown, to say so.
pub(crate) async fn watchable(service: &Service, movie: Option<MovieId>, place: &Place) -> Outcome<bool> {
    let Some(movie) = movie.filter(|_| place.allowed) else { return Ok(place.allowed) };
    let movie = retried!(async { service.store.read().await?.movie(movie.get()).await })?;
    Ok(movie.is_none_or(|movie| place.may(&movie.regions)))
}

/// `PUT` and `DELETE /api/queue/{movie}`.
pub(crate) async fn set_queued(
    service: &Service,
    account: &Account,
    movie: u64,
    queued: bool,
) -> Outcome<()> {
    retried!(async {
        let mut tx = service.store.begin().await?;
        if tx.movie(movie).await?.is_none() {
            return Err(ErrorCode::MovieUnknown.into());
        }
        tx.set_queued(account.id, movie, queued, service.clock.now()).await?;
        Ok(tx.commit().await?)
    })
}

/// `accountinfo`.
pub(crate) async fn account_info(
    service: &Service,
    tx: &mut dyn Transaction,
    speaker: &Speaker,
) -> Outcome<ResponseMessage> {
    let devices = tx.devices(speaker.account.id).await?.len();
    Ok(ResponseMessage::AccountInfo(AccountInfo {
        name: speaker.account.shown_name().to_owned(),
        plan: speaker.account.plan.clone(),
        device_name: speaker.device.name.clone(),
        devices: u32::try_from(devices).unwrap_or(u32::MAX),
        device_limit: service.config.devices.limit,
    }))
}

/// `queue`.
pub(crate) async fn queue(
    service: &Service,
    tx: &mut dyn Transaction,
    speaker: &Speaker,
    now: u64,
) -> Outcome<ResponseMessage> {
    let account = &speaker.account;
    let level = speaker.device.level;
    let latest: HashMap<_, _> = tx.latest_viewings(account.id).await?.into_iter().collect();
    let mut movies = tx.queue(account.id).await?;
    movies.drain(..movies.len().saturating_sub(MOST_QUEUED));
    let given: HashMap<_, _> = tx.posters().await?.into_iter().collect();
    at_hand::check_all(service, movies.iter().map(|movie| &movie.pack[..]))?;
    let mut queue = Vec::with_capacity(movies.len());
    for movie in &movies {
        let Ok(movie_id) = MovieId::try_from(movie.id) else { continue };
        let of = drm_metadata::domain_of(service, movie, now);
        let serves = of.is_some_and(|of| Domain::of_level(level).contains(&of.domain));
        queue.push(QueueMovie {
            license_mode: if serves { LicenseMode::Embedded } else { LicenseMode::Server },
            movie_id,
            metadata: metadata::of_movie(service, movie, given.get(&movie.id)).await?,
            position: latest.get(&movie.id).map_or(0.0, |viewing| viewing.resume()),
        });
    }
    Ok(ResponseMessage::Queue(queue))
}
