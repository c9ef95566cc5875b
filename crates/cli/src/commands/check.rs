//! `matinee check`.

use super::progress::Bar;
use super::{block_on, given_keys, now, open_existing};
use crate::args::Check;
use crate::{Failure, output};
use cenc::KidAndKey;
use packager::{CheckReport, Outcome};
use server::catalogue::Pack;
use server::{Config, movies};
use std::path::{Path, PathBuf};

/// Checks a film. The configuration is read only where the film is named by its number; the site's keys,
/// where they can be read, are then used beside those that are given.
pub(crate) fn run(config: impl FnOnce() -> Result<Config, Failure>, check: &Check) -> Result<(), Failure> {
    let mut keys = given_keys::read(&check.keys)?;
    let number = check.film.to_str().and_then(|text| text.parse::<u64>().ok());
    let folder = match number.filter(|_| !check.film.exists()) {
        Some(movie) => {
            let config = config()?;
            let folder = library_folder(&config, movie)?;
            keys.extend(site_keys(&config, &folder));
            folder
        }
        None => check.film.clone(),
    };
    let report = packager::check(&folder, &keys, &mut Bar::new())?;
    match check.json.json {
        true => output::json(&report)?,
        false => output::line(report.to_string().trim_end())?,
    }
    match wrong(&report) {
        0 => Ok(()),
        1 => Err(Failure::Command(format!("{}: something is wrong in 1 check", folder.display()))),
        count => Err(Failure::Command(format!("{}: something is wrong in {count} checks", folder.display()))),
    }
}

/// The film's keys, as the site's open them. What cannot be read gives none: the check says what it lacks,
/// and what is wrong with the film.
pub(super) fn site_keys(config: &Config, folder: &Path) -> Vec<KidAndKey> {
    let ring = server::keys::load(&config.keys(), &config.public_url, now());
    let pack = block_on(async { Ok(Pack::read_folder(folder).await?) });
    match (ring, pack) {
        (Ok(ring), Ok(pack)) => movies::content_keys(&ring, &pack),
        _ => Vec::new(),
    }
}

fn wrong(report: &CheckReport) -> usize {
    report.checks.iter().filter(|check| matches!(check.outcome, Outcome::Wrong { .. })).count()
}

/// The folder of a movie of the catalogue.
pub(super) fn library_folder(config: &Config, movie: u64) -> Result<PathBuf, Failure> {
    block_on(async {
        let store = open_existing(config).await?;
        let movie = movies::find(&*store, movie).await?;
        store.close().await;
        if !pack::layout::is_pack_id(&movie.pack) {
            return Err(Failure::Usage(format!(
                "movie {id} is the content {content}, which has no film in the library: `matinee config check` looks at its \
                 clear files, and `matinee movie poster {id} FILE` gives it a picture of yours",
                id = movie.id,
                content = movie.pack
            )));
        }
        if let storage::Address::S3 { .. } = config.storage.url {
            return Err(Failure::Usage(format!(
                "the film lies in {url}: check that it is whole by `matinee storage check`; to look into it, fetch it by \
                 `matinee storage copy {url} file:FOLDER`, and name FOLDER/{pack}",
                url = config.storage.url,
                pack = movie.pack
            )));
        }
        Ok(config.library().join(&movie.pack))
    })
}
