//! `matinee movie`.

use super::numbers::{self, Number};
use super::{block_on, given_keys, now, open, open_existing, poster};
use crate::args::{AddMovie, ClearField, Details, EditMovie, Movie as Command};
use crate::{Failure, output};
use clap::ValueEnum as _;
use nccp::json::Episode;
use serde_json::{Value, json};
use server::catalogue::Pack;
use server::counters::{self, Playback};
use server::movies::{Added, Field, Over};
use server::policy::{self, Policies};
use server::store::Movie;
use server::{Config, contents, library, movies, posters};
use std::path::Path;

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

pub(crate) fn run(config: &Config, command: Command) -> Result<(), Failure> {
    match command {
        Command::Add(movie) => {
            let AddMovie { folder, content, set, movie, replace, keys, details, json } = *movie;
            if let Some(policy) = &details.policy {
                Policies::load(config)?.check(policy)?;
            }
            // Before the library in it is made.
            server::open_data(&config.data)?;
            let folder = match (folder, content) {
                (Some(folder), _) => folder,
                (None, content) => {
                    let content = content.unwrap_or_default();
                    let mut pack =
                        block_on(async { Ok(contents::describe(config, &content, set.as_deref()).await?) })?;
                    pack.movie_id = movie.map_or(pack.movie_id, nccp::MovieId::get);
                    let number = number_of(config, &pack, replace)?;
                    prepare_license(config, &details, number.so_far.as_ref())?;
                    block_on(async { Ok(contents::prepare(config, &content).await?) })?;
                    return say(&put(config, &pack, details, number.over)?, None, json.json);
                }
            };
            let mut given = given_keys::read(&keys)?;
            let source = block_on(async { Ok(Pack::read_folder(&folder).await?) })?;
            let number = number_of(config, &source, replace)?;
            prepare_license(config, &details, number.so_far.as_ref())?;
            let kept = block_on(async {
                let kept = match movies::read(&*library::open(config)?, &source.id).await {
                    Ok(pack) => Some(pack),
                    Err(server::Error::Pack { .. }) => None,
                    Err(error) => return Err(error.into()),
                };
                Ok(kept)
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
            let names: Vec<_> = source.keys.iter().map(|name| name.kid).collect();
            given_keys::are_of_film(&given, &names)?;
            if !given.is_empty() {
                server::keys::open(&config.keys(), &config.public_url, &[], now())?;
            }
            let pack = block_on(async {
                let (library, intake, keys) = (library::open(config)?, config.library(), config.keys());
                Ok(movies::publish_with(&*library, &intake, &folder, (keys.as_path(), given.as_slice()))
                    .await?)
            })?;
            say(&put(config, &pack, details, number.over)?, None, json.json)
        }
        Command::List(json) => block_on(async {
            let store = open_existing(config).await?;
            let movies = movies::list(&*store).await?;
            store.close().await;
            if json.json {
                return output::json(&movies.iter().map(to_json).collect::<Vec<_>>());
            }
            let row = |m: &Movie| {
                vec![m.id.to_string(), format!("{:.0} s", m.runtime), m.policy.clone(), m.title.clone()]
            };
            output::table(
                &["MOVIE", "RUNTIME", "POLICY", "TITLE"],
                &movies.iter().map(row).collect::<Vec<_>>(),
            )
        }),
        Command::Edit(command) => edit(config, *command),
        Command::Poster(command) => poster::run(config, &command),
        Command::Remove { movie, json } => block_on(async {
            let store = open_existing(config).await?;
            movies::remove(&*store, &*library::open(config)?, movie.get()).await?;
            store.close().await;
            if json.json {
                return output::json(&json!({"movie_id": movie}));
            }
            output::line(&format!("Removed movie {movie}"))
        }),
        Command::Show { movie, json } => block_on(async {
            let store = open_existing(config).await?;
            let movie = movies::find(&*store, movie.get()).await?;
            let playback = counters::summary(&*store, movie.id).await?;
            let given = posters::of_movie(&*store, movie.id).await?;
            store.close().await;
            let pack = match contents::describe_named(config, &movie.pack).await {
                Some(content) => content,
                None => movies::read(&*library::open(config)?, &movie.pack).await,
            };
            let mut value = to_json(&movie);
            value["playback"] = json!(playback);
            value["poster"] = given.as_ref().map(poster::to_json).into();
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

/// The number that a pack has, checked as [`numbers::choose`] does.
fn number_of(config: &Config, pack: &Pack, replace: bool) -> Result<Number, Failure> {
    let asked = nccp::MovieId::try_from(pack.movie_id)
        .map_err(|_| Failure::Command(format!("{} is too large a number for a movie", pack.movie_id)))?;
    numbers::choose(config, Some(asked), replace)
}

/// Whether the film's licenses can come from where they are to, and that a domain has its key where they come
/// along. What is not told stays as it is of the movie that has the number so far.
pub(super) fn prepare_license(
    config: &Config,
    details: &Details,
    so_far: Option<&Movie>,
) -> Result<(), Failure> {
    let policy = details.policy.as_deref().or(so_far.map(|movie| movie.policy.as_str()));
    let license = details.license.or(so_far.map(|movie| movie.license)).unwrap_or_default();
    let policy = policy.unwrap_or(policy::DEFAULT);
    policy::check_mode(&Policies::load(config)?, &config.drm, policy, license)?;
    if license.domain().is_some() {
        let now = now();
        server::keys::open(&config.keys(), &config.public_url, &[], now)?;
        server::keys::make_domains(&config.keys(), now, usize::MAX)?;
    }
    Ok(())
}

/// Adds a published pack's movie.
pub(super) fn put(config: &Config, pack: &Pack, details: Details, over: Over) -> Result<Added, Failure> {
    block_on(async {
        let store = open(config).await?;
        let added = movies::add(&*store, pack, details.into(), over, now()).await?;
        store.close().await;
        Ok(added)
    })
}

/// What there is to say of a movie that was added, for programs.
pub(super) fn added_json(added: &Added, source: Option<&Path>) -> Value {
    let Added { movie, replaced } = added;
    let mut said = json!({"movie_id": movie.id, "title": movie.title, "pack": movie.pack});
    if let Some(before) = replaced {
        said["replaced"] = json!({"title": before.title, "pack": before.pack});
    }
    if let Some(place) = source {
        said["source"] = place.to_string_lossy().into();
    }
    said
}

/// Says that a movie was added, what it took the place of, and where its clear form is.
pub(super) fn say(added: &Added, source: Option<&Path>, json: bool) -> Result<(), Failure> {
    if json {
        return output::json(&added_json(added, source));
    }
    let Added { movie, replaced } = added;
    output::line(&format!("Published movie {} \"{}\" as pack {}", movie.id, movie.title, movie.pack))?;
    if let Some(before) = replaced {
        let place = match before.pack == movie.pack {
            true => "It is the same film as before".to_owned(),
            false => format!(
                "It takes the place of \"{}\", pack {}, whose files stay where they are",
                before.title, before.pack
            ),
        };
        output::line(&format!("{place}; what was not told anew of the movie is as it was"))?;
    }
    match source {
        Some(place) => output::line(&format!("Kept its clear form in {}", place.display())),
        None => Ok(()),
    }
}

/// Changes what is told of a movie.
fn edit(config: &Config, command: EditMovie) -> Result<(), Failure> {
    let EditMovie { movie, details, clear, json } = command;
    if details.is_empty() && clear.is_empty() {
        return Err(Failure::Usage(
            "nothing is named that is to change: `matinee movie edit --help` says what can be".to_owned(),
        ));
    }
    let twice = clear.iter().find(|field| match field {
        ClearField::Year => details.year.is_some(),
        ClearField::Cast => !details.cast.is_empty(),
        ClearField::Genres => !details.genres.is_empty(),
        ClearField::Series => details.series.is_some(),
        ClearField::Synopsis => details.synopsis.is_some(),
        ClearField::Rating => details.rating.is_some(),
        ClearField::Plans => !details.plans.is_empty(),
        ClearField::Regions => !details.regions.is_empty(),
    });
    if let Some(field) = twice {
        let name = field.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
        return Err(Failure::Usage(format!(
            "--clear {name}: it is told anew at the same time; do one of both"
        )));
    }
    if let Some(policy) = &details.policy {
        Policies::load(config)?.check(policy)?;
    }
    let so_far = block_on(async {
        let store = open_existing(config).await?;
        let so_far = movies::find(&*store, movie.get()).await?;
        store.close().await;
        Ok(so_far)
    })?;
    if details.policy.is_some() || details.license.is_some() {
        prepare_license(config, &details, Some(&so_far))?;
    }
    let cleared: Vec<Field> = clear.into_iter().map(Field::from).collect();
    let edited = block_on(async {
        let store = open_existing(config).await?;
        let edited = movies::edit(&*store, movie.get(), details.into(), &cleared, now()).await?;
        let now = movies::find(&*store, movie.get()).await?;
        store.close().await;
        Ok((edited, now))
    })?;
    let (edited, now) = edited;
    let changed = changes(&to_json(&edited.before), &to_json(&now));
    if json.json {
        let mut said = to_json(&now);
        said["edited"] = changed.iter().map(|(name, ..)| name.as_str()).collect();
        return output::json(&said);
    }
    output::line(&match changed.is_empty() {
        true => format!("Movie {} \"{}\" was like that already", now.id, now.title),
        false => format!("Changed movie {} \"{}\"", now.id, now.title),
    })?;
    changed.iter().try_for_each(|(name, before, after)| {
        output::line(&format!("{name:9} {} (it was {})", words(after), words(before)))
    })
}

/// The names that have other values, with what they were and are.
fn changes(before: &Value, after: &Value) -> Vec<(String, Value, Value)> {
    let fields = after.as_object().into_iter().flatten().filter(|(name, _)| *name != "added");
    let changed = fields.filter(|(name, value)| before[name.as_str()] != **value);
    changed.map(|(name, value)| (name.clone(), before[name.as_str()].clone(), value.clone())).collect()
}

/// A value for people.
fn words(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.is_empty() => "-".to_owned(),
        Value::Array(items) => items.iter().map(words).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

impl From<ClearField> for Field {
    fn from(field: ClearField) -> Self {
        match field {
            ClearField::Year => Self::Year,
            ClearField::Cast => Self::Cast,
            ClearField::Genres => Self::Genres,
            ClearField::Series => Self::Episode,
            ClearField::Synopsis => Self::Synopsis,
            ClearField::Rating => Self::Rating,
            ClearField::Plans => Self::Plans,
            ClearField::Regions => Self::Regions,
        }
    }
}

fn to_json(m: &Movie) -> Value {
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

fn show(m: &Movie, pack: Result<Pack, server::Error>, playback: &Playback) -> Result<(), Failure> {
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
