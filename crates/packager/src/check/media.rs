//! A representation's file, box by box: memory holds its header and one fragment.

use std::path::Path;

use cmaf::VideoStream;
use isobmff::{Boxes, Fragment, InitSegment, SegmentIndex};
use pack::{MediaType, Pack, Representation, Segment};

use super::header::{self, Expected};
use super::ivs::Ivs;
use super::report::{Check, Findings, Found, count};
use super::samples::{Fragments, Told};
use crate::media_file::{MediaFile, TopBox};
use crate::{Error, Progress};
use pack::bits_per_second;

/// Largest header and index that are read, octets.
const MAX_HEADER: u64 = 64 << 20;

/// Largest fragment that is read: what the page's module takes.
const MAX_MOOF: u64 = 4 << 20;
const MAX_MDAT: u64 = 64 << 20;

/// Checks a representation, the pack's number `of`; also gives its longest sample, where all were read.
pub(super) fn check(
    folder: &Path,
    (pack, of): (&Pack, usize),
    ivs: &mut Ivs,
    progress: &mut dyn Progress,
) -> (Vec<Check>, Option<u32>) {
    let Some(r) = pack.representations.get(of) else { return (Vec::new(), None) };
    let mut found = Found::default();
    let told = match file(folder, (pack, r, of), &mut found, ivs, progress) {
        Ok(told) => told,
        Err(error) => {
            found.boxes.add(error.to_string());
            Told::default()
        }
    };
    let id = Some(r.id.as_str());
    let seen = format!("{} with {} in a row", count(told.fragments, "fragment"), r.codecs);
    let encrypted = match told.protected_samples {
        0 => format!("{}, all clear", count(told.samples, "sample")),
        protected => format!("{}, {protected} encrypted", count(told.samples, "sample")),
    };
    let kids = pack.protection.as_ref().map_or(0, |p| p.keys_of(r.label.as_ref()).count() as u64);
    let checks = vec![
        found.boxes.into_check("boxes", id, seen),
        found.index.into_check("index", id, count(r.segments.len() as u64, "segment")),
        found.times.into_check("times", id, "no gap, and as pack.json says".to_owned()),
        found.samples.into_check("samples", id, encrypted),
        found.keys.into_check("keys", id, if kids == 0 { "none".to_owned() } else { count(kids, "KID") }),
    ];
    (checks, told.whole.then_some(told.longest))
}

/// Checks a file to its end, or to the first error that leaves nothing to go on with.
fn file(
    folder: &Path,
    (pack, r, of): (&Pack, &Representation, usize),
    found: &mut Found,
    ivs: &mut Ivs,
    progress: &mut dyn Progress,
) -> Result<Told, Error> {
    let file = MediaFile::open(&folder.join(&r.path))?;
    let (ranges, index_range) = (r.init_range, r.index_range);
    let header_end = ranges.last.saturating_add(1);
    if ranges.first != 0 || header_end > file.len().min(MAX_HEADER) {
        found.boxes.add("pack.json says that the header lies outside of the file, or has over 64 MiB");
        return Ok(Told::default());
    }
    let kinds = top_boxes(&file, header_end)?;
    let in_order = matches!(&kinds[..], [a, b] if a.kind == b"ftyp" && b.kind == b"moov");
    found.boxes.must(in_order, || "the header is other than `ftyp` and `moov`".to_owned());
    let mut head = vec![0; header_end as usize];
    file.read_at(0, &mut head)?;
    let init = InitSegment::parse(&head).map_err(Error::boxes(file.path()))?;
    let expected = Expected::of(pack, r, &mut found.keys);
    header::check(&init, (pack, r), expected.as_ref(), &mut found.keys);
    let [track] = &init.tracks[..] else { return Ok(Told::default()) };

    let begin = index(&file, r, (header_end, index_range.last), &mut found.index)?;
    let video = match (r.media_type, header::video_config(&head)) {
        (MediaType::Video, Some(config)) => VideoStream::new(config)
            .map_err(|what| found.samples.add(format!("decoder configuration: {what}")))
            .ok(),
        (MediaType::Video, None) => {
            found.samples.add("there is no decoder configuration that is known");
            None
        }
        (MediaType::Audio, _) => None,
    };
    let edit = track.edit_list.first().map_or(0, |edit| edit.media_time);
    let mut fragments = Fragments::new((pack, r, of), expected, video, edit);
    let mut offset = begin;
    while offset < file.len() {
        let moof = file.box_at(offset)?;
        let mdat = file.box_at(moof.end())?;
        if moof.kind != b"moof" || mdat.kind != b"mdat" {
            let kinds = format!("`{}`, `{}` at {offset} instead of `moof`, `mdat`", moof.kind, mdat.kind);
            found.boxes.add(kinds);
            return Ok(fragments.told);
        }
        if moof.size > MAX_MOOF || mdat.size > MAX_MDAT {
            found.boxes.add(format!("the fragment at {offset} is larger than players take"));
            return Ok(fragments.told);
        }
        let whole = TopBox { size: moof.size + mdat.size, ..moof };
        let data = file.read_box(&whole)?;
        let fragment = Fragment::parse(&data, offset, &init).map_err(Error::boxes(file.path()))?;
        fragments.take(&fragment, &data, &moof, &mdat, found, ivs).map_err(Error::boxes(file.path()))?;
        progress.advance(whole.size);
        offset += whole.size;
    }
    fragments.finish(found);
    let mut told = fragments.told;
    told.whole = true;
    figures(r, &told, &mut found.index);
    Ok(told)
}

