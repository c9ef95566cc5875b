//! What a person asks of a file or of a packaged film.

mod boxes;
mod film;
mod pssh;
mod text;
mod timing;
mod track;

use std::path::{Path, PathBuf};

use cenc::{Iv, Kid};
use isobmff::{Boxes, Fragment, InitSegment, SampleTable, SegmentIndex};
use serde::Serialize;

use crate::Error;
use crate::fragment_crypto::subsamples;
use crate::media_file::MediaFile;
use crate::sample_budget::SampleBudget;

pub use boxes::BoxTree;
pub use film::{FilmInspection, RepresentationReport, inspect_film};
pub use pssh::{MatineeData, PsshReport};
pub use timing::{Groups, Rates};
pub use track::{KidUse, SampleProtection, SegmentRun, TrackReport};

use boxes::children;
use timing::Timed;

/// What is in an MP4 file. [`Display`](std::fmt::Display) is for people, [`Serialize`] for programs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Inspection {
    /// The file.
    pub path: PathBuf,
    /// Its size in bytes.
    pub size: u64,
    /// Its boxes.
    pub boxes: Vec<BoxTree>,
    /// Its tracks.
    pub tracks: Vec<TrackReport>,
    /// Protection system data, in `moov` and in fragments.
    pub pssh: Vec<PsshReport>,
    /// Samples encrypted with a counter that another sample of the same key uses, too. Anything but 0 gives
    /// both plaintexts away.
    pub reused_counters: u64,
}

/// Counter blocks of one sample: key, upper half of the counter, first block, number of blocks.
type CounterUse = (Kid, u64, u64, u64);

/// Looks into an MP4 file: boxes, tracks, keys, protected samples, IVs, protection system data, bit rates,
/// groups of pictures. Reads no media.
///
/// # Errors
/// What is wrong with the file.
pub fn inspect(path: &Path) -> Result<Inspection, Error> {
    let file = MediaFile::open(path)?;
    let boxes = file.boxes()?;
    let mut this = Inspection {
        path: path.into(),
        size: file.len(),
        boxes: Vec::new(),
        tracks: Vec::new(),
        pssh: Vec::new(),
        reused_counters: 0,
    };
    let moov = boxes.iter().find(|found| found.kind == b"moov").ok_or(Error::NotMp4 { path: path.into() })?;
    let moov = file.read_box(moov)?;
    let init = InitSegment::parse(&moov).map_err(Error::boxes(path))?;
    this.tracks = init.tracks.iter().map(TrackReport::new).collect();
    this.pssh.extend(init.pssh.iter().map(PsshReport::from));
    this.count_table_samples(&moov, file.len());
    let mut counters: Vec<CounterUse> = Vec::new();
    let starts = segment_starts(&file, &boxes)?;
    let mut fragments = 0;
    for found in &boxes {
        let mut tree = BoxTree {
            kind: found.kind.to_string(),
            offset: found.offset,
            size: found.size,
            children: Vec::new(),
        };
        if found.kind == b"moov" {
            tree.children = children(&moov, found.offset);
        } else if found.kind == b"moof" {
            let moof = file.read_box(found)?;
            tree.children = children(&moof, found.offset);
            let fragment = Fragment::parse(&moof, found.offset, &init).map_err(Error::boxes(path))?;
            this.pssh.extend(fragment.pssh.iter().map(PsshReport::from));
            let segment = match starts.partition_point(|start| *start <= found.offset) {
                _ if starts.is_empty() => fragments,
                after => after.saturating_sub(1),
            };
            fragments += 1;
            this.count_fragment(&fragment, segment, &mut counters).map_err(Error::boxes(path))?;
        }
        this.boxes.push(tree);
    }
    this.tracks.iter_mut().for_each(TrackReport::finish);
    this.reused_counters = reused(counters);
    Ok(this)
}

/// Where the segments begin that `sidx` names; empty if there is none of use.
fn segment_starts(file: &MediaFile, boxes: &[crate::media_file::TopBox]) -> Result<Vec<u64>, Error> {
    let Some(found) = boxes.iter().find(|found| found.kind == b"sidx") else { return Ok(Vec::new()) };
    let data = file.read_box(found)?;
    let Some(Ok(sidx)) = Boxes::new(&data).next() else { return Ok(Vec::new()) };
    let index = SegmentIndex::parse(&sidx).map_err(Error::boxes(file.path()))?;
    let first = (found.offset + found.size).saturating_add(index.first_offset);
    let starts = index.references.iter().scan(first, |at, reference| {
        let start = *at;
        *at = at.saturating_add(u64::from(reference.size));
        Some(start)
    });
    Ok(starts.collect())
}

