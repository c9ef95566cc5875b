//! What ffmpeg is told for each step.

use std::path::Path;

use crate::ffmpeg::Call;
use crate::ladder::filters;
use crate::plan::{Coding, Colours, KeyFrames, Place, Plan, Reading, Sound, Step, Text};

/// Seconds between key frames that are made: two in each usual segment.
const KEY_FRAMES: u32 = 2;

/// Encodes at constant quality, fast, to measure how large it gets; each encoder has a scale of its own
/// (CRF).
fn measuring(coding: Coding) -> &'static str {
    match coding {
        Coding::H264 => "-c:v libx264 -preset veryfast -crf 22 -g 250 -f h264",
        Coding::Hevc => "-c:v libx265 -preset veryfast -crf 24 -x265-params log-level=error -g 250 -f hevc",
        Coding::Av1 => "-c:v libsvtav1 -preset 10 -crf 32 -g 250 -f ivf",
    }
}

/// Width of thumbnails.
pub(crate) const THUMBNAIL_WIDTH: u32 = 320;

/// Pictures in a row and in a column of a sheet of thumbnails.
pub(crate) const SHEET: u32 = 10;

/// Pictures among which the poster is chosen, and the width at which they are looked at.
pub(crate) const POSTERS: u32 = 24;
pub(crate) const LOOK_WIDTH: u32 = 160;

fn from(place: &Place) -> Call {
    Call::of(&place.input).input().arg("-map").arg(format!("0:{}", place.stream))
}

/// One stream, without what else the source says, so that equal sources give equal octets.
fn alone(call: Call) -> Call {
    call.words("-map_metadata -1 -map_chapters -1 -fflags +bitexact -flags +bitexact")
}

/// Filters that make a step of the ladder.
fn scaled(filters: &[String], coding: Coding, step: &Step) -> String {
    let format = match coding {
        Coding::H264 => "yuv420p",
        Coding::Hevc | Coding::Av1 => "yuv420p10le",
    };
    let scale = format!("scale={}:{}:flags=bicubic,setsar=1,format={format}", step.width, step.height);
    filters.iter().cloned().chain([scale]).collect::<Vec<_>>().join(",")
}

/// Encodes a part of the film at constant quality, to see how large it gets.
pub(crate) fn measure(
    place: &Place,
    filters: &[String],
    (coding, step): (Coding, &Step),
    (start, length): (f64, f64),
    to: &Path,
) -> Call {
    Call::of(&place.input)
        .words(&format!("-ss {start:.3} -t {length:.3}"))
        .input()
        .arg("-map")
        .arg(format!("0:{}", place.stream))
        .arg("-vf")
        .arg(scaled(filters, coding, step))
        .words(measuring(coding))
        .output(to)
}

/// How all steps of one coding are encoded.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Encoding<'a> {
    pub(crate) coding: Coding,
    pub(crate) keys: KeyFrames,
    pub(crate) colours: Option<&'a Colours>,
    /// Each picture keeps its own time.
    pub(crate) variable: bool,
}

impl Encoding<'_> {
    /// The encoder, at a rate.
    fn encoder(self, kbps: u32) -> String {
        let peaks = format!("-b:v {kbps}k -maxrate {}k -bufsize {}k", kbps + kbps / 2, kbps * 2);
        let keys = "-g 100000 -forced-idr 1";
        let mastering = self.colours.map(|colours| colours.mastering).unwrap_or_default();
        match self.coding {
            Coding::H264 => format!(
                "-c:v libx264 -preset medium -profile:v high {peaks} {keys} -x264-params open-gop=0:scenecut=0"
            ),
            // `hvc1`: parameter sets stand in the header alone, as Safari wants it.
            Coding::Hevc => format!(
                "-c:v libx265 -preset medium -profile:v main10 {peaks} {keys} -x265-params \
                 open-gop=0:radl=0:scenecut=0:log-level=error{} -tag:v hvc1",
                mastering.for_x265()
            ),
            Coding::Av1 => format!(
                "-c:v libsvtav1 -preset 8 -b:v {kbps}k -svtav1-params scd=0{}",
                mastering.for_svt_av1()
            ),
        }
    }

    /// Where key frames are.
    fn key_frames(self, call: Call) -> Call {
        match (self.keys, self.coding) {
            // It does not hear where others want them.
            (KeyFrames::Counted { pictures }, Coding::Av1) => call.words(&format!("-g {pictures}")),
            (KeyFrames::Counted { pictures }, _) => {
                call.arg("-force_key_frames").arg(format!("expr:not(mod(n,{pictures}))"))
            }
            (KeyFrames::Source, _) => call.arg("-force_key_frames").arg("source"),
            (KeyFrames::Usual, _) => {
                call.arg("-force_key_frames").arg(format!("expr:gte(t,n_forced*{KEY_FRAMES})"))
            }
        }
    }
}

