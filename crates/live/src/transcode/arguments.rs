//! What ffmpeg is told. There is nothing secret in it: everybody on the machine can read it.

use super::Step;

/// Samples of a picture: those of 8192 by 4352, the largest of level 6.2 (HEVC, Annex A).
const MOST_PIXELS: &str = "35651584";
/// Threads that decode at most: each gives its picture when the next one comes.
const DECODERS: usize = 2;
/// Pictures that wait for their turn to be shown (ITU-T H.264, A.3.1; HEVC has as many), and what the muxer
/// keeps.
const REORDERED: usize = 18;

/// Pictures that an ffmpeg of so many threads may keep until others come, or its input ends.
pub fn most_held(threads: usize) -> usize {
    threads.clamp(1, DECODERS) + REORDERED
}

/// Pictures between two key frames at most; they are where the source's are, long before.
const NEVER: &str = "100000";

/// The arguments of an ffmpeg (5.1 or later, with libx264) that reads pictures in so many ticks a second as
/// fragmented MP4 from its standard input, and writes the steps as further fragmented MP4, a track each, to
/// its standard output: with the same times, and key frames at the same pictures.
pub fn arguments(steps: &[Step], timescale: u32, threads: usize) -> Vec<String> {
    let decoders = threads.clamp(1, DECODERS).to_string();
    let threads = threads.max(1).to_string();
    let base = format!("1/{timescale}");
    let ticks = timescale.to_string();
    let graph = graph(steps);
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
    ];
    let names: Vec<String> = (0..steps.len()).map(|n| format!("[o{n}]")).collect();
    for name in &names {
        words.extend(["-map", name]);
    }
    words.extend([
        "-an",
        "-sn",
        "-dn",
        "-map_metadata",
        "-1",
        "-c:v",
        "libx264",
        "-preset",
        "veryfast",
        // Pictures leave it as they come, in the order in which they are shown.
        "-tune",
        "zerolatency",
        "-bf",
        "0",
        "-profile:v",
        "high",
        "-pix_fmt",
        "yuv420p",
        "-threads",
        &threads,
        // Key frames where the source has them, and nowhere else.
        "-force_key_frames",
        "source",
        "-forced-idr",
        "1",
        "-sc_threshold",
        "0",
        "-g",
        NEVER,
    ]);
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

/// The filters that make all steps of one decoded picture.
fn graph(steps: &[Step]) -> String {
    let count = steps.len();
    let ways: String = (0..count).map(|n| format!("[s{n}]")).collect();
    let scale = |(n, step): (usize, &Step)| {
        let Step { width, height, .. } = step;
        format!(";[s{n}]scale={width}:{height}:flags=bicubic,setsar=1,format=yuv420p[o{n}]")
    };
    let scales: String = steps.iter().enumerate().map(scale).collect();
    format!("[0:v]split={count}{ways}{scales}")
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

    #[test]
    fn every_step_is_scaled_mapped_and_bounded() {
        let steps =
            [Step { width: 1280, height: 720, kbps: 3500 }, Step { width: 854, height: 480, kbps: 1600 }];
        let words = arguments(&steps, 90_000, 0);
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
        let many = arguments(&steps, 90_000, 8);
        let threads = many.windows(2).filter(|pair| pair[0] == "-threads").map(|pair| &pair[1]);
        assert_eq!(threads.collect::<Vec<_>>(), ["2", "8"]);
        assert_eq!((most_held(0), most_held(8)), (19, 20));
        let maps: Vec<_> = words.windows(2).filter(|pair| pair[0] == "-map").map(|pair| &pair[1]).collect();
        assert_eq!(maps, ["[o0]", "[o1]"]);
        // Two pipes, and nothing that names a place, a person or a key.
        assert_eq!(
            (value("-i"), value("-protocol_whitelist"), words.last().unwrap().as_str()),
            ("pipe:0", "pipe", "pipe:1")
        );
        assert!(!words.iter().any(|word| word.contains("://")));
    }
}
