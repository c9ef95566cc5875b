use std::fmt;
use std::path::{Path, PathBuf};

use cenc::{Iv, Kid};
use isobmff::{BoxRef, Boxes, Fragment, InitSegment, SampleTable, SegmentIndex};
use pack::{PsshData, SYSTEM_ID};
use serde::Serialize;

use crate::Error;
use crate::fragment_crypto::subsamples;
use crate::media_file::MediaFile;
use crate::sample_budget::SampleBudget;

/// What is in an MP4 file. [`Display`](fmt::Display) is for people, [`Serialize`] for programs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
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

/// A box and what it contains.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BoxTree {
    /// Its type.
    pub kind: String,
    /// Where it begins in the file.
    pub offset: u64,
    /// Its size in bytes, header included.
    pub size: u64,
    /// The boxes in it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<BoxTree>,
}

/// A track and its protection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TrackReport {
    /// Track id.
    pub id: u32,
    /// Handler: `vide`, `soun`, ….
    pub media: String,
    /// Format of the clear samples, such as `avc1`.
    pub format: String,
    /// Scheme, such as `cenc`; absent if the track is clear.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheme: Option<String>,
    /// Ticks a second.
    pub timescale: u32,
    /// Number of samples.
    pub samples: u64,
    /// Number of samples with at least one protected byte.
    pub protected_samples: u64,
    /// Bytes of all samples.
    pub bytes: u64,
    /// Bytes inside protected ranges (with a pattern, not all of them are encrypted).
    pub protected_bytes: u64,
    /// The keys, in the order of their first use.
    pub keys: Vec<KidUse>,
    /// Which segments are under which keys, in order.
    pub segments: Vec<SegmentRun>,
}

/// Neighbouring segments with the same keys. Without `sidx` each fragment counts as a segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SegmentRun {
    /// Number of the first, from 0.
    pub first: usize,
    /// Number of the last.
    pub last: usize,
    /// Their keys, in the order of their first use; none: clear.
    #[serde(serialize_with = "kids")]
    pub kids: Vec<Kid>,
    /// Their samples.
    pub samples: u64,
    /// How many of these have at least one protected byte.
    pub protected_samples: u64,
}

fn kids<S: serde::Serializer>(kids: &[Kid], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(kids.iter().map(Kid::to_string))
}

/// A key in a track.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KidUse {
    /// Key id.
    #[serde(serialize_with = "pack::as_text::serialize")]
    pub kid: Kid,
    /// Samples under it.
    pub samples: u64,
    /// IV of the first.
    pub first_iv: String,
    /// IV of the last.
    pub last_iv: String,
}

/// A `pssh` box.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PsshReport {
    /// System id, hexadecimal.
    pub system_id: String,
    /// KIDs, hexadecimal.
    pub kids: Vec<String>,
    /// Matinee's own data, decoded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matinee: Option<MatineeData>,
    /// Data of other systems, hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
}

/// What Matinee's `pssh` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MatineeData {
    /// Content id of the key derivation.
    pub content_id: String,
    /// KIDs by rotation period.
    pub kids: Vec<String>,
    /// Common key; empty: the key was given.
    pub common_key_id: String,
    /// Label of the key derivation.
    pub label: String,
}

impl From<&isobmff::Pssh> for PsshReport {
    fn from(pssh: &isobmff::Pssh) -> Self {
        let own = PsshData::from_cbor(&pssh.data).filter(|_| pssh.system_id == SYSTEM_ID);
        Self {
            system_id: hex::encode(pssh.system_id),
            kids: pssh.kids.iter().map(hex::encode).collect(),
            data: own.is_none().then(|| hex::encode(&pssh.data)),
            matinee: own.map(|own| MatineeData {
                content_id: own.content_id.to_string(),
                kids: own.kids.iter().map(Kid::to_string).collect(),
                common_key_id: own.common_key_id,
                label: own.label.to_string(),
            }),
        }
    }
}

/// Counter blocks of one sample: key, upper half of the counter, first block, number of blocks.
type CounterUse = (Kid, u64, u64, u64);

/// Looks into an MP4 file: boxes, tracks, keys, protected samples, IVs, protection system data. Reads no
/// media.
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
    this.tracks.iter_mut().for_each(TrackReport::merge_segments);
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

impl TrackReport {
    fn new(track: &isobmff::Track) -> Self {
        let entry = track.entries.first();
        let protection = track.entries.iter().find_map(|entry| entry.protection.as_ref());
        Self {
            id: track.id,
            media: track.handler.to_string(),
            format: entry.map(|entry| entry.format.to_string()).unwrap_or_default(),
            scheme: protection.map(|protection| protection.scheme.to_string()),
            timescale: track.timescale,
            samples: 0,
            protected_samples: 0,
            bytes: 0,
            protected_bytes: 0,
            keys: Vec::new(),
            segments: Vec::new(),
        }
    }

    /// Adds a fragment to what is known of its segment, which is the last or a new one.
    fn count_segment(&mut self, segment: usize, kids: Vec<Kid>, samples: u64, protected_samples: u64) {
        match self.segments.last_mut().filter(|last| last.last == segment) {
            Some(last) => {
                last.samples += samples;
                last.protected_samples += protected_samples;
                for kid in kids {
                    if !last.kids.contains(&kid) {
                        last.kids.push(kid);
                    }
                }
            }
            None => self.segments.push(SegmentRun {
                first: segment,
                last: segment,
                kids,
                samples,
                protected_samples,
            }),
        }
    }

