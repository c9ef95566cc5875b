//! What is published: one film as HTTP and as RTMP carry it, in pieces with their times, ready to be written.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::rtmp;
use crate::bench::noise_film::NoiseFilm;
use crate::command;
use crate::error::Error;
use crate::project::Project;

/// Pictures a second, and pictures from one key frame to the next: 2 s, so that each segment has just one.
const FPS: usize = 24;
const KEY_FRAMES: u32 = 48;
/// Kilobits a second of pictures and sound; with what packs them it is 600.
const VIDEO: &str = "515k";
const AUDIO: &str = "64k";
/// Pictures in a fragment: half a second, the length of a part.
const FRAGMENT: usize = FPS / 2;

/// Octets that are written at once, and when, counted from the beginning.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Piece {
    pub(super) at: Duration,
    pub(super) octets: Vec<u8>,
}

/// The film in both forms.
#[derive(Debug)]
pub(super) struct Streams {
    /// Chunks of an HTTP request, a fragment in each, which is sent when it is whole, as encoders do.
    pub(super) http: Vec<Piece>,
    /// RTMP messages: a picture and the sound before it in each.
    pub(super) rtmp: Vec<Piece>,
    /// Kilobits a second of the FLV file.
    pub(super) rate: f64,
}

impl Streams {
    /// Makes the film unless it is there.
    ///
    /// # Errors
    /// Of ffmpeg, and of what it writes.
    pub(super) fn prepare(project: &Project, folder: &Path, seconds: u64) -> Result<Self, Error> {
        let film = NoiseFilm {
            size: "640x360",
            noise: 30,
            rate: VIDEO,
            key_frames: KEY_FRAMES,
            sound: AUDIO,
            options: &["-tune", "zerolatency"],
            seconds,
        };
        let film = film.make(project, folder, &format!("film-{seconds}.mp4"))?;
        let copy = |name: &str, arguments: &[&str]| -> Result<(PathBuf, Vec<u8>), Error> {
            let file = folder.join(name);
            let mut ffmpeg = command::command(project, "ffmpeg");
            ffmpeg.args(["-v", "error", "-y", "-i"]).arg(&film).args(["-c", "copy"]).args(arguments);
            command::output(ffmpeg.arg(&file))?;
            let octets = std::fs::read(&file).map_err(Error::file(&file))?;
            Ok((file, octets))
        };
        let damaged = |path: PathBuf| move |problem: String| Error::Content { path, problem };
        let duration = (FRAGMENT as f64 / FPS as f64 * 1e6).to_string();
        let movflags = "+frag_keyframe+empty_moov+default_base_moof";
        let (path, fragmented) =
            copy("film.cmfv", &["-f", "mp4", "-movflags", movflags, "-frag_duration", &duration])?;
        let fragments = fragments(&fragmented).map_err(damaged(path))?;
        let (path, flv) = copy("film.flv", &["-f", "flv"])?;
        Ok(Self {
            http: chunks(&fragments),
            rtmp: messages(&flv).map_err(damaged(path))?,
            rate: flv.len() as f64 * 8.0 / 1e3 / seconds.max(1) as f64,
        })
    }
}

/// The header of a fragmented MP4, then its fragments (`moof` and `mdat`); nothing of what may follow them.
fn fragments(file: &[u8]) -> Result<Vec<Vec<u8>>, String> {
    let mut all = vec![Vec::new()];
    let mut rest = file;
    while let Some((head, _)) = rest.split_first_chunk::<8>() {
        let [a, b, c, d, kind @ ..] = *head;
        let size = u32::from_be_bytes([a, b, c, d]) as usize;
        let (whole, after) = rest
            .split_at_checked(size)
            .filter(|_| size >= 8)
            .ok_or_else(|| format!("a box of {size} octets where {} are left", rest.len()))?;
        match &kind {
            b"moof" => all.push(whole.to_vec()),
            b"mdat" | b"ftyp" | b"moov" => {
                if let Some(last) = all.last_mut() {
                    last.extend_from_slice(whole);
                }
            }
            _ => {}
        }
        rest = after;
    }
    if all.len() < 2 { Err("it has no fragments".to_owned()) } else { Ok(all) }
}

