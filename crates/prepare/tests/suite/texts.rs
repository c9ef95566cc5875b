//! Subtitles that ffmpeg alone does not give: TTML, and captions in pictures. ffmpeg makes the films; where
//! it is not installed the tests end early, and say so.

use pack::SubtitleRole;
use prepare::plan::{Plan, Reading, Wishes, plan};
use prepare::{Prepared, Progress, Work, probe_file, run};
use std::path::{Path, PathBuf};
use std::process::Command;

fn has_ffmpeg() -> bool {
    let there = Command::new("ffmpeg").arg("-version").output().is_ok_and(|out| out.status.success());
    if !there {
        eprintln!("SKIPPED: ffmpeg is not installed");
    }
    there
}

/// Runs ffmpeg in a folder.
fn ffmpeg(folder: &Path, args: &str, to: &str) {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-y", "-nostdin"]).args(args.split_whitespace());
    let done = command.arg(format!("file:{to}")).current_dir(folder).output().unwrap();
    assert!(done.status.success(), "{args}: {}", String::from_utf8_lossy(&done.stderr));
}

const FILM: &str = "-f lavfi -i testsrc=s=128x96:r=25:d=4";
const H264: &str = "-c:v libx264 -preset ultrafast -bf 0 -pix_fmt yuv420p -g 25 -threads 1";

fn planned(inputs: &[PathBuf]) -> Plan {
    let sources: Vec<_> = inputs.iter().map(|path| probe_file(path).unwrap()).collect();
    plan(&sources, &Wishes::default()).unwrap()
}

/// The steps that were done.
#[derive(Default)]
struct Steps(Vec<String>);

impl Progress for Steps {
    fn step(&mut self, name: &str, _: u64) {
        self.0.push(name.to_owned());
    }
    fn at(&mut self, _: u64) {}
}

fn prepared(plan: &Plan, work: &mut Work) -> (Prepared, Vec<String>) {
    let mut steps = Steps::default();
    let prepared = run(plan, work, false, &mut steps).unwrap();
    (prepared, steps.0)
}

fn cues(path: &Path) -> Vec<(u64, u64, String)> {
    let track = subtitles::read(&std::fs::read(path).unwrap()).unwrap();
    track.cues.into_iter().map(|cue| (cue.start.0, cue.end.0, cue.text)).collect()
}

#[test]
fn files_of_ttml_are_taken_as_they_are() {
    if !has_ffmpeg() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let [film, german, wrong] =
        ["film.mkv", "film.de.sdh.ttml", "wrong.xml"].map(|name| dir.path().join(name));
    ffmpeg(dir.path(), &format!("{FILM} {H264}"), "film.mkv");
    let ttml = r#"<tt xmlns="http://www.w3.org/ns/ttml"><body><div><p begin="1s" end="2s">Hallo</p></div></body></tt>"#;
    std::fs::write(&german, ttml).unwrap();
    let plan = planned(&[film.clone(), german.clone()]);
    let text = &plan.texts[0];
    assert_eq!((text.how, text.role), (Reading::Direct, SubtitleRole::Caption));
    assert_eq!(text.language.as_deref(), Some("de"));
    assert!(plan.notes.iter().any(|note| note.ends_with("film.de.sdh.ttml stream 0: ttml becomes WebVTT")));
    let mut work = Work::open(&dir.path().join("work"), &[film], "").unwrap();
    assert_eq!(prepared(&plan, &mut work).0.subtitles[0].path, german.canonicalize().unwrap());

    std::fs::write(&wrong, ttml.replace("1s", "\n1x")).unwrap();
    let error = probe_file(&wrong).unwrap_err().to_string();
    assert!(error.contains("wrong.xml: line 1: no time such as"), "{error}");
}

