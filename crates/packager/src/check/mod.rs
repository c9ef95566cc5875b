//! Whether a pack is whole and as it must be.

mod auxiliary;
mod decoding;
mod extras;
mod files;
mod header;
mod ivs;
mod ladder;
mod media;
mod report;
mod samples;

use std::fs;
use std::path::Path;

use cenc::KidAndKey;
use pack::Pack;
use pack::layout::PACK_JSON;

pub use report::{Check, CheckReport, Outcome};

use self::ivs::Ivs;
use self::report::{Findings, count};
use crate::{Error, Progress};

/// Octets of a `pack.json` that is read.
const MAX_PACK_JSON: u64 = 256 << 20;

/// Checks a pack's folder: that all files are there as `pack.json` says and no other; that indexes, times,
/// samples and their encryption agree with each other and with it; that no IV is used twice under one key;
/// that all steps of the ladder are cut alike; that subtitles, thumbnails and poster can be read; and, where
/// ffmpeg is installed, that it decodes what is clear or has its keys among `keys`. Files are read piece by
/// piece.
///
/// What is wrong with the pack is in the report.
///
/// # Errors
/// [`Error::Io`] where the folder cannot be read at all.
pub fn check(folder: &Path, keys: &[KidAndKey], progress: &mut dyn Progress) -> Result<CheckReport, Error> {
    fs::read_dir(folder).map_err(Error::io(folder, "open"))?;
    let mut findings = Findings::default();
    let pack = read(folder).map_err(|what| findings.add(what)).ok();
    let seen = pack.as_ref().map_or_else(String::new, |pack| {
        let representations = count(pack.representations.len() as u64, "representation");
        format!("pack {}, {}, {representations}", pack.pack_id, pack.scheme)
    });
    let mut checks = vec![findings.into_check("pack.json", None, seen)];
    let Some(pack) = pack else { return Ok(CheckReport::new(folder.into(), None, checks)) };
    checks.push(files::check(folder, &pack, progress)?);
    let (mut ivs, mut longest) = (Ivs::default(), Vec::new());
    progress.stage("reading", pack.representations.iter().map(|r| r.size).sum());
    for of in 0..pack.representations.len() {
        let (more, sample) = media::check(folder, (&pack, of), &mut ivs, progress);
        checks.extend(more);
        longest.push(sample);
    }
    checks.push(ivs.check(|of| pack.representations.get(of).map_or_else(String::new, |r| r.id.clone())));
    checks.extend(ladder::check(&pack, &longest));
    checks.extend(extras::check(folder, &pack));
    checks.extend(decoding::check(folder, &pack, keys, progress));
    Ok(CheckReport::new(folder.into(), Some(pack.pack_id), checks))
}

fn read(folder: &Path) -> Result<Pack, String> {
    let path = folder.join(PACK_JSON);
    let no = |error: std::io::Error| format!("{PACK_JSON} cannot be read: {error}");
    if fs::metadata(&path).map_err(no)?.len() > MAX_PACK_JSON {
        return Err(format!("{PACK_JSON} is too large"));
    }
    Pack::from_json(&fs::read(&path).map_err(no)?).map_err(|error| error.to_string())
}
