//! `matinee check`.

use super::progress::Bar;
use super::{block_on, given_keys, open};
use crate::args::Check;
use crate::{Failure, output};
use packager::{CheckReport, Outcome};
use server::{Config, movies};
use std::path::PathBuf;

/// Checks a film. The configuration is read only where the film is named by its number.
pub(crate) fn run(config: impl FnOnce() -> Result<Config, Failure>, check: &Check) -> Result<(), Failure> {
    let keys = given_keys::read(&check.keys)?;
    let number = check.film.to_str().and_then(|text| text.parse::<u64>().ok());
    let folder = match number.filter(|_| !check.film.exists()) {
        Some(movie) => library_folder(&config()?, movie)?,
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

fn wrong(report: &CheckReport) -> usize {
    report.checks.iter().filter(|check| matches!(check.outcome, Outcome::Wrong { .. })).count()
}

fn library_folder(config: &Config, movie: u64) -> Result<PathBuf, Failure> {
    block_on(async {
        let store = open(config).await?;
        let movie = movies::find(&*store, movie).await?;
        store.close().await;
        Ok(config.library().join(&movie.pack))
    })
}