/// A track of TTML in MP4 (ISO/IEC 14496-30, `stpp`), written by ffmpeg.
#[test]
fn ttml_in_mp4_is_found() {
    if !has_ffmpeg() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let srt =
        "1\n00:00:01,000 --> 00:00:02,000\nWho & what\nis there?\n\n2\n00:00:02,500 --> 00:00:03,000\nI am\n";
    std::fs::write(dir.path().join("a.srt"), srt).unwrap();
    let args = format!("{FILM} -i a.srt {H264} -c:s ttml -metadata:s:s:0 language=fre");
    ffmpeg(dir.path(), &args, "film.mp4");
    let film = dir.path().join("film.mp4");
    let plan = planned(std::slice::from_ref(&film));
    assert_eq!((plan.texts[0].how, plan.texts[0].language.as_deref()), (Reading::Documents, Some("fre")));
    let mut work = Work::open(&dir.path().join("work"), &[film], "").unwrap();
    let (done, _) = prepared(&plan, &mut work);
    assert!(done.left_out.is_empty(), "{:?}", done.left_out);
    let expected = [(1000, 2000, "Who &amp; what\nis there?".to_owned()), (2500, 3000, "I am".to_owned())];
    assert_eq!(cues(&done.subtitles[0].path), expected);
}

/// Odd parity, as CEA-608 has it.
fn with_parity(octet: u8) -> u8 {
    if octet.count_ones().is_multiple_of(2) { octet | 0x80 } else { octet }
}

/// A pair of CEA-608's first field: valid.
fn first_field(pair: [u8; 2]) -> Vec<[u8; 3]> {
    let [a, b] = pair.map(with_parity);
    vec![[0xfc, a, b]]
}

/// Captions for a picture: an SEI NAL unit of user data (ITU-T T.35, ATSC A/53 part 4).
fn sei(triples: &[[u8; 3]]) -> Vec<u8> {
    let data = [
        &[0xb5_u8, 0x00, 0x31][..],
        b"GA94",
        // Captions; so many of them; nothing else.
        &[0x03, 0xc0 | triples.len() as u8, 0xff],
        triples.as_flattened(),
        &[0xff],
    ]
    .concat();
    let mut message = vec![4, data.len() as u8];
    message.extend(data);
    message.push(0x80);
    // No start code within.
    let mut nal = vec![0, 0, 0, 1, 6];
    let mut zeros = 0;
    for octet in message {
        if zeros >= 2 && octet <= 3 {
            nal.push(3);
            zeros = 0;
        }
        zeros = if octet == 0 { zeros + 1 } else { 0 };
        nal.push(octet);
    }
    nal
}

/// The pair of a picture: "HELLO" popped on with picture 19 (`RCL ENM PAC … EOC`), and gone with picture 60
/// (`EDM`). Codes of control come twice.
fn pair(picture: usize) -> [u8; 2] {
    match picture {
        10 | 11 => [0x14, 0x20],
        12 | 13 => [0x14, 0x2e],
        14 | 15 => [0x14, 0x70],
        16 => *b"HE",
        17 => *b"LL",
        18 => [b'O', 0],
        19 | 20 => [0x14, 0x2f],
        60 | 61 => [0x14, 0x2c],
        _ => [0, 0],
    }
}

/// The same of CEA-708: "HELLO" in a window of the first service that is shown with picture 19 and gone with
/// picture 60. CEA-608 has nothing to say.
fn triples_708(picture: usize) -> Vec<[u8; 3]> {
    let block: &[u8] = match picture {
        10 => &[0x98, 0x18, 74, 0, 0x71, 31, 0x09],
        12 => b"HELLO",
        19 => &[0x89, 1],
        60 => &[0x8a, 1],
        _ => &[],
    };
    let mut triples = first_field([0, 0]);
    if !block.is_empty() {
        // The packet's number and size in pairs; the service and the block's size.
        let mut packet = vec![block.len().div_ceil(2) as u8 + 1, (1 << 5) | block.len() as u8];
        packet.extend(block);
        packet.resize(packet.len().next_multiple_of(2), 0);
        let heads = std::iter::once(0xff).chain(std::iter::repeat(0xfe));
        triples.extend(heads.zip(packet.chunks(2)).map(|(head, pair)| [head, pair[0], pair[1]]));
    }
    triples
}

