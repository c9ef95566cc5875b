//! The folder: every file that `pack.json` names, and no other.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use pack::layout::{PACK_JSON, SEALED_KEYS, SOURCE_JSON};
use pack::{Pack, PackFile};

use super::report::{Check, Findings, count};
use crate::media_file::MediaFile;
use crate::{Error, Progress};

/// How deep folders of a pack lie in each other.
const DEPTH: usize = 4;

/// A named file: where `pack.json` says them, its size and SHA-256.
type Named<'a> = BTreeMap<&'a str, Option<(u64, &'a str)>>;

fn named(pack: &Pack) -> Named<'_> {
    let mut named: Named<'_> = pack
        .representations
        .iter()
        .map(|r| (r.path.as_str(), Some((r.size, r.sha256.as_str()))))
        .chain(extra_files(pack).map(|file| (file.path.as_str(), Some((file.size, file.sha256.as_str())))))
        .collect();
    named.extend(pack.poster.iter().map(|poster| (poster.as_str(), None)));
    named
}

fn extra_files(pack: &Pack) -> impl Iterator<Item = &PackFile> {
    let thumbnails = pack.thumbnails.iter();
    let thumbnails = thumbnails.flat_map(|t| [&t.bif].into_iter().chain(&t.sheets).chain(&t.sheet_index));
    pack.subtitles.iter().map(|subtitle| &subtitle.file).chain(thumbnails)
}

pub(super) fn check(folder: &Path, pack: &Pack, progress: &mut dyn Progress) -> Result<Check, Error> {
    let (named, mut findings) = (named(pack), Findings::default());
    let total = named.values().flatten().map(|(size, _)| *size).sum();
    progress.stage("checking", total);
    for (&path, expected) in &named {
        let place = folder.join(path);
        let meta = match fs::symlink_metadata(&place) {
            Ok(meta) => meta,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                findings.add(format!("{path} is missing"));
                continue;
            }
            Err(error) => return Err(Error::io(&place, "open")(error)),
        };
        if !findings.must(meta.is_file(), || format!("{path} is no file")) {
            continue;
        }
        let Some((size, sha256)) = *expected else { continue };
        if !findings
            .must(meta.len() == size, || format!("{path} has {} octets instead of {size}", meta.len()))
            || size == 0
        {
            continue;
        }
        let digest = hex::encode(MediaFile::open(&place)?.sha256(progress)?);
        findings.must(digest.eq_ignore_ascii_case(sha256), || {
            format!("{path} has the SHA-256 {digest} instead of {sha256}")
        });
    }
    strangers(folder, "", &named, DEPTH, &mut findings)?;
    let seen = format!("{} of {total} octets, no other", count(named.len() as u64, "file"));
    Ok(findings.into_check("files", None, seen))
}

/// Finds what nobody named.
fn strangers(
    folder: &Path,
    inside: &str,
    named: &Named<'_>,
    depth: usize,
    findings: &mut Findings,
) -> Result<(), Error> {
    for entry in fs::read_dir(folder).map_err(Error::io(folder, "read"))? {
        let entry = entry.map_err(Error::io(folder, "read"))?;
        let path = format!("{inside}{}", entry.file_name().to_string_lossy());
        let is_folder = entry.file_type().map_err(Error::io(folder, "read"))?.is_dir();
        let below = format!("{path}/");
        if is_folder && depth > 0 && named.keys().any(|name| name.starts_with(&below)) {
            strangers(&entry.path(), &below, named, depth - 1, findings)?;
        } else if is_folder
            || !(named.contains_key(&path[..]) || [PACK_JSON, SEALED_KEYS, SOURCE_JSON].contains(&&path[..]))
        {
            findings.add(format!("{path} is there, and pack.json does not name it"));
        }
    }
    Ok(())
}
