//! The module against ffmpeg and Shaka Packager: what they encrypt decrypts here to what they decrypt it to,
//! and to the source's frames.

use crate::common::*;
use decryptor::{PushDecryptor, Step, WholeSegment};
use std::path::{Path, PathBuf};
use std::process::Command;

const KID: &str = "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf";
const KEY: &str = "00112233445566778899aabbccddeeff";

fn has(program: &Path, argument: &str) -> bool {
    Command::new(program).arg(argument).output().is_ok_and(|output| output.status.success())
}

fn has_ffmpeg() -> bool {
    let there = has(Path::new("ffmpeg"), "-version");
    if !there {
        eprintln!("SKIPPED: ffmpeg is not installed");
    }
    there
}

/// Shaka Packager's program, where `SHAKA_PACKAGER` names it (as `cargo xtask test` does) or the path has it.
fn shaka_packager() -> Option<PathBuf> {
    let program = std::env::var_os("SHAKA_PACKAGER").map_or_else(|| "shaka-packager".into(), PathBuf::from);
    let there = has(&program, "--version");
    if !there {
        eprintln!("SKIPPED: Shaka Packager is not there; name its program in SHAKA_PACKAGER");
    }
    there.then_some(program)
}

fn run(program: &Path, args: &[&str]) -> String {
    let done = Command::new(program).args(args).output().unwrap();
    assert!(done.status.success(), "{args:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8_lossy(&done.stdout).into()
}

fn ffmpeg(args: &str) -> String {
    let args: Vec<_> = ["-v", "error", "-nostdin", "-y"].into_iter().chain(args.split_whitespace()).collect();
    run(Path::new("ffmpeg"), &args)
}

/// SHA-256 of each sample of a file's only track, as ffmpeg takes them apart, nothing decoded.
fn samples(file: &Path) -> Vec<String> {
    let list = ffmpeg(&format!("-i {} -map 0 -c copy -f framehash -hash sha256 -", file.display()));
    list.lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split(',').nth(5).unwrap().trim().to_owned())
        .collect()
}

/// Every frame that a file's only track decodes to, by ffmpeg's own decryption where there is a key; that
/// ffmpeg finds nothing wrong is checked as well.
fn frames(file: &Path, key: Option<&str>) -> Vec<String> {
    let path = file.to_str().unwrap();
    let key = key.map_or_else(String::new, |key| format!("-decryption_key {key}"));
    let args = format!(
        "-v warning -nostdin {key} -i {path} -map 0 -fps_mode passthrough -f framehash -hash sha256 -"
    );
    let done = Command::new("ffmpeg").args(args.split_whitespace()).output().unwrap();
    let complaints = String::from_utf8_lossy(&done.stderr);
    assert!(complaints.is_empty(), "{path}: {}", complaints.lines().next().unwrap());
    let list = String::from_utf8_lossy(&done.stdout);
    list.lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split(',').nth(5).unwrap().trim().to_owned())
        .collect()
}

/// What the module makes of a whole file: clear init segment and fragments.
fn by_module(file: &Path, chunk: usize) -> PathBuf {
    let data = std::fs::read(file).unwrap();
    let first = boxes(&data).iter().find(|(_, kind, _)| kind == b"moof").unwrap().0;
    let mut stream = PushDecryptor::new();
    let clear = stream.set_init(data[..first].to_vec()).unwrap();
    assert_eq!(clear.kids, [KID.parse().unwrap()], "{}", file.display());
    let out =
        decrypt(&mut stream, &mut Given::new(&format!("{KID}:{KEY}")), data[first..].chunks(chunk)).unwrap();
    let to = file.with_extension("module.mp4");
    std::fs::write(&to, [clear.bytes, out.concat()].concat()).unwrap();
    to
}

