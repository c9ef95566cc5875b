//! `matinee storage`.

use super::progress::Bar;
use super::{block_on, data_is_there, has_database, open_existing};
use crate::args::{Storage, StorageCheck, StorageCopy};
use crate::{Failure, output};
use packager::{Destination, Progress as _};
use serde_json::json;
use server::packs::{self, Problem};
use server::store::Movie;
use server::{Config, library, movies};
use std::collections::BTreeSet;
use std::sync::Arc;
use storage::Address;

pub(crate) fn run(config: &Config, command: Storage) -> Result<(), Failure> {
    match command {
        Storage::Copy(copy) => block_on(self::copy(config, copy)),
        Storage::Check(check) => block_on(self::check(config, check)),
    }
}

/// Where films are published to.
pub(super) fn destination(config: &Config) -> Result<Destination, Failure> {
    Ok(match config.storage.url {
        Address::File(_) => Destination::Library(config.library()),
        Address::S3 { .. } => {
            Destination::Storage { storage: library::open(config)?, staging: config.library() }
        }
    })
}

async fn copy(config: &Config, copy: StorageCopy) -> Result<(), Failure> {
    let StorageCopy { places, verify, json } = copy;
    let (from_at, to_at) = match &places[..] {
        [to] => (&config.storage.url, to),
        [from, to, ..] => (from, to),
        [] => return Err(Failure::Usage("name where to".to_owned())),
    };
    let same = match (from_at.folder(&config.data), to_at.folder(&config.data)) {
        (None, None) => from_at == to_at,
        (from, to) => from == to,
    };
    if same {
        return Err(Failure::Usage(format!("{to_at} is where the films are already: name another place")));
    }
    if places.len() == 1 {
        data_is_there(config)?;
    }
    server::open_data(&config.data)?;
    let (from, to) = (library::open_at(config, from_at)?, library::open_at(config, to_at)?);
    let found = packs::list(&*from).await?;
    let mut bar = Bar::new();
    bar.stage("copying", found.iter().map(packs::Listed::bytes).sum());
    let work = config.data.join(super::WORK);
    let mut all = packs::Copied::default();
    for pack in &found {
        let places = (&*from, &*to);
        let copied = packs::copy(places, pack, verify, &work, &mut |bytes| bar.advance(bytes)).await?;
        all.sent += copied.sent;
        all.bytes += copied.bytes;
        all.there += copied.there;
        if json.json {
            let said = json!({"event": "copied", "pack": pack.id, "sent": copied.sent, "bytes": copied.bytes,
                "there": copied.there});
            output::line(&said.to_string())?;
        }
    }
    drop(bar);
    // It stays where others are at work in it.
    let _ = std::fs::remove_dir(&work);
    if json.json {
        let said = json!({"event": "done", "packs": found.len(), "sent": all.sent, "bytes": all.bytes,
            "there": all.there});
        return output::line(&said.to_string());
    }
    output::line(&format!(
        "{} packs are in {to_at}: {} files with {} bytes were sent, {} were there already",
        found.len(),
        all.sent,
        all.bytes,
        all.there
    ))
}

async fn check(config: &Config, check: StorageCheck) -> Result<(), Failure> {
    let StorageCheck { place, repair, json } = check;
    let at = place.as_ref().unwrap_or(&config.storage.url);
    if repair && matches!(at, Address::S3 { prefix: None, .. }) {
        return Err(Failure::Usage(format!(
            "{at} is a whole bucket, in which others may have folders that look like films: films need a prefix of \
             their own, as in {at}/library, before anything is removed"
        )));
    }
    let storage = library::open_at(config, at)?;
    // Before it is known what lies there: a movie that is added meanwhile has its pack there.
    let listed = catalogue(config).await?;
    let found = packs::list(&*storage).await?;
    let mut bar = Bar::new();
    bar.stage("checking", found.iter().map(packs::Listed::bytes).sum());
    let mut problems: Vec<(String, Problem)> = Vec::new();
    for pack in &found {
        let wrong = packs::check(&*storage, pack, &mut |bytes| bar.advance(bytes)).await?;
        problems.extend(wrong.into_iter().map(|problem| (pack.id.clone(), problem)));
    }
    drop(bar);
    for (pack, movies) in missing(&listed, &found) {
        let what = format!("the pack is missing; movie {movies} has it");
        problems.push((pack, Problem { file: "pack.json".to_owned(), what }));
    }
    // What is left of a pack that a movie has may be all that there is of it.
    let kept: BTreeSet<String> = listed.iter().map(|movie| movie.pack.clone()).collect();
    let left = packs::leftovers(&*storage, &kept).await?;
    let swept = if repair { packs::sweep(&*storage, &kept).await? } else { 0 };
    if repair {
        movies::sweep_incoming(&config.library()).await?;
    }
    if json.json {
        let problem = |(pack, problem): &(String, Problem)| json!({"pack": pack, "file": problem.file, "what": problem.what});
        let left: Vec<_> = left
            .iter()
            .map(|(pack, (objects, bytes))| json!({"pack": pack, "objects": objects, "bytes": bytes}))
            .collect();
        output::json(
            &json!({"storage": storage.to_string(), "packs": found.len(), "leftovers": left, "swept": swept,
            "problems": problems.iter().map(problem).collect::<Vec<_>>()}),
        )?;
    } else {
        for (pack, problem) in &problems {
            output::line(&format!("WRONG  {pack}/{} {}", problem.file, problem.what))?;
        }
        for (pack, (objects, bytes)) in &left {
            let what = if repair { "removed" } else { "`--repair` removes it" };
            output::line(&format!(
                "left   {pack}: {objects} files, {bytes} bytes of a broken publication; {what}"
            ))?;
        }
        output::line(&format!("Looked at {} packs in {storage}", found.len()))?;
    }
    match problems.len() {
        0 => Ok(()),
        count => Err(Failure::Command(format!(
            "{count} files are missing or damaged: copy them again by `matinee storage copy FROM {at} --verify`, or publish \
             the film again"
        ))),
    }
}

/// All movies of the catalogue; none where there is no database, as beside a copy of the library.
async fn catalogue(config: &Config) -> Result<Vec<Movie>, Failure> {
    if !has_database(config)? {
        data_is_there(config)?;
        return Ok(Vec::new());
    }
    let store: Arc<_> = open_existing(config).await?;
    let listed = movies::list(&*store).await?;
    store.close().await;
    Ok(listed)
}

/// The packs that movies of the catalogue have and the storage does not, with the movies' numbers.
fn missing(listed: &[Movie], found: &[packs::Listed]) -> Vec<(String, String)> {
    let is_there = |id: &str| found.iter().any(|pack| pack.id == id);
    let lost = listed.iter().filter(|movie| pack::layout::is_pack_id(&movie.pack) && !is_there(&movie.pack));
    lost.map(|movie| (movie.pack.clone(), movie.id.to_string())).collect()
}
