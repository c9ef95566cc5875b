//! The committed film is what the crate's documentation says it is: read back with ffmpeg.

use std::path::PathBuf;
use std::process::Command;

use demo_film::{BELL_HZ, FRAMES, LINE_SECONDS, LINES, Mark, SAMPLE_RATE, SECONDS, SIZES, Size};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../media/demo")
}

/// Decodes one file with ffmpeg; `None`, with the reason printed, where there is no ffmpeg.
fn decode(size: &Size, arguments: &[&str]) -> Option<Vec<u8>> {
    let film = folder().join(size.name).with_extension("mp4");
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-threads", "1", "-i"]).arg(film).args(arguments).arg("-");
    match ffmpeg.output() {
        Ok(output) => {
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            Some(output.stdout)
        }
        Err(error) => {
            eprintln!("skipped: ffmpeg cannot be started ({error})");
            None
        }
    }
}

#[test]
fn every_frame_of_every_size_says_its_number_and_flashes_on_the_second() {
    for size in &SIZES {
        let arguments = ["-map", "0:v", "-fps_mode", "passthrough", "-pix_fmt", "yuv420p", "-f", "rawvideo"];
        let Some(pictures) = decode(size, &arguments) else { return };
        let (width, height) = (size.width as usize, size.height as usize);
        let chroma = width.div_ceil(2) * height.div_ceil(2);
        let frames: Vec<&[u8]> = pictures.chunks(width * height + 2 * chroma).collect();
        assert_eq!(frames.len(), FRAMES as usize, "{}", size.name);
        for (number, frame) in frames.iter().enumerate() {
            let read = Mark::read(frame, width, height);
            assert_eq!(read, Some(Mark::of(number as u16)), "{} frame {number}", size.name);
        }
    }
}

#[test]
fn a_bell_begins_with_every_second() {
    for size in &SIZES {
        let arguments = ["-map", "0:a", "-ac", "1", "-c:a", "pcm_s16le", "-f", "s16le"];
        let Some(sound) = decode(size, &arguments) else { return };
        let samples: Vec<f32> =
            sound.chunks_exact(2).map(|pair| f32::from(i16::from_le_bytes([pair[0], pair[1]]))).collect();
        for second in 0..SECONDS {
            let at = (second * SAMPLE_RATE) as usize;
            let after = bell(&samples[at..at + 480]);
            assert!(after > 1500.0, "{} second {second}: {after}", size.name);
            if second > 0 {
                let before = bell(&samples[at - 1440..at - 480]);
                assert!(
                    before * 8.0 < after,
                    "{} second {second}: {before} before, {after} after",
                    size.name
                );
            }
        }
    }
}

/// Amplitude of the bell's frequency (one bin of a Fourier transform).
fn bell(samples: &[f32]) -> f32 {
    let mut sum = (0.0, 0.0);
    for (n, sample) in samples.iter().enumerate() {
        let angle = std::f32::consts::TAU * BELL_HZ * n as f32 / SAMPLE_RATE as f32;
        sum = (sum.0 + sample * angle.cos(), sum.1 + sample * angle.sin());
    }
    2.0 * sum.0.hypot(sum.1) / samples.len() as f32
}

#[test]
fn the_hashes_are_of_the_decoded_frames() {
    for size in &SIZES {
        let arguments = ["-map", "0:v", "-pix_fmt", "yuv420p", "-f", "framehash", "-hash", "sha256"];
        let Some(decoded) = decode(size, &arguments) else { return };
        let decoded = String::from_utf8(decoded).unwrap();
        let decoded: Vec<&str> = decoded
            .lines()
            .filter(|line| !line.starts_with('#'))
            .map(|line| line.rsplit(',').next().unwrap().trim())
            .collect();
        let committed =
            std::fs::read_to_string(folder().join(size.name).with_extension("framehash")).unwrap();
        assert_eq!(committed.lines().collect::<Vec<_>>(), decoded, "{}", size.name);
    }
}

#[test]
fn subtitles_say_the_film_s_lines_in_their_time() {
    for (name, german) in [("subtitles.en.vtt", false), ("subtitles.de.vtt", true)] {
        let text = std::fs::read_to_string(folder().join(name)).unwrap();
        let mut blocks = text.split("\n\n");
        assert_eq!(blocks.next(), Some("WEBVTT"));
        for (n, line) in LINES.iter().enumerate() {
            let (start, said) = (n as u32 * LINE_SECONDS, if german { line.1 } else { line.0 });
            let end = start + LINE_SECONDS - 1;
            let cue = format!("00:00:{start:02}.500 --> 00:00:{end:02}.500\n{said}");
            assert_eq!(blocks.next().map(str::trim_end), Some(&cue[..]), "{name}");
        }
        assert_eq!(blocks.next(), None);
    }
}

/// The told sound is as long as the film, and has a voice where a line is said that the music alone has not.
#[test]
fn the_told_sound_speaks() {
    let decode = |file: &str| {
        let mut ffmpeg = Command::new("ffmpeg");
        ffmpeg.args(["-v", "error", "-i"]).arg(folder().join(file)).args(["-map", "0:a", "-ac", "1"]);
        match ffmpeg.args(["-c:a", "pcm_s16le", "-f", "s16le", "-"]).output() {
            Ok(output) => Some(output.stdout),
            Err(error) => {
                eprintln!("skipped: ffmpeg cannot be started ({error})");
                None
            }
        }
    };
    let (Some(told), Some(music)) = (decode("sound.de.m4a"), decode("240p.mp4")) else { return };
    assert!(told.len().abs_diff((SECONDS * SAMPLE_RATE * 2) as usize) < 8192, "{}", told.len());
    // Loudness of a second and a half, which is in no line's pause.
    let loud = |sound: &[u8], second: u32| {
        let at = (second * SAMPLE_RATE * 2) as usize;
        let part = sound[at..at + (SAMPLE_RATE * 3) as usize].chunks_exact(2);
        part.map(|pair| f64::from(i16::from_le_bytes([pair[0], pair[1]])).powi(2)).sum::<f64>()
    };
    for n in 0..LINES.len() as u32 {
        let start = n * LINE_SECONDS;
        let (told, music) = (loud(&told, start), loud(&music, start));
        assert!(told > music / 3.0, "line {n}: {told} with the voice, {music} without");
    }
}

#[test]
fn the_film_is_small() {
    let files = SIZES.map(|size| folder().join(size.name).with_extension("mp4"));
    let all: u64 = files.iter().map(|file| file.metadata().unwrap().len()).sum();
    assert!(all < 4_000_000, "{all} bytes");
    assert!(folder().join("poster.jpg").metadata().unwrap().len() < 120_000);
    let files = std::fs::read_dir(folder()).unwrap().map(|file| file.unwrap().metadata().unwrap().len());
    let whole: u64 = files.sum();
    assert!(whole < 5_000_000, "{whole} bytes with all that goes with it");
}