/// H.264 in Annex B, with captions in front of each picture's slice. The pictures have one slice each.
fn captioned(film: &[u8], triples: impl Fn(usize) -> Vec<[u8; 3]>) -> Vec<u8> {
    let begins: Vec<usize> =
        film.windows(3).enumerate().filter(|(_, w)| **w == [0, 0, 1]).map(|(n, _)| n).collect();
    let mut out = Vec::new();
    let mut picture = 0;
    for (n, begin) in begins.iter().enumerate() {
        let end = begins.get(n + 1).copied().unwrap_or(film.len());
        let nal = &film[begin + 3..end];
        if [1, 5].contains(&(nal[0] & 31)) {
            out.extend(sei(&triples(picture)));
            picture += 1;
        }
        out.extend([0, 0, 0, 1]);
        out.extend(nal);
    }
    assert_eq!(picture, 100, "pictures");
    out
}

/// Found in the pictures, planned, made once, at the film's times, whatever the file's name.
#[test]
fn captions_in_pictures_become_webvtt() {
    if !has_ffmpeg() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    ffmpeg(dir.path(), &format!("{FILM} {H264} -x264-params sliced-threads=0 -f h264"), "plain.h264");
    let plain = std::fs::read(dir.path().join("plain.h264")).unwrap();
    std::fs::write(dir.path().join("captioned.h264"), captioned(&plain, |n| first_field(pair(n)))).unwrap();
    // MPEG-TS begins at 1.4 s; in the other the pictures begin later than the sound.
    let (broadcast, late) = ("it's [a]; film, 1:2=3.ts", "late.mkv");
    ffmpeg(dir.path(), "-framerate 25 -i captioned.h264 -c copy", "captioned.mp4");
    ffmpeg(dir.path(), "-i captioned.mp4 -c copy", broadcast);
    ffmpeg(
        dir.path(),
        "-f lavfi -i sine=d=5 -itsoffset 1 -i captioned.mp4 -map 0 -map 1 -c:v copy -c:a flac",
        late,
    );
    ffmpeg(dir.path(), "-framerate 25 -i plain.h264 -c copy", "plain.mp4");
    for (name, begins) in [(broadcast, 0), (late, 1000)] {
        let film = dir.path().join(name);
        let plan = planned(std::slice::from_ref(&film));
        assert!(plan.notes.iter().any(|note| note.contains("CEA-708) become WebVTT")), "{:?}", plan.notes);
        let mut work = Work::open(&dir.path().join("work"), &[film], "").unwrap();
        let (done, steps) = prepared(&plan, &mut work);
        let text = &done.subtitles[0];
        assert_eq!((text.role, &text.language[..]), (SubtitleRole::Caption, "und"));
        assert_eq!(cues(&text.path), [(begins + 760, begins + 2400, "HELLO".to_owned())], "{name}");
        assert!(steps.iter().any(|step| step == "text-0.vtt"));
        assert!(!work.folder().join(".captioned").exists());
        assert!(!prepared(&plan, &mut work).1.iter().any(|step| step == "text-0.vtt"), "made twice");
    }
    assert!(planned(&[dir.path().join("plain.mp4")]).texts.is_empty());

    // Where CEA-608 says nothing, CEA-708 is heard.
    std::fs::write(dir.path().join("708.h264"), captioned(&plain, triples_708)).unwrap();
    ffmpeg(dir.path(), "-framerate 25 -i 708.h264 -c copy", "708.mp4");
    ffmpeg(dir.path(), "-i 708.mp4 -c copy", "708.ts");
    let film = dir.path().join("708.ts");
    let plan = planned(std::slice::from_ref(&film));
    let mut work = Work::open(&dir.path().join("work-708"), &[film], "").unwrap();
    let (done, steps) = prepared(&plan, &mut work);
    assert_eq!(cues(&done.subtitles[0].path), [(760, 2400, "HELLO".to_owned())]);
    assert!(steps.iter().any(|step| step == "text-0-708.vtt") && !work.folder().join(".captioned").exists());
    assert!(!prepared(&plan, &mut work).1.iter().any(|step| step == "text-0-708.vtt"), "made twice");
}