/// Encodes a step of the ladder.
pub(crate) fn encode(
    place: &Place,
    filters: &[String],
    step: &Step,
    kbps: u32,
    encoding: Encoding<'_>,
    to: &Path,
) -> Call {
    let call = from(place).arg("-vf").arg(scaled(filters, encoding.coding, step));
    let call = encoding.key_frames(call.words(&encoding.encoder(kbps)).words("-fps_mode vfr"));
    let call = match encoding.colours {
        Some(Colours { primaries, transfer, matrix, mastering: _ }) => call.words(&format!(
            "-color_primaries {primaries} -color_trc {transfer} -colorspace {matrix} -color_range tv"
        )),
        None => call,
    };
    // Each picture keeps its time to the nearest of 90,000 a second.
    let call = match encoding.variable {
        true => call.words("-enc_time_base 1:90000 -video_track_timescale 90000"),
        false => call,
    };
    alone(call).words("-f mp4").output(to)
}

/// Puts pictures into MP4 as they are.
pub(crate) fn copy_pictures(place: &Place, codec: &str, to: &Path) -> Call {
    match codec {
        "hevc" => alone(from(place).words("-c copy -tag:v hvc1")).words("-f mp4").output(to),
        _ => copy(place, to),
    }
}

/// Puts a stream into MP4 as it is. ffmpeg 5.1 calls FLAC in MP4 an experiment; what it writes is as the
/// specification says.
pub(crate) fn copy(place: &Place, to: &Path) -> Call {
    alone(from(place).words("-c copy")).words("-strict experimental -f mp4").output(to)
}

/// Encodes sound as AAC, from the film's beginning to its end.
pub(crate) fn sound(sound: &Sound, duration: f64, to: &Path) -> Call {
    let filter = format!("aresample=48000:async=1:first_pts=0,apad=whole_dur={duration:.3}");
    let words = format!("-c:a aac -ac {} -b:a {}k", sound.channels, 64 * sound.channels.max(1));
    alone(from(&sound.place).arg("-af").arg(filter).words(&words)).words("-f mp4").output(to)
}

/// The name under which a film with captions lies in the working folder: one that needs no escaping in a
/// graph of filters.
pub(crate) const CAPTIONED: &str = ".captioned";

/// The graph of filters that gives the captions' octets of a stream of the film that lies under that name.
pub(crate) fn caption_graph(stream: usize) -> String {
    format!("movie={CAPTIONED}:stream_index={stream}:format_opts=protocol_whitelist=file[out+subcc]")
}

/// Makes WebVTT of subtitles, or takes TTML out as it is.
pub(crate) fn text(text: &Text, to: &Path) -> Call {
    match text.how {
        Reading::Documents => return from(&text.place).words("-c copy -f data").output(to),
        Reading::Captions { start } => {
            let call = Call::of(&text.place.input).words("-copyts -f lavfi -i");
            let call = call.arg(caption_graph(text.place.stream));
            let words = format!("-map 0:s -c:s webvtt -output_ts_offset {}ms -f webvtt", -start);
            return call.words(&words).output(to);
        }
        Reading::Direct | Reading::Decode => {}
    }
    let call = Call::of(&text.place.input);
    let call = if text.alone { call.words("-copyts") } else { call };
    let call = call.input().arg("-map").arg(format!("0:{}", text.place.stream));
    call.words("-c:s webvtt -f webvtt").output(to)
}

