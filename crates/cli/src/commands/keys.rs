//! `matinee keys`.

use super::audit::{audited, entry};
use super::{block_on, data_is_there, now, open};
use crate::args::Keys;
use crate::{Failure, output};
use server::keys::{self, KeyInfo, KeyKind, KeyState};
use server::movies;
use server::{Config, contents, library};

pub(crate) fn run(config: &Config, command: Keys) -> Result<(), Failure> {
    let folder = config.keys();
    match command {
        Keys::Generate(json) => {
            let mut new = audited(config, entry("keys generate", []), || {
                let mut new = keys::generate(&folder, &config.public_url, now())?;
                new.extend(keys::make_domains(&folder, now(), usize::MAX)?);
                Ok(new)
            })?;
            new.sort_by(|a, b| (a.kind, &a.id).cmp(&(b.kind, &b.id)));
            if json.json {
                return output::json(&new);
            }
            if new.is_empty() {
                return output::line("Nothing was missing");
            }
            print(&new)
        }
        Keys::Export { folder: to, json } => {
            let details = [("folder", to.display().to_string().into())];
            let copied = audited(config, entry("keys export", details), || {
                Ok(keys::export(&folder, &to, &config.public_url, now())?)
            })?;
            if json.json { output::json(&copied) } else { print(&copied) }
        }
        Keys::Rotate { kind, signs, now: at_once, json } => {
            let details =
                [("kind", kind.as_str().into()), ("signs", signs.clone().into()), ("now", at_once.into())];
            let changed = audited(config, entry("keys rotate", details), || {
                Ok(keys::rotate(&folder, &config.public_url, kind, signs.as_deref(), at_once, now())?)
            })?;
            if json.json {
                return output::json(&changed);
            }
            print(&changed)?;
            for key in
                changed.iter().filter(|key| key.kind == KeyKind::Common && key.state == KeyState::VerifyOnly)
            {
                let films = films_of(config, &key.id)?;
                if !films.is_empty() {
                    output::line(&format!(
                        "Common key {} is still needed by {films}, which play on as they are",
                        key.id
                    ))?;
                }
            }
            let next = changed.iter().any(|key| key.state == KeyState::Next);
            output::line(if next {
                "Every server reads it within half a minute (or on SIGHUP); then run this again to make it active"
            } else {
                "What the old key made holds until it is retired: `matinee keys retire`"
            })
        }
        Keys::Retire { kind, id, json } => {
            if kind == KeyKind::Common {
                refuse_if_used(config, &id)?;
            }
            let details = [("kind", kind.as_str().into()), ("id", id.as_str().into())];
            let key =
                audited(config, entry("keys retire", details), || Ok(keys::retire(&folder, kind, &id)?))?;
            if json.json {
                output::json(&key)
            } else {
                output::line(&format!("Retired {} {id}", kind.as_str()))
            }
        }
        Keys::List(json) => {
            data_is_there(config)?;
            let list = if keys::exist(&folder)? { keys::list(&folder)? } else { Vec::new() };
            if json.json { output::json(&list) } else { print(&list) }
        }
    }
}

/// Films that were packaged with a common key cannot be played without it.
fn refuse_if_used(config: &Config, id: &str) -> Result<(), Failure> {
    let films = films_of(config, id)?;
    if films.is_empty() {
        return Ok(());
    }
    Err(Failure::Command(format!("common key {id} is still needed by {films}: package them again first")))
}

/// The films that were packaged with a common key, in words; empty if there are none.
fn films_of(config: &Config, id: &str) -> Result<String, Failure> {
    block_on(async {
        let store = open(config).await?;
        let movies = movies::list(&*store).await?;
        store.close().await;
        let ring = keys::load(&config.keys(), &config.public_url, now()).ok();
        let library = library::open(config)?;
        let mut films = Vec::new();
        for movie in movies {
            let pack = movies::read(&*library, &movie.pack).await;
            let packed = pack.is_ok_and(|pack| pack.keys.iter().any(|key| key.common_key_id == id));
            let made = match &ring {
                Some(ring) if !packed => contents::uses_common_key(config, ring, &movie.pack, id).await,
                _ => false,
            };
            if packed || made {
                films.push(format!("{} \"{}\"", movie.id, movie.title));
            }
        }
        Ok(films.join(", "))
    })
}

fn print(list: &[KeyInfo]) -> Result<(), Failure> {
    let row = |key: &KeyInfo| {
        let typ = key.typ.clone().unwrap_or_default();
        vec![
            key.kind.as_str().to_owned(),
            key.id.clone(),
            key.state.as_str().to_owned(),
            output::time(key.created),
            typ,
        ]
    };
    output::table(&["KIND", "ID", "STATE", "CREATED", "SIGNS"], &list.iter().map(row).collect::<Vec<_>>())
}