fn shown(decoded: u64, offset: i64) -> i64 {
    i64::try_from(decoded).unwrap_or(i64::MAX).saturating_add(offset)
}

/// How many samples begin inside the counter blocks of another sample of the same key.
fn reused(mut counters: Vec<CounterUse>) -> u64 {
    counters.sort_unstable();
    let mut reached: Option<(Kid, u64, u64)> = None;
    let mut count = 0;
    for (kid, upper, first, blocks) in counters {
        let end = first.saturating_add(blocks);
        match &mut reached {
            Some((k, u, until)) if (*k, *u) == (kid, upper) => {
                count += u64::from(first < *until);
                *until = end.max(*until);
            }
            _ => reached = Some((kid, upper, end)),
        }
    }
    count
}

impl Inspection {
    /// Counts the samples of files without fragments.
    fn count_table_samples(&mut self, moov: &[u8], file_len: u64) {
        let Some(Ok(moov)) = Boxes::new(moov).next() else { return };
        let traks = moov.children(0).flatten().filter(|child| child.kind == b"trak");
        let mut budget = SampleBudget::of_file(file_len);
        for (trak, report) in traks.zip(&mut self.tracks) {
            let path = [b"mdia", b"minf", b"stbl"];
            let stbl = path.iter().try_fold(trak, |parent, kind| parent.child(kind).ok().flatten());
            if let Some(table) = stbl.and_then(|stbl| SampleTable::parse(&stbl, file_len, budget.left()).ok())
            {
                let _ = budget.take(table.samples.len() as u64);
                report.samples += table.samples.len() as u64;
                report.bytes += table.samples.iter().map(|sample| u64::from(sample.size)).sum::<u64>();
                for sample in &table.samples {
                    report.timing.take(Timed {
                        size: sample.size,
                        decoded: sample.decode_time,
                        shown: shown(sample.decode_time, sample.composition_offset.into()),
                        lasts: sample.duration,
                        sync: sample.sync,
                    });
                }
            }
        }
    }

    fn count_fragment(
        &mut self,
        fragment: &Fragment<'_>,
        segment: usize,
        counters: &mut Vec<CounterUse>,
    ) -> Result<(), isobmff::Error> {
        for track in fragment.tracks() {
            let Some(report) = self.tracks.iter_mut().find(|report| report.id == track.track.id) else {
                continue;
            };
            let (before, mut kids) = ((report.samples, report.protected_samples), Vec::new());
            for sample in track.samples() {
                let sample = sample?;
                report.samples += 1;
                report.bytes += u64::from(sample.size);
                report.timing.take(Timed {
                    size: sample.size,
                    decoded: sample.decode_time,
                    shown: shown(sample.decode_time, sample.composition_offset),
                    lasts: sample.duration,
                    sync: sample.is_sync(),
                });
                let Some(crypto) = &sample.crypto else { continue };
                let (kid, Ok(iv)) = (Kid(*crypto.kid()), Iv::from_slice(crypto.iv)) else { continue };
                report.count_key(kid, &iv);
                report.count_protection(crypto);
                if !kids.contains(&kid) {
                    kids.push(kid);
                }
                let protected = match crypto.subsamples.is_empty() {
                    true => u64::from(sample.size),
                    false => subsamples(crypto).iter().map(|s| u64::from(s.protected)).sum(),
                };
                report.protected_bytes += protected;
                report.protected_samples += u64::from(protected > 0);
                if report.scheme.as_deref() == Some("cenc") && protected > 0 {
                    counters.push((kid, iv.upper(), iv.lower(), protected.div_ceil(16)));
                }
            }
            let (samples, protected) = (report.samples - before.0, report.protected_samples - before.1);
            report.count_segment(segment, kids, samples, protected);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reused_counters_are_found() {
        let k = Kid([1; 16]);
        assert_eq!(reused(vec![(k, 1, 0, 10), (k, 2, 0, 10), (Kid([2; 16]), 1, 0, 10)]), 0);
        assert_eq!(reused(vec![(k, 1, 0, 10), (k, 1, 10, 1), (k, 1, 9, 1)]), 1);
    }
}
