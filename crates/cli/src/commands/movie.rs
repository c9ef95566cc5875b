//! `matinee movie`.

use super::{block_on, given_keys, now, open};
use crate::args::{AddMovie, Details, Movie};
use crate::{Failure, output};
use nccp::json::Episode;
use serde_json::{Value, json};
use server::catalogue::Pack;
use server::counters::{self, Playback};
use server::policy::{self, Policies};
use server::store::NewMovie;
use server::{Config, contents, library, movies};

impl From<Details> for movies::Details {
    fn from(details: Details) -> Self {
        let Details {
            title,
            year,
            cast,
            genres,
            series,
            season,
            episode,
            synopsis,
            rating,
            policy,
            license,
            regions,
            plans,
        } = details;
        let episode = series.zip(season).zip(episode);
        let episode = episode.map(|((series, season), number)| Episode { series, season, number });
        Self { title, year, cast, genres, episode, synopsis, rating, policy, plans, regions, license }
    }
}

pub(crate) fn run(config: &Config, command: Movie) -> Result<(), Failure> {
    match command {
        Movie::Add(movie) => {
            let AddMovie { folder, content, set, movie, keys, details, json } = *movie;
            if let Some(policy) = &details.policy {
                Policies::load(config)?.check(policy)?;
            }
            // Before the library in it is made.
            server::open_data(&config.data)?;
            prepare_license(config, &details)?;
            let folder = match (folder, content) {
                (Some(folder), _) => folder,
                (None, content) => {
                    let content = content.unwrap_or_default();
                    let mut pack = contents::describe(config, &content, set.as_deref())?;
                    pack.movie_id = movie.map_or(pack.movie_id, nccp::MovieId::get);
                    contents::prepare(config, &content)?;
                    return add(config, &pack, details, json.json);
                }
            };
            let mut given = given_keys::read(&keys)?;
            let (source, kept) = block_on(async {
                let source = Pack::read_folder(&folder).await?;
                let kept = match movies::read(&*library::open(config)?, &source.id).await {
                    Ok(pack) => Some(pack),
                    Err(server::Error::Pack { .. }) => None,
                    Err(error) => return Err(error.into()),
                };
                Ok((source, kept))
            })?;
            if keys.cpix.is_some() {
                // A document may have keys of sizes that the film lacks.
                given.retain(|key| source.keys.iter().any(|name| name.kid == key.kid));
            }
            let missing = kept.as_ref().unwrap_or(&source).missing_keys();
            if let Some(kid) = missing.into_iter().find(|kid| !given.iter().any(|key| key.kid == *kid)) {
                return Err(Failure::Usage(format!(
                    "the film was packaged with a key of its own, without which no license can be made: name it by --key {kid}:KEY, --key-file or --cpix"
                )));
            }
            block_on(async {
                Ok(movies::publish(&*library::open(config)?, &config.library(), &folder).await?)
            })?;
            let pack = given_keys::keep(config, &source.id, &given)?;
            add(config, &pack, details, json.json)
        }
        Movie::List(json) => block_on(async {
            let store = open(config).await?;
            let movies = movies::list(&*store).await?;
            store.close().await;
            if json.json {
                return output::json(&movies.iter().map(to_json).collect::<Vec<_>>());
            }
            let row = |m: &server::store::Movie| {
                vec![m.id.to_string(), format!("{:.0} s", m.runtime), m.policy.clone(), m.title.clone()]
            };
            output::table(
                &["MOVIE", "RUNTIME", "POLICY", "TITLE"],
                &movies.iter().map(row).collect::<Vec<_>>(),
            )
        }),
        Movie::Remove { movie, json } => block_on(async {
            let store = open(config).await?;
            movies::remove(&*store, &*library::open(config)?, movie.get()).await?;
            store.close().await;
            if json.json {
                return output::json(&json!({"movie_id": movie}));
            }
            output::line(&format!("Removed movie {movie}"))
        }),
        Movie::Show { movie, json } => block_on(async {
            let store = open(config).await?;
            let movie = movies::find(&*store, movie.get()).await?;
            let playback = counters::summary(&*store, movie.id).await?;
            store.close().await;
            let pack = match contents::describe_named(config, &movie.pack) {
                Some(content) => content,
                None => movies::read(&*library::open(config)?, &movie.pack).await,
            };
            let mut value = to_json(&movie);
            value["playback"] = json!(playback);
            if let Ok(pack) = &pack {
                value["files"] = files(pack);
            }
            if json.json {
                return output::json(&value);
            }
            show(&movie, pack, &playback)
        }),
    }
}