/// A size with the film's shape whose width is given. Even numbers.
fn shaped(plan: &Plan, width: u32) -> (u32, u32) {
    let (w, h) = (u64::from(plan.shown.0.max(1)), u64::from(plan.shown.1.max(1)));
    let height = (u64::from(width) * h).div_ceil(w).clamp(2, 8192) as u32;
    (width.next_multiple_of(2), height.next_multiple_of(2))
}

fn small(plan: &Plan, first: &str, (width, height): (u32, u32), format: &str) -> String {
    let sdr = if plan.hdr { format!("{},", filters::TO_SDR) } else { String::new() };
    format!("{first}{sdr}scale={width}:{height}:flags=area,setsar=1,format={format}")
}

/// Milliseconds between thumbnails: 10 s, or a hundredth of the film where that is less; one picture at
/// least.
pub(crate) fn interval(plan: &Plan) -> u64 {
    let picture = (1000.0 / plan.rate.max(1.0)).ceil() as u64;
    let hundredth = (plan.duration * 10.0).round() as u64;
    hundredth.min(10_000).max(picture).max(1)
}

/// Thumbnails as `%05d.jpg` in a folder. Without `every`: the first picture alone.
pub(crate) fn thumbnails(plan: &Plan, every: Option<u64>, folder: &Path) -> Call {
    // Key frames are enough where there is one between two thumbnails, and are much less to decode.
    let call = Call::of(&plan.picture.input);
    let call = match every {
        Some(4000..) => call.words("-skip_frame nokey"),
        _ => call,
    };
    let first = every.map_or(String::new(), |every| format!("fps=fps=1000/{every}:start_time=0,"));
    let frames = if every.is_some() { "" } else { "-frames:v 1" };
    call.input()
        .arg("-map")
        .arg(format!("0:{}", plan.picture.stream))
        .arg("-vf")
        .arg(small(plan, &first, shaped(plan, THUMBNAIL_WIDTH), "yuvj420p"))
        .words(&format!("-fps_mode passthrough {frames} -q:v 5 -fflags +bitexact -flags +bitexact -f image2"))
        .output(&folder.join("%05d.jpg"))
}

/// Sheets of thumbnails as `%d.jpg` in a folder.
pub(crate) fn sheets(thumbnails: &Path, folder: &Path) -> Call {
    Call::of(thumbnails)
        .words("-protocol_whitelist file,pipe -framerate 1 -f image2 -i")
        .arg(crate::ffmpeg::file(&thumbnails.join("%05d.jpg")))
        .words(&format!("-vf tile={SHEET}x{SHEET} -q:v 5 -fflags +bitexact -flags +bitexact -f image2"))
        .output(&folder.join("%d.jpg"))
}

/// Pictures of the first tenth as `%03d.jpg` in a folder, and all of them small and grey in `grey`; gives the
/// size there.
pub(crate) fn posters(plan: &Plan, every: bool, folder: &Path) -> (Call, (u32, u32)) {
    let tenth = (plan.duration / 10.0).max(0.001);
    let (first, frames) = match every {
        true => (format!("fps=fps={POSTERS}/{tenth:.3}:start_time=0,"), POSTERS),
        false => (String::new(), 1),
    };
    let (full, look) = (shaped(plan, plan.shown.0.min(1280)), shaped(plan, LOOK_WIDTH));
    let map = format!("0:{}", plan.picture.stream);
    let frames = format!("-fps_mode passthrough -frames:v {frames} -fflags +bitexact -flags +bitexact");
    let call = Call::of(&plan.picture.input);
    let call = if every { call.words(&format!("-t {tenth:.3}")) } else { call };
    let call = call
        .input()
        .arg("-map")
        .arg(&map)
        .arg("-vf")
        .arg(small(plan, &first, full, "yuvj420p"))
        .words(&format!("{frames} -q:v 3 -f image2"))
        .output(&folder.join("%03d.jpg"))
        .arg("-map")
        .arg(&map)
        .arg("-vf")
        .arg(small(plan, &first, look, "gray"))
        .words(&format!("{frames} -f rawvideo"))
        .output(&folder.join("grey"));
    (call, look)
}
