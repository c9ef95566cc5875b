//! ffmpeg, which shares no code with us, decodes every representation.

use std::io::{ErrorKind, Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use cenc::KidAndKey;
use pack::{Pack, Representation, Scheme};

use super::report::{Check, Findings, skipped};
use crate::decrypt::decrypt_to;
use crate::media_file::MediaFile;
use crate::{Error, Progress};

/// Octets of ffmpeg's complaints that are read.
const MAX_COMPLAINTS: u64 = 16 << 10;

/// Decodes all representations; clear ones always, others with their keys.
pub(super) fn check(
    folder: &Path,
    pack: &Pack,
    keys: &[KidAndKey],
    progress: &mut dyn Progress,
) -> Vec<Check> {
    const NAME: &str = "decoding";
    let there = Command::new("ffmpeg").arg("-version").stdin(Stdio::null()).output();
    if !there.is_ok_and(|done| done.status.success()) {
        return vec![skipped(NAME, None, "ffmpeg is not installed")];
    }
    progress.stage("decoding", pack.representations.iter().map(|r| r.size).sum());
    let one = |r: &Representation| {
        let id = Some(r.id.as_str());
        if let Some(kid) = missing(pack, r, keys) {
            let why = format!("no key is given for KID {kid}; name it by --key {kid}:KEY or --key-file FILE");
            return skipped(NAME, id, why);
        }
        let mut findings = Findings::default();
        if let Err(what) = decode(&folder.join(&r.path), keys, pack.scheme == Scheme::None, progress) {
            findings.add(what);
        }
        findings.into_check(NAME, id, "ffmpeg has nothing to complain about".to_owned())
    };
    pack.representations.iter().map(one).collect()
}

fn missing(pack: &Pack, r: &Representation, keys: &[KidAndKey]) -> Option<cenc::Kid> {
    let names = pack.protection.iter().flat_map(|protection| protection.keys_of(r.label.as_ref()));
    names.map(|name| name.kid).find(|kid| !keys.iter().any(|key| key.kid == *kid))
}

/// Hands the clear file to ffmpeg as it is made; on error, in words, what it says.
fn decode(
    path: &Path,
    keys: &[KidAndKey],
    is_clear: bool,
    progress: &mut dyn Progress,
) -> Result<(), String> {
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-hide_banner", "-v", "error", "-protocol_whitelist", "pipe"]);
    command.args([
        "-i",
        "pipe:0",
        "-map",
        "0",
        "-fps_mode",
        "passthrough",
        "-enc_time_base",
        "-1",
        "-f",
        "null",
        "-",
    ]);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| format!("ffmpeg: {error}"))?;
    let (stdin, stderr) = (child.stdin.take(), child.stderr.take());
    let complaints = thread::spawn(move || {
        let (mut kept, Some(mut stderr)) = (Vec::new(), stderr) else { return Vec::new() };
        let _ = stderr.by_ref().take(MAX_COMPLAINTS).read_to_end(&mut kept);
        // The rest is read, so that ffmpeg never waits.
        let _ = std::io::copy(&mut stderr, &mut std::io::sink());
        kept
    });
    let written = stdin.map_or(Ok(()), |mut stdin| {
        // ffmpeg that ends early says why; that is what counts.
        let mut write = |octets: &[u8]| match stdin.write_all(octets) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Error::io(path, "decode")(error)),
            _ => Ok(()),
        };
        match is_clear {
            true => MediaFile::open(path).and_then(|file| file.copy(0, file.len(), &mut write)),
            false => decrypt_to(path, keys, progress, &mut write).map(|_| ()),
        }
    });
    let complaints = complaints.join().unwrap_or_default();
    let status = child.wait().map_err(|error| format!("ffmpeg: {error}"))?;
    written.map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&complaints);
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    match lines.next() {
        Some(first) => Err(format!("ffmpeg says: {first}, and {} more lines", lines.count())),
        None if !status.success() => Err(format!("ffmpeg ended with {status}")),
        None => Ok(()),
    }
}
