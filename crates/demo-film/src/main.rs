//! Makes the demo film: draws and sounds it, and lets ffmpeg encode it.
//!
//! `demo-film OUT` writes `OUT/{240p,360p,720p}.mp4`, `OUT/{…}.framehash` (one line a frame, in order of
//! presentation: the SHA-256 of the decoded frame as I420) and `OUT/poster.jpg`, and what goes with the film:
//! `subtitles.{en,de}.vtt`, `chapters.txt`, and `sound.de.m4a`, for which espeak-ng lends its voice.
//! `demo-film OUT --still N` writes frame N of every size as PNG instead, `demo-film OUT --extras` only what
//! goes with the film.

mod canvas;
mod letters;
mod scene;
mod sound;
mod text;
mod yuv;

use std::error::Error;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use demo_film::{FPS, FRAMES, SAMPLE_RATE, SIZES, Size};
use scene::Scene;
use sound::Voice;
use text::Language;

/// Constant rate factor for each of [`SIZES`]: what keeps the whole under 4 MB.
const QUALITY: [&str; 3] = ["35", "34", "34"];
/// The frame of which the poster is made.
const POSTER: u32 = 431;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let out = arguments.next().ok_or("usage: demo-film OUT [--still FRAME | --extras]")?;
    let out = Path::new(&out);
    std::fs::create_dir_all(out)?;
    if let Some(option) = arguments.next() {
        if option == "--extras" {
            return extras(out);
        }
        let frame = arguments
            .next()
            .filter(|_| option == "--still")
            .ok_or("usage: demo-film OUT [--still FRAME | --extras]")?;
        return stills(out, frame.parse()?);
    }
    let sound = out.join("sound.m4a");
    encode_sound(&sound, &[])?;
    std::thread::scope(|scope| {
        let jobs: Vec<_> = SIZES
            .iter()
            .zip(QUALITY)
            .map(|(&size, quality)| {
                let sound = &sound;
                scope.spawn(move || film(out, size, quality, sound).map_err(|error| error.to_string()))
            })
            .collect();
        jobs.into_iter().try_for_each(|job| job.join().map_err(|_| "drawing failed".to_owned())?)
    })?;
    std::fs::remove_file(&sound)?;
    poster(out)?;
    extras(out)
}

/// Subtitles, chapters and the told sound.
fn extras(out: &Path) -> Result<(), Box<dyn Error>> {
    std::fs::write(out.join("subtitles.en.vtt"), text::subtitles(Language::English))?;
    std::fs::write(out.join("subtitles.de.vtt"), text::subtitles(Language::German))?;
    std::fs::write(out.join("chapters.txt"), text::chapters())?;
    let voices = text::lines(Language::German)
        .map(|(start, line)| speak(start, line))
        .collect::<Result<Vec<_>, _>>()?;
    encode_sound(&out.join("sound.de.m4a"), &voices)
}

/// A line, spoken in German.
fn speak(start: u32, line: &str) -> Result<Voice, Box<dyn Error>> {
    let spoken = Command::new("espeak-ng")
        .args(["-v", "de", "-s", "150", "--stdout", line])
        .output()
        .map_err(|error| format!("espeak-ng: {error}"))?;
    // What it writes to a pipe is a WAVE file whose sizes are not known: 44 octets, then 16-bit samples.
    let (head, samples) = spoken.stdout.split_at_checked(44).ok_or("espeak-ng said nothing")?;
    let rate = head.get(24..28).and_then(|rate| rate.try_into().ok()).map(u32::from_le_bytes);
    let samples = samples.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect();
    Ok(Voice { start, rate: rate.ok_or("espeak-ng said nothing")?, samples })
}

/// A command, with what it reads written to it.
fn feed(
    command: &mut Command,
    write: impl FnOnce(&mut dyn Write) -> Result<(), Box<dyn Error>>,
) -> Result<(), Box<dyn Error>> {
    let mut child = command.stdin(Stdio::piped()).spawn().map_err(|error| format!("ffmpeg: {error}"))?;
    let mut pipe = child.stdin.take().ok_or("ffmpeg has no standard input")?;
    write(&mut pipe)?;
    drop(pipe);
    let status = child.wait()?;
    if status.success() { Ok(()) } else { Err(format!("ffmpeg failed: {status}").into()) }
}