/// A chunk of HTTP for each; the header at once, each fragment when its last picture was there.
fn chunks(fragments: &[Vec<u8>]) -> Vec<Piece> {
    let length = Duration::from_secs_f64(FRAGMENT as f64 / FPS as f64);
    let chunk = |fragment: &Vec<u8>| {
        let head = format!("{:x}\r\n", fragment.len()).into_bytes();
        [&head[..], fragment, b"\r\n"].concat()
    };
    let at = |n: usize| length.saturating_mul(u32::try_from(n).unwrap_or(u32::MAX));
    fragments.iter().enumerate().map(|(n, fragment)| Piece { at: at(n), octets: chunk(fragment) }).collect()
}

/// The messages of an FLV file ("Adobe Flash Video File Format Specification", 10.1, annex E.4), each write
/// up to a picture.
fn messages(flv: &[u8]) -> Result<Vec<Piece>, String> {
    // The file's header, and the size of the tag before the first one.
    let mut rest = flv.get(13..).filter(|_| flv.starts_with(b"FLV")).ok_or("it is no FLV file")?;
    let (mut pieces, mut octets) = (Vec::new(), Vec::new());
    while let Some((head, after)) = rest.split_first_chunk::<11>() {
        let [kind, s2, s1, s0, t2, t1, t0, t3, ..] = *head;
        let size = u32::from_be_bytes([0, s2, s1, s0]) as usize;
        let time = u32::from_be_bytes([t3, t2, t1, t0]);
        let (payload, after) = after.split_at_checked(size).ok_or("a tag is cut off")?;
        add(&mut octets, kind, time, payload);
        // The size of the tag stands behind it.
        rest = after.get(4..).unwrap_or_default();
        if kind == rtmp::VIDEO || rest.is_empty() {
            let at = Duration::from_millis(time.into());
            pieces.push(Piece { at, octets: std::mem::take(&mut octets) });
        }
    }
    if pieces.is_empty() { Err("it has no pictures".to_owned()) } else { Ok(pieces) }
}

fn add(octets: &mut Vec<u8>, kind: u8, time: u32, payload: &[u8]) {
    match kind {
        rtmp::AUDIO | rtmp::VIDEO => rtmp::write(octets, kind, time, payload),
        rtmp::DATA => rtmp::write(octets, kind, time, &[&rtmp::text("@setDataFrame"), payload].concat()),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fragmented_file_is_cut_before_each_moof() {
        let boxed = |kind: &[u8; 4], body: &[u8]| {
            let size = (body.len() as u32 + 8).to_be_bytes();
            [&size[..], kind, body].concat()
        };
        let parts =
            [boxed(b"ftyp", b"a"), boxed(b"moov", b"bc"), boxed(b"moof", b"d"), boxed(b"mdat", b"ef")];
        let mut file = parts.concat();
        file.extend(boxed(b"moof", b"g"));
        file.extend(boxed(b"mdat", b""));
        file.extend(boxed(b"mfra", b"h"));
        let found = fragments(&file).unwrap();
        assert_eq!(found.len(), 3);
        assert_eq!(found[0], parts[..2].concat());
        assert_eq!(found[1], parts[2..].concat());
        let pieces = chunks(&found);
        assert!(pieces[1].octets.starts_with(b"13\r\n") && pieces[1].octets.ends_with(b"ef\r\n"));
        assert_eq!(pieces[2].at, Duration::from_secs(1));
        assert!(fragments(&file[..file.len() - 1]).is_err(), "cut off");
        assert!(fragments(&[0; 16]).is_err(), "a box of no octets");
        assert!(fragments(b"").is_err());
    }

    #[test]
    fn an_flv_file_becomes_messages_up_to_each_picture() {
        let tag = |kind: u8, time: u8, body: &[u8]| {
            let head = [kind, 0, 0, body.len() as u8, 0, 0, time, 0, 0, 0, 0];
            [&head[..], body, &[0; 4]].concat()
        };
        let mut flv = b"FLV\x01\x05\0\0\0\x09\0\0\0\0".to_vec();
        flv.extend([tag(18, 0, b"m"), tag(8, 0, b"s"), tag(9, 0, b"p"), tag(8, 21, b"t")].concat());
        let pieces = messages(&flv).unwrap();
        assert_eq!(pieces.iter().map(|piece| piece.at.as_millis()).collect::<Vec<_>>(), [0, 21]);
        assert!(pieces[0].octets.ends_with(b"p") && pieces[1].octets.ends_with(b"t"));
        assert!(messages(b"FLV").is_err() && messages(&flv[..13]).is_err() && messages(&[1; 40]).is_err());
        assert!(messages(&flv[..flv.len() - 5]).is_err(), "cut off");
    }
}
