//! Matroska and WebM (RFC 9559), as far as a source needs them: where the frames of a track lie and when they
//! are shown. Frames are read when they are needed; memory holds their places.

mod blocks;
mod configuration;
mod ebml;
mod mastering;
mod sound;
mod timing;
mod tracks;

use isolang::Language;

use super::{Input, InputSample, LeftOut, RawTrack};
use crate::Error;
use crate::codec::VideoCodec;
use crate::edit_list::EditEffect;
use crate::media_file::MediaFile;
use crate::sample_budget::SampleBudget;
use blocks::{Frame, cut_off};
use tracks::TrackEntry;

/// What a file begins with.
pub(super) const SIGNATURE: [u8; 4] = [0x1a, 0x45, 0xdf, 0xa3];

/// Largest header, `Info` or `Tracks` that is read into memory.
const MAX_DESCRIPTION: u64 = 1 << 24;

/// Most nanoseconds of a tick, and ticks of a time, that are taken seriously. Keeps products from
/// overflowing.
const MAX_SCALE: u64 = 1 << 40;
const MAX_TICKS: i64 = 1 << 50;

/// A matrix that changes nothing, as in `tkhd`.
const IDENTITY: [u32; 9] = [0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000];

/// Times of Matroska are those of the film; what lies before 0 primes.
const NO_EDIT: EditEffect = EditEffect { offset: 0, start: 0, end: None };

/// A track that is used, and its frames in the order of the file.
struct Found {
    entry: TrackEntry,
    frames: Vec<Frame>,
}

/// Reads a file's description and the places of its frames.
pub(super) fn open(file: MediaFile, with_audio: bool) -> Result<Input, Error> {
    let header = ebml::at(&file, 0)?;
    let description = describe(&file, &header, file.len())?;
    let kind = ebml::children(&description).find(|(id, _)| *id == 0x4282).map(|(_, data)| ebml::text(data));
    if !kind.iter().any(|kind| matches!(kind.as_str(), "matroska" | "webm")) {
        return Err(Error::NotMp4 { path: file.path().into() });
    }
    let end = header.end(file.len()).ok_or_else(|| cut_off(&file))?;
    let (scale, found, left_out) = scan(&file, end, with_audio)?;
    let (mut video, mut audio) = (None, Vec::new());
    for Found { entry, frames } in found {
        if frames.is_empty() {
            continue;
        }
        if entry.encoded {
            let what = "a track with compressed or encrypted blocks; copy it into a plain file first \
                        (ffmpeg -c copy)";
            return Err(Error::unsupported(file.path(), what));
        }
        let track = if entry.kind == 1 {
            let codec = configuration::video(&file, &entry, &frames)?;
            let (timescale, samples) = timing::pictures(&file, &frames, scale, &entry)?;
            video =
                Some(raw(&entry, display(&codec), timescale, codec, samples).edited(file.path(), &NO_EDIT)?);
            continue;
        } else {
            let (codec, length) = configuration::audio(&file, &entry, &frames)?;
            let timescale = codec.sample_rate;
            let samples = timing::sound(&file, &frames, scale, &entry, timescale, length)?;
            raw(&entry, (0, 0), timescale, codec, samples)
        };
        audio.push(track.edited(file.path(), &NO_EDIT)?);
    }
    Ok(Input { file, video, audio, left_out })
}