fn ffmpeg() -> Command {
    let mut command = Command::new("ffmpeg");
    command.args(["-hide_banner", "-loglevel", "error", "-y"]);
    command
}

fn encode_sound(to: &Path, voices: &[Voice]) -> Result<(), Box<dyn Error>> {
    let rate = SAMPLE_RATE.to_string();
    feed(
        ffmpeg()
            .args(["-f", "s16le", "-ac", "2", "-ar", &rate, "-i", "-", "-c:a", "aac", "-b:a", "40k"])
            .args(["-fflags", "+bitexact", "-flags:a", "+bitexact"])
            .arg(to),
        |pipe| Ok(pipe.write_all(&sound::pcm(voices))?),
    )
}

/// Draws and encodes one size, then writes the hashes of its frames.
fn film(out: &Path, size: Size, quality: &str, sound: &Path) -> Result<(), Box<dyn Error>> {
    let scene = Scene::new(size).ok_or("the fonts cannot be read")?;
    let to = out.join(size.name).with_extension("mp4");
    let (picture, rate) = (format!("{}x{}", size.width, size.height), FPS.to_string());
    feed(
        ffmpeg()
            .args(["-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", &picture, "-r", &rate, "-i", "-", "-i"])
            .arg(sound)
            .args(["-map", "0:v", "-map", "1:a", "-c:a", "copy", "-c:v", "libx264", "-profile:v", "high"])
            .args(["-preset", "medium", "-tune", "animation", "-crf", quality, "-threads", "2", "-bf", "3"])
            .args([
                "-g",
                "48",
                "-keyint_min",
                "48",
                "-sc_threshold",
                "0",
                "-x264-params",
                "open-gop=0:aq-mode=3",
            ])
            .args(["-pix_fmt", "yuv420p", "-color_range", "tv", "-colorspace", "bt709"])
            .args(["-color_primaries", "bt709", "-color_trc", "bt709"])
            .args(["-map_metadata", "-1", "-fflags", "+bitexact", "-flags:v", "+bitexact"])
            .args(["-movflags", "+faststart"])
            .arg(&to),
        |pipe| {
            for frame in 0..FRAMES {
                let picture = scene.draw(frame).ok_or("no memory for a picture")?;
                pipe.write_all(&yuv::i420(&picture))?;
            }
            Ok(())
        },
    )?;
    hashes(&to)
}

/// Writes the SHA-256 of every decoded frame beside the film.
fn hashes(film: &Path) -> Result<(), Box<dyn Error>> {
    let output = ffmpeg()
        .arg("-i")
        .arg(film)
        .args(["-map", "0:v", "-pix_fmt", "yuv420p", "-f", "framehash", "-hash", "sha256", "-"])
        .output()?;
    if !output.status.success() {
        return Err(format!("ffmpeg failed: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    let mut lines = String::new();
    for line in String::from_utf8(output.stdout)?.lines().filter(|line| !line.starts_with('#')) {
        lines.push_str(line.rsplit(", ").next().unwrap_or_default().trim());
        lines.push('\n');
    }
    Ok(std::fs::write(film.with_extension("framehash"), lines)?)
}

/// The poster: one frame, without the strip's number being anything to rely on.
fn poster(out: &Path) -> Result<(), Box<dyn Error>> {
    let scene = Scene::new(SIZES[2]).ok_or("the fonts cannot be read")?;
    let picture = scene.draw(POSTER).ok_or("no memory for a picture")?;
    feed(
        ffmpeg()
            .args(["-f", "image2pipe", "-c:v", "png", "-i", "-", "-vf", "scale=out_range=pc", "-q:v", "4"])
            .args(["-fflags", "+bitexact", "-flags:v", "+bitexact", "-update", "1"])
            .arg(out.join("poster.jpg")),
        |pipe| Ok(pipe.write_all(&picture.encode_png()?)?),
    )
}

/// One frame of every size as PNG, to look at.
fn stills(out: &Path, frame: u32) -> Result<(), Box<dyn Error>> {
    for size in SIZES {
        let scene = Scene::new(size).ok_or("the fonts cannot be read")?;
        let picture = scene.draw(frame).ok_or("no memory for a picture")?;
        picture.save_png(out.join(format!("{}-{frame:04}.png", size.name)))?;
    }
    Ok(())
}