/// Sources of each codec: name, arguments for ffmpeg, encoder that it needs.
const SOURCES: [(&str, &str, &str); 11] = [
    ("avc", "-c:v libx264 -preset veryfast -x264-params keyint=25:bframes=2", "libx264"),
    ("avc-slices", "-c:v libx264 -preset veryfast -x264-params keyint=25:slices=9", "libx264"),
    ("hevc", "-c:v libx265 -preset ultrafast -x265-params log-level=error:keyint=25 -tag:v hvc1", "libx265"),
    (
        "hevc-slices",
        "-c:v libx265 -preset ultrafast -x265-params log-level=error:keyint=25:slices=3 -tag:v hvc1",
        "libx265",
    ),
    ("vp9", "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -g 25", "libvpx-vp9"),
    ("av1", "-c:v libaom-av1 -cpu-used 8 -usage realtime -g 25 -tiles 2x2", "libaom-av1"),
    ("aac", "-c:a aac -b:a 96k", " aac "),
    ("opus", "-c:a libopus -b:a 96k", "libopus"),
    ("ac3", "-c:a ac3 -ac 6 -b:a 384k", " ac3 "),
    ("eac3", "-c:a eac3 -b:a 128k", " eac3 "),
    ("flac", "-c:a flac -strict -2", " flac "),
];

fn source(folder: &Path, name: &str, arguments: &str, encoder: &str) -> Option<PathBuf> {
    let encoders = run(Path::new("ffmpeg"), &["-v", "error", "-encoders"]);
    if !encoders.contains(encoder) {
        eprintln!("SKIPPED: this ffmpeg has no {encoder}");
        return None;
    }
    let input = match arguments.starts_with("-c:a") {
        true => "-f lavfi -i sine=f=440:r=48000:d=3 -ac 2",
        false => "-f lavfi -i testsrc2=s=512x288:r=25:d=3 -pix_fmt yuv420p",
    };
    let to = folder.join(format!("{name}.mp4"));
    ffmpeg(&format!("{input} {arguments} {}", to.display()));
    Some(to)
}

/// Number of samples with more than one, and with just one, protected range; and with none.
fn subsample_counts(file: &Path) -> [usize; 3] {
    let data = std::fs::read(file).unwrap();
    let init = isobmff::InitSegment::parse(&data).unwrap();
    let mut counts = [0; 3];
    for (at, kind, _) in boxes(&data) {
        if &kind != b"moof" {
            continue;
        }
        let fragment = isobmff::Fragment::parse(&data[at..], at as u64, &init).unwrap();
        for sample in fragment.tracks().iter().flat_map(|track| track.samples()) {
            let Some(crypto) = sample.unwrap().crypto else { continue };
            match crypto.subsamples.filter(|(_, protected)| *protected > 0).count() {
                0 if !crypto.subsamples.is_empty() => counts[2] += 1,
                0 | 1 => counts[1] += 1,
                _ => counts[0] += 1,
            }
        }
    }
    counts
}

/// B24: Shaka Packager's `cenc` and `cbcs`, of AVC, HEVC, VP9, AV1, AAC, Opus, AC-3, E-AC-3 and FLAC, with
/// one and with many subsamples a sample.
#[test]
fn b24_what_shaka_packager_encrypts() {
    let Some(packager) = shaka_packager().filter(|_| has_ffmpeg()) else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut many = 0;
    for (name, arguments, encoder) in SOURCES {
        let Some(clear) = source(folder.path(), name, arguments, encoder) else { continue };
        let stream = if arguments.starts_with("-c:a") { "audio" } else { "video" };
        for scheme in ["cenc", "cbcs"] {
            let protected = folder.path().join(format!("{name}-{scheme}.mp4"));
            let by_shaka = folder.path().join(format!("{name}-{scheme}.shaka.mp4"));
            let keys = format!("label=:key_id={KID}:key={KEY}");
            let descriptor = |from: &Path, to: &Path| {
                format!("in={},stream={stream},output={}", from.display(), to.display())
            };
            let encrypt = [
                "--enable_raw_key_encryption",
                "--keys",
                &keys,
                "--protection_scheme",
                scheme,
                "--clear_lead",
                "0",
            ];
            let segments =
                ["--segment_duration", "1", "--fragment_duration", "1", "--protection_systems", "Common"];
            run(&packager, &[&[&descriptor(&clear, &protected)[..]], &encrypt[..], &segments].concat());
            run(
                &packager,
                &[&descriptor(&protected, &by_shaka), "--enable_raw_key_decryption", "--keys", &keys],
            );
            let by_module = by_module(&protected, 4099);
            assert_eq!(samples(&by_module), samples(&by_shaka), "{name} {scheme}");
            assert_eq!(frames(&by_module, None), frames(&by_shaka, None), "{name} {scheme}");
            assert_eq!(frames(&by_module, None), frames(&protected, Some(KEY)), "{name} {scheme}: by ffmpeg");
            if stream == "video" {
                assert_eq!(frames(&by_module, None), frames(&clear, None), "{name} {scheme}");
            }
            assert!(samples(&by_module) != samples(&protected), "{name} {scheme}: it was not encrypted");
            let [several, one, none] = subsample_counts(&protected);
            println!(
                "{name} {scheme}: {several} samples of many protected ranges, {one} of one, {none} of none"
            );
            many += usize::from(several > 10);
        }
    }
    assert!(many >= 4, "streams with many subsamples: {many}");
}

