//! What ffmpeg is told. There is nothing secret in it: everybody on the machine can read it.

use ladder::filters;

use super::{Encoder, Step};
use crate::source::Source;

/// Samples of a picture: those of 8192 by 4352, the largest of level 6.2 (HEVC, Annex A).
const MOST_PIXELS: &str = "35651584";
/// Threads that decode at most: each gives its picture when the next one comes.
const DECODERS: usize = 2;
/// Pictures that wait for their turn to be shown (ITU-T H.264, A.3.1; HEVC has as many), and what the muxer,
/// bwdif and an encoder in hardware keep.
const REORDERED: usize = 22;

/// Pictures that an ffmpeg of so many threads may keep until others come, or its input ends.
pub fn most_held(threads: usize) -> usize {
    threads.clamp(1, DECODERS) + REORDERED
}

/// What ffmpeg encodes with.
#[derive(Debug, Clone, Copy)]
pub struct Means<'a> {
    /// The encoder.
    pub encoder: Encoder,
    /// The device that it is on: a path (`/dev/dri/renderD128`), of NVIDIA's a number; `None`: the first.
    pub device: Option<&'a str>,
    /// Threads of each part of ffmpeg.
    pub threads: usize,
}

/// The arguments of an ffmpeg (5.1 or later, with the encoder) that reads the pictures of a source as
/// fragmented MP4 from its standard input, and writes the steps as further fragmented MP4, a track each, to
/// its standard output: with the same times, and key frames at the same pictures.
pub fn arguments(steps: &[Step], source: &Source, means: Means<'_>) -> Vec<String> {
    let Means { encoder, device, threads } = means;
    let decoders = threads.clamp(1, DECODERS).to_string();
    let threads = threads.max(1).to_string();
    let base = format!("1/{}", source.timescale);
    let ticks = source.timescale.to_string();
    let graph = graph(steps, &treatment(source, steps.first()), encoder);
    let on = encoder.device(device);
    let mut words = vec![
        // Nothing but warnings, and no other file than the two pipes.
        "-hide_banner",
        "-nostdin",
        "-nostats",
        "-loglevel",
        "warning",
        "-protocol_whitelist",
        "pipe",
        "-copyts",
    ];
    words.extend(on.iter().map(String::as_str));
    words.extend([
        // The header says it all: nothing waits for more.
        "-analyzeduration",
        "0",
        "-fpsprobesize",
        "0",
        "-threads",
        &decoders,
        // A header of a few octets asks for no more memory than this.
        "-max_pixels",
        MOST_PIXELS,
        // What turns the source turns what is made of it.
        "-noautorotate",
        "-f",
        "mp4",
        "-i",
        "pipe:0",
        "-filter_complex_threads",
        &threads,
        "-filter_complex",
        &graph,
    ]);
    let names: Vec<String> = (0..steps.len()).map(|n| format!("[o{n}]")).collect();
    for name in &names {
        words.extend(["-map", name]);
    }
    words.extend(["-an", "-sn", "-dn", "-map_metadata", "-1"]);
    let encodes = encoder.words(device, &threads);
    words.extend(encodes.iter().map(String::as_str));
    words.extend(["-force_key_frames", "source"]);
    let rates: Vec<[String; 6]> = steps.iter().enumerate().map(|(n, step)| rate(n, step.kbps)).collect();
    words.extend(rates.iter().flatten().map(String::as_str));
    words.extend([
        // Times as they are.
        "-fps_mode",
        "passthrough",
        "-enc_time_base",
        &base,
        "-video_track_timescale",
        &ticks,
        "-avoid_negative_ts",
        "disabled",
        "-use_editlist",
        "0",
        // Each picture at once.
        "-flush_packets",
        "1",
        "-frag_duration",
        "1",
        "-f",
        "mp4",
        "-movflags",
        "+empty_moov+default_base_moof+frag_discont",
        "pipe:1",
    ]);
    words.into_iter().map(str::to_owned).collect()
}