    /// Makes one run of neighbours with the same keys.
    fn merge_segments(&mut self) {
        self.segments.dedup_by(|next, run| {
            let same = next.kids == run.kids && next.first == run.last + 1;
            if same {
                run.last = next.last;
                run.samples += next.samples;
                run.protected_samples += next.protected_samples;
            }
            same
        });
    }

    fn count_key(&mut self, kid: Kid, iv: &Iv) {
        match self.keys.iter_mut().find(|key| key.kid == kid) {
            Some(key) => {
                key.samples += 1;
                key.last_iv = iv.to_string();
            }
            None => {
                let iv = iv.to_string();
                self.keys.push(KidUse { kid, samples: 1, first_iv: iv.clone(), last_iv: iv });
            }
        }
    }
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
                let Some(crypto) = &sample.crypto else { continue };
                let (kid, Ok(iv)) = (Kid(*crypto.kid()), Iv::from_slice(crypto.iv)) else { continue };
                report.count_key(kid, &iv);
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

/// The boxes inside the box that `data` is, as far as they can be read.
fn children(data: &[u8], offset: u64) -> Vec<BoxTree> {
    match Boxes::new(data).next() {
        Some(Ok(found)) => tree(&found, offset, 0).children,
        _ => Vec::new(),
    }
}

fn tree(found: &BoxRef<'_>, base: u64, depth: u32) -> BoxTree {
    // Fixed fields before the boxes inside; `None`: it contains none.
    let skip = match &found.kind.0 {
        b"moov" | b"trak" | b"mdia" | b"minf" | b"stbl" | b"dinf" | b"edts" | b"mvex" | b"moof" | b"traf"
        | b"sinf" | b"schi" => Some(0),
        b"stsd" => Some(8),
        b"avc1" | b"avc3" | b"hvc1" | b"hev1" | b"vp09" | b"av01" | b"encv" => Some(78),
        b"mp4a" | b"Opus" | b"ac-3" | b"ec-3" | b"fLaC" | b"enca" => Some(28),
        _ => None,
    };
    let inside = skip.filter(|_| depth < 12).map(|skip| found.children(skip)).into_iter().flatten().flatten();
    BoxTree {
        kind: found.kind.to_string(),
        offset: base + found.offset as u64,
        size: found.size() as u64,
        children: inside.map(|child| tree(&child, base, depth + 1)).collect(),
    }
}

impl BoxTree {
    fn write(&self, f: &mut fmt::Formatter<'_>, depth: usize) -> fmt::Result {
        writeln!(
            f,
            "{:indent$}{} {} bytes at {}",
            "",
            self.kind,
            self.size,
            self.offset,
            indent = 2 * depth
        )?;
        self.children.iter().try_for_each(|child| child.write(f, depth + 1))
    }
}

/// Several lines; all fragments but the first are counted only.
impl fmt::Display for Inspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {} bytes", self.path.display(), self.size)?;
        let first_fragment = self.boxes.iter().position(|found| found.kind == "moof");
        let shown = first_fragment.map_or(self.boxes.len(), |first| (first + 2).min(self.boxes.len()));
        for found in &self.boxes[..shown] {
            found.write(f, 1)?;
        }
        if shown < self.boxes.len() {
            let more = self.boxes[shown..].iter().filter(|found| found.kind == "moof").count();
            writeln!(f, "  … and {more} more fragments")?;
        }
        for track in &self.tracks {
            let scheme = track.scheme.as_deref().unwrap_or("clear");
            writeln!(
                f,
                "track {}: {} {}, {scheme}, {} ticks/s",
                track.id, track.media, track.format, track.timescale
            )?;
            writeln!(
                f,
                "  {} samples of {} bytes, {} protected with {} bytes",
                track.samples, track.bytes, track.protected_samples, track.protected_bytes
            )?;
            for run in track.segments.iter().filter(|_| track.segments.len() > 1) {
                let kids: Vec<_> = run.kids.iter().map(Kid::to_string).collect();
                let key =
                    if kids.is_empty() { "clear".to_owned() } else { format!("KID {}", kids.join(" ")) };
                let SegmentRun { first, last, samples, protected_samples, .. } = run;
                writeln!(
                    f,
                    "  segments {first} to {last}: {key}, {samples} samples, {protected_samples} protected"
                )?;
            }
            for key in &track.keys {
                writeln!(
                    f,
                    "  KID {}: {} samples, IV {} to {}",
                    key.kid, key.samples, key.first_iv, key.last_iv
                )?;
            }
        }
        for pssh in &self.pssh {
            match &pssh.matinee {
                Some(own) => writeln!(
                    f,
                    "pssh Matinee: content id {}, label {}, common key {}, KIDs {}",
                    own.content_id,
                    own.label,
                    if own.common_key_id.is_empty() { "none (key given)" } else { &own.common_key_id },
                    own.kids.join(" ")
                )?,
                None => writeln!(f, "pssh system {}, KIDs {}", pssh.system_id, pssh.kids.join(" "))?,
            }
        }
        match self.reused_counters {
            0 => Ok(()),
            count => writeln!(f, "DANGER: {count} samples reuse a counter under the same key"),
        }
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
