//! What a pack has beside pictures and sound.

use std::fs;
use std::path::Path;

use pack::{Pack, PackFile, Thumbnails, bif};
use subtitles::Track;

use super::report::{Check, Findings, count};
use crate::extras::MAX_THUMBNAILS;

/// Octets of a poster, at most.
const MAX_POSTER: u64 = 64 << 20;

/// Milliseconds of a fraction of seconds, rounded up.
fn duration_ms(pack: &Pack) -> u64 {
    let pack::Fraction { value, timescale } = pack.duration;
    (u128::from(value) * 1000).div_ceil(u128::from(timescale)).try_into().unwrap_or(u64::MAX)
}

/// Reads a file within a bound; what is wrong is found.
fn read(folder: &Path, path: &str, most: u64, findings: &mut Findings) -> Option<Vec<u8>> {
    let place = folder.join(path);
    let content = match fs::metadata(&place) {
        Ok(meta) if meta.len() > most => Err(format!("{path} has more than {most} octets")),
        Ok(_) => fs::read(&place).map_err(|error| format!("{path} cannot be read: {error}")),
        Err(error) => Err(format!("{path} cannot be read: {error}")),
    };
    content.map_err(|what| findings.add(what)).ok()
}

fn vtt(folder: &Path, file: &PackFile, findings: &mut Findings) -> Option<Track> {
    let text = read(folder, &file.path, subtitles::MAX_OCTETS as u64, findings)?;
    subtitles::read_webvtt(&text).map_err(|error| findings.add(format!("{}: {error}", file.path))).ok()
}

pub(super) fn check(folder: &Path, pack: &Pack) -> Vec<Check> {
    let mut checks = Vec::new();
    for subtitle in &pack.subtitles {
        let mut findings = Findings::default();
        let track = vtt(folder, &subtitle.file, &mut findings);
        let cues = track.map_or(0, |track| track.cues.len() as u64);
        checks.push(findings.into_check("subtitles", Some(&subtitle.id), count(cues, "cue")));
    }
    if let Some(thumbnails) = &pack.thumbnails {
        let mut findings = Findings::default();
        bif_file(folder, thumbnails, &mut findings);
        if !thumbnails.sheets.is_empty() {
            sheets(folder, thumbnails, &mut findings);
        }
        let seen = format!(
            "{} of {}x{}, every {} ms",
            count(thumbnails.count.into(), "picture"),
            thumbnails.width,
            thumbnails.height,
            thumbnails.interval
        );
        checks.push(findings.into_check("thumbnails", None, seen));
    }
    if let Some(poster) = &pack.poster {
        let mut findings = Findings::default();
        let size = read(folder, poster, MAX_POSTER, &mut findings).and_then(|octets| jpeg_size(&octets));
        if findings.is_empty() && size.is_none() {
            findings.add(format!("{poster} is no JPEG"));
        }
        let (width, height) = size.unwrap_or_default();
        checks.push(findings.into_check("poster", None, format!("{width}x{height}")));
    }
    if !pack.chapters.is_empty() {
        let (mut findings, end) = (Findings::default(), duration_ms(pack));
        for chapter in pack.chapters.iter().filter(|chapter| chapter.start >= end) {
            findings.add(format!(
                "`{}` begins at {} ms, and the film ends at {end} ms",
                chapter.title, chapter.start
            ));
        }
        checks.push(findings.into_check("chapters", None, count(pack.chapters.len() as u64, "chapter")));
    }
    checks
}

fn jpeg_size(octets: &[u8]) -> Option<(u32, u32)> {
    let size = imagesize::blob_size(octets).ok().filter(|_| octets.starts_with(b"\xff\xd8\xff"))?;
    Some((size.width.try_into().ok()?, size.height.try_into().ok()?))
}

fn bif_file(folder: &Path, thumbnails: &Thumbnails, findings: &mut Findings) {
    let path = &thumbnails.bif.path;
    let Some(octets) = read(folder, path, MAX_THUMBNAILS, findings) else { return };
    let pictures = match bif::read(&octets) {
        Ok(pictures) => pictures,
        Err(error) => return findings.add(format!("{path}: {error}")),
    };
    findings.must(pictures.len() == thumbnails.count as usize, || {
        format!("{path} has {} pictures instead of {}", pictures.len(), thumbnails.count)
    });
    for (n, picture) in (0u64..).zip(&pictures) {
        let time = n * u64::from(thumbnails.interval);
        findings.must(picture.time == time, || {
            format!("{path}: picture {n} is at {} ms instead of {time} ms", picture.time)
        });
        let size = (thumbnails.width, thumbnails.height);
        findings.must(jpeg_size(picture.jpeg) == Some(size), || {
            format!("{path}: picture {n} is no JPEG of {}x{}", size.0, size.1)
        });
    }
}

/// A place on a sheet: its number from 1, and left, upper edge, width, height.
fn place(text: &str) -> Option<(usize, [u32; 4])> {
    let (name, fragment) = text.split_once("#xywh=")?;
    let sheet = name.strip_suffix(".jpg")?.parse().ok()?;
    let mut numbers = fragment.split(',').map(|number| number.parse().ok());
    let mut next = || numbers.next().flatten();
    let place = [next()?, next()?, next()?, next()?];
    numbers.next().is_none().then_some((sheet, place))
}

fn sheets(folder: &Path, thumbnails: &Thumbnails, findings: &mut Findings) {
    let mut sizes = Vec::new();
    for sheet in &thumbnails.sheets {
        let size = read(folder, &sheet.path, MAX_THUMBNAILS, findings).and_then(|octets| jpeg_size(&octets));
        findings.must(size.is_some(), || format!("{} is no JPEG", sheet.path));
        sizes.push(size.unwrap_or_default());
    }
    let Some(index) = &thumbnails.sheet_index else { return };
    let Some(track) = vtt(folder, index, findings) else { return };
    findings.must(track.cues.len() == thumbnails.count as usize, || {
        format!("{} has {} places instead of {}", index.path, track.cues.len(), thumbnails.count)
    });
    for (n, cue) in (0u64..).zip(&track.cues) {
        let time = n * u64::from(thumbnails.interval);
        findings.must(cue.start.0 == time, || {
            format!("{}: place {n} is at {} ms instead of {time} ms", index.path, cue.start.0)
        });
        let inside = place(&cue.text).is_some_and(|(sheet, [x, y, width, height])| {
            let sheet = sheet.checked_sub(1).and_then(|n| sizes.get(n));
            (width, height) == (thumbnails.width, thumbnails.height)
                && sheet.is_some_and(|&(w, h)| {
                    x.checked_add(width).is_some_and(|right| right <= w)
                        && y.checked_add(height).is_some_and(|lower| lower <= h)
                })
        });
        findings.must(inside, || {
            format!("{}: place {n}, {}, lies on no sheet", index.path, cue.text.escape_debug())
        });
    }
}