/// The boxes up to a place in the file, where one must end.
fn top_boxes(file: &MediaFile, end: u64) -> Result<Vec<TopBox>, Error> {
    let (mut boxes, mut offset) = (Vec::new(), 0);
    // Two are enough to tell.
    while offset < end && boxes.len() < 3 {
        let found = file.box_at(offset)?;
        offset = found.end();
        boxes.push(found);
    }
    if offset != end {
        boxes.clear();
    }
    Ok(boxes)
}

/// Compares `sidx` with pack.json; gives where the first segment begins.
fn index(
    file: &MediaFile,
    r: &Representation,
    (at, last): (u64, u64),
    findings: &mut Findings,
) -> Result<u64, Error> {
    let found = file.box_at(at)?;
    if found.kind != b"sidx" || found.size > MAX_HEADER {
        findings.add(format!("`{}` follows `moov` instead of `sidx`", found.kind));
        return Ok(found.end());
    }
    let range = r.index_range;
    findings.must((range.first, last) == (at, found.end() - 1), || {
        format!("`sidx` lies at {at}-{}, pack.json says {range}", found.end() - 1)
    });
    let data = file.read_box(&found)?;
    let Some(sidx) = Boxes::new(&data).next().transpose().map_err(Error::boxes(file.path()))? else {
        return Ok(found.end());
    };
    let index = SegmentIndex::parse(&sidx).map_err(Error::boxes(file.path()))?;
    findings.must(index.timescale == r.timescale, || {
        format!("`sidx` has {} ticks a second instead of {}", index.timescale, r.timescale)
    });
    findings.must(index.references.len() == r.segments.len(), || {
        format!("`sidx` has {} segments, pack.json {}", index.references.len(), r.segments.len())
    });
    let (mut offset, mut time) =
        (found.end().saturating_add(index.first_offset), index.earliest_presentation_time);
    let begin = offset;
    for (n, (reference, said)) in index.references.iter().zip(&r.segments).enumerate() {
        let Segment { start, duration, offset: place, size, .. } = *said;
        findings.must(offset == place && u64::from(reference.size) == size, || {
            format!(
                "segment {n}: `sidx` says {} octets at {offset}, pack.json {size} at {place}",
                reference.size
            )
        });
        findings.must(time == start && u64::from(reference.duration) == duration, || {
            format!(
                "segment {n}: `sidx` says {} ticks from {time}, pack.json {duration} from {start}",
                reference.duration
            )
        });
        let sap = !reference.to_index && reference.starts_with_sap && reference.sap_delta == 0;
        findings.must(sap && reference.sap_type == 1, || {
            format!("segment {n}: `sidx` does not say that it begins with an access point of type 1")
        });
        offset = offset.saturating_add(reference.size.into());
        time = time.saturating_add(reference.duration.into());
    }
    findings.must(offset == file.len(), || {
        format!("the segments of `sidx` end at {offset}, the file at {}", file.len())
    });
    Ok(begin)
}

/// Sizes, rates and numbers that follow from what was read.
fn figures(r: &Representation, told: &Told, findings: &mut Findings) {
    let mut must = |name: &str, is: u64, said: u64| {
        findings.must(is == said, || format!("{name} is {is}, pack.json says {said}"));
    };
    must("the number of samples", told.samples, r.samples);
    must("the number of encrypted samples", told.protected_samples, r.protected_samples);
    if let Some(ivs) = &r.ivs {
        must("the number of IVs", told.samples, ivs.count);
    }
    let largest = r.segments.iter().map(|segment| segment.size).max().unwrap_or(0);
    must("the largest segment", largest, r.max_segment);
    let peaks = r.segments.iter().map(|s| bits_per_second(s.size, s.duration, r.timescale, true));
    must("the peak bandwidth", peaks.max().unwrap_or(0), r.peak_bandwidth);
    let start = r.segments.first().map_or(0, |first| first.start);
    let end = r.segments.last().map_or(0, |last| last.start.saturating_add(last.duration));
    let average = bits_per_second(r.size, end.saturating_sub(start), r.timescale, false);
    must("the bit rate", (average + 500) / 1000, r.bitrate);
}