/// The arguments of an ffmpeg that encodes one picture of its own, and keeps nothing of it: it fails where
/// the encoder cannot work.
pub fn trial(means: Means<'_>) -> Vec<String> {
    let Means { encoder, device, threads } = means;
    let step = Step { width: 320, height: 240, kbps: 500 };
    let graph = graph(&[step], "", encoder);
    let mut words = vec!["-hide_banner".to_owned(), "-nostdin".to_owned(), "-nostats".to_owned()];
    words.extend(["-loglevel", "error"].map(str::to_owned));
    words.extend(encoder.device(device));
    let picture = "color=size=640x480:rate=25:duration=0.04";
    words
        .extend(["-f", "lavfi", "-i", picture, "-filter_complex", &graph, "-map", "[o0]"].map(str::to_owned));
    words.extend(encoder.words(device, &threads.max(1).to_string()));
    words.extend(rate(0, step.kbps));
    words.extend(["-frames:v", "1", "-f", "null", "-"].map(str::to_owned));
    words
}

/// The filters before all others, each with a comma behind it: whole pictures of fields, and SDR of HDR. That
/// is made once for all steps, in the size of the largest of them, for it costs much.
fn treatment(source: &Source, largest: Option<&Step>) -> String {
    let mut filters = String::new();
    if source.may_be_interlaced() {
        filters = format!("{},", filters::WHOLE_WHERE_INTERLACED);
    }
    let transfer = match source.range() {
        Some("PQ") => "smpte2084",
        Some("HLG") => "arib-std-b67",
        _ => return filters,
    };
    // Decoders forget what only the sample entry said, and zscale must know.
    filters += &format!("setparams=color_primaries=bt2020:color_trc={transfer}:colorspace=bt2020nc,");
    if let Some(Step { width, height, .. }) = largest {
        filters += &format!("scale={width}:{height}:flags=bicubic,");
    }
    filters + filters::TO_SDR + ","
}

/// The filters that make all steps of one decoded picture.
fn graph(steps: &[Step], treatment: &str, encoder: Encoder) -> String {
    let count = steps.len();
    let ways: String = (0..count).map(|n| format!("[s{n}]")).collect();
    let scale = |(n, step): (usize, &Step)| {
        let Step { width, height, .. } = step;
        format!(";[s{n}]scale={width}:{height}:flags=bicubic,setsar=1,{}[o{n}]", encoder.form())
    };
    let scales: String = steps.iter().enumerate().map(scale).collect();
    format!("[0:v]{treatment}split={count}{ways}{scales}")
}