/// Goes through the segment: nanoseconds of a tick, the frames of the tracks that are used, and what is left
/// out.
fn scan(file: &MediaFile, at: u64, with_audio: bool) -> Result<(u64, Vec<Found>, LeftOut), Error> {
    let segment = ebml::at(file, at)?;
    if segment.id != 0x1853_8067 {
        return Err(file.truncated("there is no segment of Matroska".to_owned()));
    }
    let end = segment.end(file.len()).ok_or_else(|| {
        let there = file.len() - segment.data;
        file.truncated(format!("its segment has {there} of {} bytes", segment.size.unwrap_or(0)))
    })?;
    let mut budget = SampleBudget::of_file(file.len());
    let (mut scale, mut found, mut cluster) = (1_000_000, None::<Vec<Found>>, 0);
    let mut left_out = LeftOut::default();
    let mut at = segment.data;
    while at < end {
        let element = ebml::at(file, at)?;
        let described = found.is_some();
        let mut each = |frame: Frame| {
            let tracks = found.as_mut().ok_or_else(|| {
                let what = "its tracks are described behind its media; copy it first (ffmpeg -c copy)";
                Error::unsupported(file.path(), what)
            })?;
            if let Some(track) = tracks.iter_mut().find(|track| track.entry.number == frame.track) {
                budget.take(1).map_err(|what| Error::unsupported(file.path(), what))?;
                track.frames.push(frame);
            }
            Ok(())
        };
        match element.id {
            // A cluster, whose elements come as if they were the segment's: so it may be of unknown size.
            0x1f43_b675 => {
                if element.size.is_some() {
                    element.end(end).ok_or_else(|| cut_off(file))?;
                }
                at = element.data;
                continue;
            }
            0x1549_a966 => {
                scale = tracks::timestamp_scale(&describe(file, &element, end)?);
                if scale > MAX_SCALE {
                    return Err(Error::unsupported(file.path(), "ticks of over a quarter of an hour"));
                }
            }
            0x1654_ae6b if !described => {
                let tracks = tracks::parse(&describe(file, &element, end)?);
                // Subtitles (RFC 9559, 5.1.4.1.3).
                left_out.texts = tracks.iter().filter(|track| track.kind == 17).count();
                found = Some(choose(tracks, with_audio));
            }
            // Chapters (RFC 9559, 5.1.7).
            0x1043_a770 => left_out.chapters = true,
            0xe7 => {
                let time = ebml::unsigned(&describe(file, &element, end)?).unwrap_or(0);
                cluster = i64::try_from(time)
                    .ok()
                    .filter(|time| *time <= MAX_TICKS)
                    .ok_or_else(|| Error::unsupported(file.path(), "a cluster with an impossible time"))?;
            }
            0xa3 => blocks::block(file, &element, end, cluster, None, &mut each)?,
            0xa0 => blocks::group(file, &element, cluster, &mut each)?,
            _ => {}
        }
        at = element.end(end).ok_or_else(|| cut_off(file))?;
    }
    Ok((scale, found.unwrap_or_default(), left_out))
}

/// The first video track, and all of sound if they are used.
fn choose(tracks: Vec<TrackEntry>, with_audio: bool) -> Vec<Found> {
    let mut chosen: Vec<Found> = Vec::new();
    for entry in tracks {
        let of_use = match entry.kind {
            1 => chosen.iter().all(|found| found.entry.kind != 1),
            2 => with_audio,
            _ => false,
        };
        if of_use {
            chosen.push(Found { entry, frames: Vec::new() });
        }
    }
    chosen
}

/// The data of an element that describes something.
fn describe(file: &MediaFile, element: &ebml::Element, parent: u64) -> Result<Vec<u8>, Error> {
    let end = element.end(parent).ok_or_else(|| cut_off(file))?;
    let len = end - element.data;
    if len > MAX_DESCRIPTION {
        return Err(Error::unsupported(file.path(), "a description of over 16 MiB"));
    }
    let mut data = vec![0; len as usize];
    file.read_at(element.data, &mut data)?;
    Ok(data)
}

/// Width and height of the presentation as 16.16 fixed point.
fn display(codec: &VideoCodec) -> (u32, u32) {
    let [x, y] = codec.sar.map(u64::from);
    let width = (u64::from(codec.width) << 16) * x / y.max(1);
    (u32::try_from(width).unwrap_or(u32::MAX), codec.height << 16)
}

fn raw<C>(
    entry: &TrackEntry,
    (width, height): (u32, u32),
    timescale: u32,
    codec: C,
    samples: Vec<InputSample>,
) -> RawTrack<C> {
    let mut matrix = [0; 36];
    for (place, value) in matrix.as_chunks_mut::<4>().0.iter_mut().zip(IDENTITY) {
        *place = value.to_be_bytes();
    }
    RawTrack {
        id: u32::try_from(entry.number).unwrap_or(u32::MAX),
        timescale,
        language: language(&entry.language),
        display: (width, height, matrix),
        codec,
        samples,
    }
}

/// The ISO 639-2 code of a language tag, of BCP 47 or of ISO 639-2 itself.
fn language(tag: &str) -> [u8; 3] {
    let first = tag.split('-').next().unwrap_or_default().to_ascii_lowercase();
    let code = match first.len() {
        2 => Language::from_639_1(&first).map_or("und", |language| language.to_639_3()),
        _ => &first,
    };
    match code.as_bytes() {
        &[a, b, c] if code.bytes().all(|byte| byte.is_ascii_lowercase()) => [a, b, c],
        _ => *b"und",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages() {
        assert_eq!(
            ["de", "de-AT", "ger", "en-US", "haw", "x", ""].map(language),
            [*b"deu", *b"deu", *b"ger", *b"eng", *b"haw", *b"und", *b"und"]
        );
    }
}
