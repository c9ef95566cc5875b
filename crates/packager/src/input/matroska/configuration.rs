//! What MP4 has in boxes, from what Matroska has of a codec (Matroska codec mappings).

use cmaf::{opus_configuration, write_esds};
use isobmff::write_visual_entry;

use super::blocks::Frame;
use super::sound::{self, FrameLength};
use super::tracks::TrackEntry;
use crate::Error;
use crate::codec::{AudioCodec, Picture, VideoCodec};
use crate::media_file::MediaFile;

/// Most bytes of a frame that are read to learn a configuration.
const MAX_FRAME: usize = 1 << 16;

/// The codec of a video track.
pub(super) fn video(file: &MediaFile, entry: &TrackEntry, frames: &[Frame]) -> Result<VideoCodec, Error> {
    let path = file.path();
    let refuse = |what: &str| Error::unsupported(path, what);
    let (code, config, payload) = match entry.codec.as_str() {
        "V_MPEG4/ISO/AVC" => (b"avc1", b"avcC", entry.private.clone()),
        "V_MPEGH/ISO/HEVC" => (b"hvc1", b"hvcC", entry.private.clone()),
        "V_AV1" => (b"av01", b"av1C", entry.private.clone()),
        "V_VP9" => {
            let per_second = 1_000_000_000 / entry.default_duration.unwrap_or(40_000_000).max(1);
            let colour = entry.colour.unwrap_or([2, 2, 2, 0]);
            let size = [entry.width, entry.height];
            let vpcc = cmaf::vp9_configuration(&first_frame(file, frames)?, size, per_second, colour)
                .map_err(|what| refuse(&format!("its first picture: {what}")))?;
            (b"vp09", b"vpcC", vpcc)
        }
        other => return Err(VideoCodec::unsupported(path, name(other))),
    };
    if payload.is_empty() {
        return Err(refuse(
            "a video track without its codec's configuration; copy it first (ffmpeg -c copy)",
        ));
    }
    if entry.cropped {
        return Err(refuse("a video track with cropped pictures; encode it as it is to be shown"));
    }
    let [Ok(width), Ok(height)] = [entry.width, entry.height].map(u16::try_from) else {
        return Err(refuse("pictures that are too large"));
    };
    // Sample aspect ratio: how much wider the picture is shown than it is coded.
    let sar = entry.display.and_then(|[x, y]| {
        let [a, b] = reduced(x.checked_mul(height.into())?, y.checked_mul(width.into())?);
        Some([u32::try_from(a).ok()?, u32::try_from(b).ok()?]).filter(|sar| *sar != [1, 1])
    });
    let transfer = entry.colour.map(|colour| colour[1]);
    let picture = Picture { width: width.into(), height: height.into(), sar, transfer };
    let written = write_visual_entry(code, (width, height), |out| {
        out.boxed(config, |out| out.bytes(&payload));
        if let Some([x, y]) = sar {
            out.boxed(b"pasp", |out| {
                out.u32(x);
                out.u32(y);
            });
        }
        if let Some([matrix, transfer, primaries, range]) = entry.colour {
            out.boxed(b"colr", |out| {
                out.bytes(b"nclx");
                [primaries, transfer, matrix].iter().for_each(|&value| out.u16(value.into()));
                out.u8(if range == 2 { 0x80 } else { 0 });
            });
        }
        entry.mastering.write(out);
    });
    VideoCodec::with_config(path, *code, *config, payload, picture, written)
}

/// The codec of an audio track, and where its frames say how long they are.
pub(super) fn audio(
    file: &MediaFile,
    entry: &TrackEntry,
    frames: &[Frame],
) -> Result<(AudioCodec, FrameLength), Error> {
    let path = file.path();
    let malformed = || Error::unsupported(path, format!("a malformed configuration of `{}`", entry.codec));
    let with = |kind: &[u8; 4], payload: &[u8]| AudioCodec::with_config(path, *kind, payload);
    Ok(match entry.codec.as_str() {
        "A_AAC" => {
            let esds = write_esds(&entry.private).ok_or_else(malformed)?;
            let channels = u16::try_from(entry.channels).map_err(|_| malformed())?;
            let codec = AudioCodec::aac(path, &esds, channels)?;
            // With its high frequencies put back, a frame is twice as long.
            let samples =
                if matches!(codec.codecs.as_str(), "mp4a.40.5" | "mp4a.40.29") { 2048 } else { 1024 };
            (codec, FrameLength::Fixed(samples))
        }
        "A_OPUS" => {
            let (_, dops) = opus_configuration(&entry.private).map_err(|_| malformed())?;
            (with(b"dOps", &dops)?, FrameLength::Opus)
        }
        "A_FLAC" => {
            let blocks = entry.private.strip_prefix(b"fLaC").ok_or_else(malformed)?;
            (with(b"dfLa", &[&[0; 4], blocks].concat())?, FrameLength::Flac)
        }
        "A_AC3" => {
            let dac3 = sound::dac3(&first_frame(file, frames)?).ok_or_else(malformed)?;
            (with(b"dac3", &dac3)?, FrameLength::Fixed(1536))
        }
        "A_EAC3" => {
            let dec3 =
                sound::dec3(&first_frame(file, frames)?).map_err(|what| Error::unsupported(path, what))?;
            (with(b"dec3", &dec3)?, FrameLength::Fixed(1536))
        }
        other => return Err(AudioCodec::unsupported(path, name(other))),
    })
}

/// A codec's id with what it stands for.
fn name(id: &str) -> String {
    let name = match id {
        "V_VP8" => "VP8",
        "V_MPEG2" => "MPEG-2",
        "V_MPEG4/ISO/ASP" => "MPEG-4 Visual",
        "V_PRORES" => "ProRes",
        "V_THEORA" => "Theora",
        "A_MPEG/L3" => "MP3",
        "A_VORBIS" => "Vorbis",
        "A_TRUEHD" => "TrueHD",
        _ if id.starts_with("A_DTS") => "DTS",
        _ if id.starts_with("A_PCM") => "PCM",
        _ => return id.chars().filter(|letter| !letter.is_control()).take(40).collect(),
    };
    format!("{id} ({name})")
}

fn reduced(a: u64, b: u64) -> [u64; 2] {
    let (mut x, mut y) = (a, b);
    while y != 0 {
        (x, y) = (y, x % y);
    }
    match (a.checked_div(x), b.checked_div(x)) {
        (Some(a), Some(b)) => [a, b],
        _ => [1, 1],
    }
}

fn first_frame(file: &MediaFile, frames: &[Frame]) -> Result<Vec<u8>, Error> {
    let Some(frame) = frames.first() else { return Ok(Vec::new()) };
    let mut data = vec![0; MAX_FRAME.min(frame.size as usize)];
    file.read_at(frame.offset, &mut data)?;
    Ok(data)
}