/// ffmpeg writes `senc` for files without fragments only: the same samples, IVs and subsamples as a
/// fragmented file.
fn in_fragments(file: &Path) -> Option<PathBuf> {
    let data = std::fs::read(file).unwrap();
    let init = isobmff::InitSegment::parse(&data).unwrap();
    let entry = &init.tracks[0].entries[0];
    let protection = entry.protection?;
    let moov = isobmff::Boxes::new(&data).first(b"moov").unwrap().unwrap();
    let path: [&[u8; 4]; 4] = [b"trak", b"mdia", b"minf", b"stbl"];
    let stbl = path.iter().fold(moov, |parent, kind| parent.required(kind).unwrap());
    let table = isobmff::SampleTable::parse(&stbl, data.len() as u64, u64::MAX).unwrap();
    let (_, flags, mut senc) = stbl.required(b"senc").unwrap().full().unwrap();
    let count = senc.u32().unwrap() as usize;
    if count == 0 {
        return None;
    }
    assert_eq!(count, table.samples.len());
    let mut auxiliary = Vec::new();
    let mut media = Vec::new();
    for sample in &table.samples {
        let mut this = isobmff::SampleAuxiliary { iv: senc.take(8).unwrap().to_vec(), subsamples: vec![] };
        if flags & 2 != 0 {
            let count = senc.u16().unwrap();
            this.subsamples = (0..count).map(|_| (senc.u16().unwrap(), senc.u32().unwrap())).collect();
        }
        auxiliary.push(this);
        media.extend_from_slice(&data[sample.offset as usize..][..sample.size as usize]);
    }
    let samples: Vec<_> = table
        .samples
        .iter()
        .map(|sample| isobmff::SampleSpec {
            size: sample.size,
            duration: sample.duration,
            composition_offset: sample.composition_offset,
            flags: if sample.sync { 0x0200_0000 } else { 0x0101_0000 },
        })
        .collect();
    // The clear entry: its type again, without `sinf`.
    let whole = isobmff::Boxes::new(&data[entry.offset..]).next().unwrap().unwrap();
    let fixed = if init.tracks[0].handler == b"vide" { 78 } else { 28 };
    let mut clear = isobmff::BoxWriter::new();
    clear.boxed(&entry.format.0, |out| {
        out.bytes(&whole.payload[..fixed]);
        for child in whole.children(fixed).map(Result::unwrap).filter(|child| child.kind != b"sinf") {
            out.boxed(&child.kind.0, |out| out.bytes(child.payload));
        }
    });
    let clear = clear.into_bytes();
    let track = &init.tracks[0];
    let media_header = match fixed {
        78 => isobmff::MediaHeader::Video { width: track.width, height: track.height, matrix: track.matrix },
        _ => isobmff::MediaHeader::Audio,
    };
    let mut out = isobmff::BoxWriter::new();
    isobmff::write_file_type(&mut out, b"iso6", &[b"iso6"]);
    let spec = isobmff::InitSpec {
        track_id: 1,
        timescale: track.timescale,
        duration: track.duration,
        language: *b"und",
        media: media_header,
        sample_entry: &clear,
        protection: Some(isobmff::ProtectionSpec {
            scheme: protection.scheme,
            encryption: protection.encryption,
        }),
        clear_entry: false,
        default_sample_flags: 0,
        media_time: 0,
        pssh: &[],
    };
    isobmff::write_init(&mut out, &spec);
    let head = isobmff::write_fragment(&isobmff::FragmentSpec {
        sequence: 1,
        track_id: 1,
        base_decode_time: 0,
        samples: &samples,
        auxiliary: &auxiliary,
        description_index: None,
        group: None,
        roll: None,
    });
    let to = file.with_extension("fragments.mp4");
    std::fs::write(&to, [out.into_bytes(), head.unwrap(), media].concat()).unwrap();
    Some(to)
}

