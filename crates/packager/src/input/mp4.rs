use isobmff::{BoxRef, Boxes, Fragment, InitSegment, SampleTable, Track};

use super::{Input, InputSample, LeftOut, RawTrack};
use crate::Error;
use crate::codec::{AudioCodec, VideoCodec};
use crate::edit_list::{EditEffect, edit_effect};
use crate::media_file::{MediaFile, TopBox};
use crate::sample_budget::{SampleBudget, TOO_MANY};

/// Reads the tables of an MP4 or QuickTime file, fragmented or not.
pub(super) fn open(file: MediaFile, with_audio: bool) -> Result<Input, Error> {
    let boxes = file.boxes()?;
    let path = file.path();
    let Some(moov) = boxes.iter().find(|found| found.kind == b"moov") else {
        return Err(match boxes.iter().any(|found| found.kind == b"mdat") {
            true => file.truncated("it has no `moov`; was its recording interrupted?".into()),
            false => Error::NotMp4 { path: path.into() },
        });
    };
    let moov = file.read_box(moov)?;
    let init = InitSegment::parse(&moov).map_err(Error::boxes(path))?;
    let mut budget = SampleBudget::of_file(file.len());
    let (mut video, mut audio, mut left_out) = (None, Vec::new(), LeftOut::default());
    for (index, track) in init.tracks.iter().enumerate() {
        let of_use = match &track.handler.0 {
            b"vide" => video.is_none(),
            b"soun" => with_audio,
            b"subt" | b"sbtl" | b"text" | b"clcp" => {
                left_out.texts += 1;
                false
            }
            _ => false,
        };
        let Some(entry) = track.entries.first().filter(|_| of_use) else { continue };
        let samples = samples(&file, &moov, &init, index, &boxes, &mut budget)?;
        if samples.is_empty() {
            continue;
        }
        let effect = edit(track, &init).map_err(|what| Error::unsupported(path, what));
        if track.handler == b"vide" {
            // A cover picture is a video track, too.
            if samples.len() == 1 && matches!(&entry.kind.0, b"jpeg" | b"png " | b"mjpg") {
                continue;
            }
            let codec = VideoCodec::read(path, &moov, entry)?;
            video = Some(raw(track, codec, samples).edited(path, &effect?)?);
        } else {
            let codec = AudioCodec::read(path, &moov, entry)?;
            audio.push(raw(track, codec, samples).edited(path, &effect?)?);
        }
    }
    Ok(Input { file, video, audio, left_out })
}

/// What the file's `moov` says of its tracks.
pub(super) fn tracks(file: &MediaFile) -> Result<Vec<Track>, Error> {
    let moov = file.boxes()?.into_iter().find(|found| found.kind == b"moov");
    let moov = moov.ok_or_else(|| Error::NotMp4 { path: file.path().into() })?;
    let init = InitSegment::parse(&file.read_box(&moov)?).map_err(Error::boxes(file.path()))?;
    Ok(init.tracks)
}

fn edit(track: &Track, init: &InitSegment) -> Result<EditEffect, &'static str> {
    edit_effect(&track.edit_list, init.timescale, track.timescale)
}

fn raw<C>(track: &Track, codec: C, samples: Vec<InputSample>) -> RawTrack<C> {
    RawTrack {
        id: track.id,
        timescale: track.timescale,
        language: track.language,
        display: (track.width, track.height, track.matrix),
        codec,
        samples,
    }
}

/// The samples of a track, from the tables or from fragments; times before edits.
fn samples(
    file: &MediaFile,
    moov: &[u8],
    init: &InitSegment,
    index: usize,
    boxes: &[TopBox],
    budget: &mut SampleBudget,
) -> Result<Vec<InputSample>, Error> {
    let path = file.path();
    let track = &init.tracks[index];
    let table = stbl(moov, index).and_then(|stbl| SampleTable::parse(&stbl, file.len(), budget.left()));
    let table = table.map_err(|error| match error {
        isobmff::Error::Invalid { what, .. } if what.contains("end of the file") => {
            file.truncated(what.to_owned())
        }
        isobmff::Error::Invalid { what: "more samples than are allowed", .. } => {
            Error::unsupported(path, TOO_MANY)
        }
        source => Error::Boxes { path: path.into(), source },
    })?;
    if table.samples.iter().any(|sample| sample.description_index != 1) {
        return Err(Error::unsupported(path, "a track that changes its codec configuration"));
    }
    budget.take(table.samples.len() as u64).map_err(|what| Error::unsupported(path, what))?;
    let mut samples: Vec<_> = table
        .samples
        .into_iter()
        .map(|sample| InputSample {
            offset: sample.offset,
            size: sample.size,
            duration: sample.duration,
            time: sample.decode_time as i64 + i64::from(sample.composition_offset),
            sync: sample.sync,
        })
        .collect();
    let mut expected = None;
    for found in boxes.iter().filter(|found| init.fragmented && found.kind == b"moof") {
        let moof = file.read_box(found)?;
        let fragment = Fragment::parse(&moof, found.offset, init).map_err(Error::boxes(path))?;
        for part in fragment.tracks().iter().filter(|part| part.track.id == track.id) {
            if part.description_index > 1 {
                return Err(Error::unsupported(path, "a track that changes its codec configuration"));
            }
            for sample in part.samples() {
                let sample = sample.map_err(Error::boxes(path))?;
                budget.take(1).map_err(|what| Error::unsupported(path, what))?;
                let offset = found.offset.saturating_add(sample.offset);
                if offset.checked_add(sample.size.into()).is_none_or(|end| end > file.len()) {
                    return Err(file.truncated("samples lie beyond its end".into()));
                }
                // A gap between fragments is time in which the sample before it stays.
                if let (Some(expected), Some(last)) = (expected, samples.last_mut()) {
                    let gap = sample.decode_time.checked_sub(expected).map(u32::try_from);
                    let longer = gap.and_then(|gap| last.duration.checked_add(gap.ok()?));
                    last.duration = longer.ok_or_else(|| {
                        Error::unsupported(path, "fragments that are not in the order of time")
                    })?;
                }
                expected = sample.decode_time.checked_add(sample.duration.into());
                samples.push(InputSample {
                    offset,
                    size: sample.size,
                    duration: sample.duration,
                    time: (sample.decode_time as i64).saturating_add(sample.composition_offset),
                    sync: sample.is_sync(),
                });
            }
        }
    }
    Ok(samples)
}

fn stbl(moov: &[u8], track: usize) -> Result<BoxRef<'_>, isobmff::Error> {
    let missing = isobmff::Error::Missing { kind: b"trak".into(), parent: b"moov".into() };
    let moov = Boxes::new(moov).first(b"moov")?.ok_or(missing.clone())?;
    let mut traks = moov.children(0).filter(|child| child.as_ref().is_ok_and(|child| child.kind == b"trak"));
    let trak = traks.nth(track).transpose()?.ok_or(missing)?;
    trak.required(b"mdia")?.required(b"minf")?.required(b"stbl")
}