/// Whether the film's licenses can come from where they are to, and that a domain has its key where they come
/// along.
pub(super) fn prepare_license(config: &Config, details: &Details) -> Result<(), Failure> {
    let policy = details.policy.as_deref().unwrap_or(policy::DEFAULT);
    policy::check_mode(&Policies::load(config)?, &config.drm, policy, details.license)?;
    if details.license.domain().is_some() {
        let now = now();
        server::keys::open(&config.keys(), &config.public_url, &[], now)?;
        server::keys::make_domains(&config.keys(), now, usize::MAX)?;
    }
    Ok(())
}

/// Adds a published pack's movie and says so.
pub(super) fn add(config: &Config, pack: &Pack, details: Details, json: bool) -> Result<(), Failure> {
    let movie = put(config, pack, details)?;
    if json {
        return output::json(&json!({"movie_id": movie.id, "title": movie.title, "pack": movie.pack}));
    }
    output::line(&format!("Published movie {} \"{}\" as pack {}", movie.id, movie.title, movie.pack))
}

/// Adds a published pack's movie.
pub(super) fn put(config: &Config, pack: &Pack, details: Details) -> Result<NewMovie, Failure> {
    if let Some(policy) = &details.policy {
        Policies::load(config)?.check(policy)?;
    }
    block_on(async {
        let store = open(config).await?;
        let movie = movies::add(&*store, pack, details.into(), now()).await?;
        store.close().await;
        Ok(movie)
    })
}

fn to_json(m: &server::store::Movie) -> Value {
    json!({"movie_id": m.id, "title": m.title, "year": m.year, "cast": m.cast, "genres": m.genres, "episode": m.episode, "synopsis": m.synopsis,
        "rating": m.rating, "runtime": m.runtime, "pack": m.pack, "policy": m.policy, "license": m.license.to_string(), "plans": m.plans,
        "regions": m.regions, "available": m.available, "added": m.added})
}

fn files(pack: &Pack) -> Value {
    let file = |r: &server::catalogue::Representation| {
        json!({"downloadable_id": r.downloadable_id, "media_type": r.media_type.as_str(), "codecs": r.codecs,
            "bitrate": r.bitrate, "size": r.size, "segments": r.segments.len()})
    };
    pack.representations.iter().map(file).collect()
}

fn show(
    m: &server::store::Movie,
    pack: Result<Pack, server::Error>,
    playback: &Playback,
) -> Result<(), Failure> {
    let optional = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let list = |items: &[String]| if items.is_empty() { "-".to_owned() } else { items.join(", ") };
    let episode =
        m.episode.as_ref().map(|of| format!("{} of season {} of {}", of.number, of.season, of.series));
    let year = m.year.map_or("-".to_owned(), |year| year.to_string());
    for (name, value) in [
        ("movie", m.id.to_string()),
        ("title", m.title.clone()),
        ("year", year),
        ("cast", list(&m.cast)),
        ("genres", list(&m.genres)),
        ("episode", episode.unwrap_or_else(|| "-".to_owned())),
        ("synopsis", optional(&m.synopsis)),
        ("rating", optional(&m.rating)),
        ("runtime", format!("{:.3} s", m.runtime)),
        ("policy", m.policy.clone()),
        ("license", m.license.to_string()),
        ("plans", list(&m.plans)),
        ("regions", list(&m.regions)),
        ("added", output::time(m.added)),
        ("pack", m.pack.clone()),
    ] {
        output::line(&format!("{name:9} {value}"))?;
    }
    let ms = |time: Option<u64>| time.map_or("-".to_owned(), |ms| format!("{ms} ms"));
    output::line(&format!(
        "playback  {} playbacks on {} devices, start-up {} (median) {} (95 %), {} stalls, {} switches, {} of {} frames \
         dropped, {} errors",
        playback.playbacks,
        playback.devices,
        ms(playback.startup_ms_median),
        ms(playback.startup_ms_p95),
        playback.stalls,
        playback.switches,
        playback.dropped_frames,
        playback.frames,
        playback.errors,
    ))?;
    match pack {
        Err(error) => output::line(&format!("files     {error}")),
        Ok(pack) => pack.representations.iter().try_for_each(|r| {
            output::line(&format!(
                "file      {} {} {} kbit/s {}",
                r.downloadable_id, r.codecs, r.bitrate, r.size
            ))
        }),
    }
}