/// B24: ffmpeg's `cenc`.
#[test]
fn b24_what_ffmpeg_encrypts() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut compared = Vec::new();
    for (name, arguments, encoder) in SOURCES {
        let Some(clear) = source(folder.path(), name, arguments, encoder) else { continue };
        let protected = folder.path().join(format!("{name}-protected.mp4"));
        let encryption =
            format!("-encryption_scheme cenc-aes-ctr -encryption_key {KEY} -encryption_kid {KID}");
        ffmpeg(&format!("-i {} -c copy -strict -2 {encryption} {}", clear.display(), protected.display()));
        let Some(fragments) = in_fragments(&protected) else {
            println!("SKIPPED: this ffmpeg does not encrypt {name}");
            continue;
        };
        let by_module = by_module(&fragments, 1000);
        assert_eq!(samples(&by_module), samples(&clear), "{name}");
        assert!(samples(&by_module) != samples(&fragments), "{name}: it was not encrypted");
        println!("{name}: {:?} samples of many, one and no protected ranges", subsample_counts(&fragments));
        compared.push(name);
    }
    assert!(compared.contains(&"avc") && compared.contains(&"aac"), "{compared:?}");
}

/// HLS `AES-128` as ffmpeg writes it: whole segments, here of fragmented MP4.
#[test]
fn whole_segments_of_ffmpeg() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let key: Vec<u8> = hex::decode(KEY).unwrap();
    std::fs::write(at("key"), key).unwrap();
    std::fs::write(at("info"), format!("key\n{}\n000102030405060708090a0b0c0d0e0f\n", at("key").display()))
        .unwrap();
    let input = "-f lavfi -i testsrc2=s=320x180:r=25:d=4 -pix_fmt yuv420p -c:v libx264 -preset ultrafast -g 25 -bitexact -f hls -hls_time 1 -hls_list_size 0";
    for (form, more) in
        [("plain", String::new()), ("whole", format!("-hls_key_info_file {}", at("info").display()))]
    {
        let names = at(&format!("{form}-%d.ts"));
        ffmpeg(&format!(
            "{input} {more} -hls_segment_filename {} {}",
            names.display(),
            at(&format!("{form}.m3u8")).display()
        ));
    }
    let iv: [u8; 16] = std::array::from_fn(|n| n as u8);
    for number in 0..4 {
        let mut segment = WholeSegment::new(KID.parse().unwrap(), iv);
        std::fs::read(at(&format!("whole-{number}.ts")))
            .unwrap()
            .chunks(777)
            .for_each(|chunk| segment.push(chunk).unwrap());
        let mut keys = Given::new(&format!("{KID}:{KEY}"));
        let Step::Fragment(clear) = segment.finish(&mut keys).unwrap() else { panic!("held") };
        assert!(clear == std::fs::read(at(&format!("plain-{number}.ts"))).unwrap(), "segment {number}");
    }
}
