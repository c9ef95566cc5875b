//! Which of a file's streams of pictures is the film, and whether it is there from the beginning to the end.

use super::Source;
use crate::probe::{Kind, Media, Stream};

/// Codecs of pictures that stand alone: a stream in one of them is a cover where the file has others.
const STILLS: [&str; 7] = ["png", "bmp", "webp", "tiff", "jpegls", "jpegxl", "gif"];

/// Seconds by which pictures may begin late or end early before the first or the last of them is held; no
/// player stops at less.
const LOOSE: f64 = 0.5;

/// Seconds by which pictures that pass may end before the sound does: the longest usual segment.
const LONGEST_TAIL: f64 = 10.0;

/// The film: the first stream of moving pictures; of streams that may all be covers the most likely one.
pub(crate) fn film(media: &Media) -> Option<&Stream> {
    // ffmpeg's names of what reads single pictures: `png_pipe`, `image2`.
    if media.container.ends_with("_pipe") || media.container == "image2" {
        return None;
    }
    let streams = media.streams.iter().filter_map(|stream| Some((likely(stream)?, stream)));
    // The first of the most likely.
    streams.rev().max_by_key(|(likely, _)| *likely).map(|(_, stream)| stream)
}

/// Samples of the film's pictures; 0 without any.
pub(crate) fn picture_samples(media: &Media) -> u64 {
    match film(media).map(|film| &film.kind) {
        Some(Kind::Video(video)) => u64::from(video.size.0) * u64::from(video.size.1),
        _ => 0,
    }
}

/// Whether a stream is a picture beside a film, or may be.
pub(super) fn is_cover(stream: &Stream) -> bool {
    likely(stream).is_none_or(|likely| likely < 2)
}

/// How likely a stream is the film, not its cover; `None` for what has no pictures that move, or says itself
/// that it is a cover.
fn likely(stream: &Stream) -> Option<u8> {
    let Kind::Video(_) = stream.kind else { return None };
    match &stream.codec[..] {
        _ if stream.is("attached_pic") || stream.is("still_image") => None,
        _ if stream.frames == Some(1) => Some(0),
        codec if STILLS.contains(&codec) => Some(0),
        "mjpeg" => Some(1),
        _ => Some(2),
    }
}

/// Seconds for which the first picture is to be held before the film's own pictures begin, and the last after
/// they ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Held {
    before: f64,
    after: f64,
}

impl Held {
    pub(super) fn of(source: &Source, stream: &Stream, duration: f64) -> Self {
        let before = (stream.start - source.media.start).max(0.0);
        let after = stream.duration.map_or(0.0, |lasts| duration - before - lasts);
        let more = |seconds: f64, than: f64| if seconds > than { seconds } else { 0.0 };
        Self { before: more(before, LOOSE), after: more(after, LOOSE) }
    }

    /// Why pictures are not taken as they are.
    pub(super) fn unfit(&self) -> Option<String> {
        match self {
            Self { before, .. } if *before > 0.0 => Some(format!("its pictures begin {before:.1} s late")),
            Self { after, .. } if *after > LONGEST_TAIL => {
                Some(format!("its pictures end {after:.1} s before its sound"))
            }
            _ => None,
        }
    }

    /// The filters that hold them.
    pub(super) fn filters(&self) -> Vec<String> {
        let Self { before, after } = self;
        match *before > 0.0 || *after > 0.0 {
            true => vec![
                "setpts=PTS-STARTPTS".to_owned(),
                format!(
                    "tpad=start_mode=clone:start_duration={before:.3}:stop_mode=clone:stop_duration={after:.3}"
                ),
            ],
            false => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn media(streams: &str) -> Media {
        let json =
            format!(r#"{{"format": {{"format_name": "x", "duration": "4"}}, "streams": [{streams}]}}"#);
        Media::from_json(json.as_bytes()).unwrap()
    }

    fn chosen(streams: &[(&str, &str)]) -> Option<usize> {
        let stream = |(index, (codec, more)): (usize, &(&str, &str))| {
            format!(
                r#"{{"index": {index}, "codec_type": "video", "codec_name": "{codec}", "width": 8, "height": 8{more}}}"#
            )
        };
        let streams: Vec<_> = streams.iter().enumerate().map(stream).collect();
        film(&media(&streams.join(","))).map(|stream| stream.index)
    }

    /// A cover is one whether or not the file says so.
    #[test]
    fn covers_are_not_the_film() {
        let attached = r#", "disposition": {"attached_pic": 1}"#;
        assert_eq!(chosen(&[("h264", ""), ("h264", "")]), Some(0));
        assert_eq!(chosen(&[("mjpeg", ""), ("h264", "")]), Some(1));
        assert_eq!(chosen(&[("png", ""), ("mjpeg", "")]), Some(1));
        assert_eq!(chosen(&[("h264", r#", "nb_frames": "1""#), ("mjpeg", "")]), Some(1));
        assert_eq!(chosen(&[("mpeg4", r#", "nb_frames": "1""#)]), Some(0), "a film of one picture");
        assert_eq!(chosen(&[("mjpeg", attached)]), None);
        assert_eq!(chosen(&[("mjpeg", attached), ("gif", "")]), Some(1));
    }

    #[test]
    fn pictures_are_held_where_there_are_none() {
        let held = |start: &str, lasts: &str| {
            let stream = format!(
                r#"{{"index": 0, "codec_type": "video", "codec_name": "h264", "width": 8, "height": 8,
                    "start_time": "{start}", "duration": "{lasts}"}}"#
            );
            let source =
                Source { path: "x".into(), media: media(&stream), key_frames: None, holes: Vec::new() };
            Held::of(&source, &source.media.streams[0], 20.0)
        };
        assert_eq!((held("0.02", "19.8").filters().len(), held("0.02", "19.8").unfit()), (0, None));
        let late = held("1.0", "19.0");
        assert!(late.filters()[1].contains("start_duration=1.000:") && late.unfit().is_some());
        // Its last segment is shorter than its sound's, and players have no trouble with that.
        let short = held("0", "15.0");
        assert!(short.filters()[1].ends_with("stop_duration=5.000") && short.unfit().is_none());
        assert!(held("0", "5.0").unfit().unwrap().contains("end 15.0 s before"));
    }
}