/// A bit rate that is kept over two seconds.
fn rate(n: usize, kbps: u32) -> [String; 6] {
    let double = kbps.saturating_mul(2);
    [
        format!("-b:v:{n}"),
        format!("{kbps}k"),
        format!("-maxrate:v:{n}"),
        format!("{kbps}k"),
        format!("-bufsize:v:{n}"),
        format!("{double}k"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Kind;

    fn source(codecs: &str, range: &'static str) -> Source {
        Source {
            track_id: 1,
            timescale: 90_000,
            language: *b"und",
            codecs: codecs.to_owned(),
            entry: Vec::new(),
            edit_offset: 0,
            kind: Kind::Video {
                config: (*b"avcC", Vec::new()),
                size: (1920, 1080),
                sar: [1, 1],
                range,
                display: (1920 << 16, 1080 << 16, [0; 36]),
            },
        }
    }

    const fn means(encoder: Encoder, threads: usize) -> Means<'static> {
        Means { encoder, device: None, threads }
    }

    #[test]
    fn every_step_is_scaled_mapped_and_bounded() {
        let steps =
            [Step { width: 1280, height: 720, kbps: 3500 }, Step { width: 854, height: 480, kbps: 1600 }];
        let source = source("avc1.640028", "SDR");
        let words = arguments(&steps, &source, means(Encoder::X264, 0));
        let value = |name: &str| {
            let at = words.iter().position(|word| word == name).unwrap_or_else(|| panic!("no {name}"));
            words[at + 1].as_str()
        };
        assert_eq!(
            value("-filter_complex"),
            "[0:v]split=2[s0][s1];[s0]scale=1280:720:flags=bicubic,setsar=1,format=yuv420p[o0]\
             ;[s1]scale=854:480:flags=bicubic,setsar=1,format=yuv420p[o1]"
        );
        assert_eq!(
            (value("-b:v:0"), value("-maxrate:v:1"), value("-bufsize:v:1")),
            ("3500k", "1600k", "3200k")
        );
        assert_eq!((value("-enc_time_base"), value("-video_track_timescale")), ("1/90000", "90000"));
        let place = |name: &str| words.iter().position(|word| word == name);
        assert!(
            value("-max_pixels") == "35651584" && place("-max_pixels") < place("-i"),
            "of what is decoded"
        );
        assert_eq!((value("-threads"), value("-force_key_frames")), ("1", "source"));
        // However many there are, few decode: their pictures come late.
        let many = arguments(&steps, &source, means(Encoder::X264, 8));
        let threads = many.windows(2).filter(|pair| pair[0] == "-threads").map(|pair| &pair[1]);
        assert_eq!(threads.collect::<Vec<_>>(), ["2", "8"]);
        assert_eq!((most_held(0), most_held(8)), (23, 24));
        let maps: Vec<_> = words.windows(2).filter(|pair| pair[0] == "-map").map(|pair| &pair[1]).collect();
        assert_eq!(maps, ["[o0]", "[o1]"]);
        // Two pipes, and nothing that names a place, a person or a key.
        assert_eq!(
            (value("-i"), value("-protocol_whitelist"), words.last().unwrap().as_str()),
            ("pipe:0", "pipe", "pipe:1")
        );
        assert!(!words.iter().any(|word| word.contains("://")));
    }

    /// HDR is mapped once, and before any step is made of it.
    #[test]
    fn hdr_is_mapped_once() {
        let steps =
            [Step { width: 1280, height: 720, kbps: 3500 }, Step { width: 854, height: 480, kbps: 1600 }];
        for (range, transfer) in [("PQ", "smpte2084"), ("HLG", "arib-std-b67")] {
            let words = arguments(&steps, &source("hvc1.2.4.L120.90", range), means(Encoder::X264, 1));
            let graph = words.iter().find(|word| word.starts_with("[0:v]")).unwrap();
            let begins = format!(
                "[0:v]setparams=color_primaries=bt2020:color_trc={transfer}:colorspace=bt2020nc,\
                                  scale=1280:720:flags=bicubic,zscale=transfer=linear"
            );
            assert!(graph.starts_with(&begins) && graph.matches("tonemap=tonemap").count() == 1, "{graph}");
            assert!(graph.contains("range=tv,format=yuv420p,split=2[s0][s1];"), "{graph}");
        }
    }

    /// Each encoder has the pictures in its own form, and makes key frames where it is told, and no B-frames.
    #[test]
    fn encoders_are_told_in_their_own_words() {
        let steps = [Step { width: 1280, height: 720, kbps: 3500 }];
        for (encoder, form, idr) in [
            (Encoder::X264, "format=yuv420p[o0]", "-forced-idr"),
            (Encoder::Nvenc, "format=yuv420p[o0]", "-forced-idr"),
            (Encoder::Qsv, "format=nv12[o0]", "-forced_idr"),
            (Encoder::Vaapi, "format=nv12,hwupload[o0]", "-async_depth"),
        ] {
            let means = Means { device: Some("/dev/dri/renderD129"), ..means(encoder, 2) };
            let source = source("avc1.640028", "SDR");
            for words in [arguments(&steps, &source, means), trial(means)] {
                let place = |word: &str| words.iter().position(|found| found == word);
                let next =
                    |word: &str| &words[place(word).unwrap_or_else(|| panic!("{encoder}: {word}")) + 1];
                assert!(next("-filter_complex").ends_with(form), "{encoder}: {words:?}");
                assert_eq!((next("-c:v").as_str(), next("-bf").as_str()), (encoder.name(), "0"));
                assert_eq!(next(idr), "1", "{encoder}");
                // A device is opened before what is on it is used.
                let device = words.iter().position(|word| word.contains("renderD129"));
                assert_eq!(device.is_some(), encoder != Encoder::X264, "{encoder}");
                if matches!(encoder, Encoder::Vaapi | Encoder::Qsv) {
                    assert!(device < place("-i") && device > place("-init_hw_device"), "{encoder}");
                }
            }
        }
        assert!(
            !arguments(&steps, &source("avc1.640028", "SDR"), means(Encoder::Qsv, 1))
                .contains(&"hw".to_owned())
        );
    }
}
