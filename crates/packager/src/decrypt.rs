use std::path::{Path, PathBuf};

use cenc::{AesCipher, Direction, KidAndKey, SegmentCipher};
use isobmff::{Fragment, InitSegment};

use crate::fragment_crypto::{FragmentCrypto, FragmentError};
use crate::media_file::{MediaFile, TopBox};
use crate::publish::UnpublishedFile;
use crate::{Error, Progress};

/// What was decrypted.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Decrypted {
    /// The clear file.
    pub output: PathBuf,
    /// Its samples.
    pub samples: u64,
    /// How many of them were protected.
    pub protected_samples: u64,
}

/// Writes a clear copy of an encrypted CMAF file. Every box keeps its place: what described the protection
/// becomes `free` (docs/protocol.md, section 9). Without `output` it is written beside the input as
/// `{name}-clear.mp4`.
///
/// # Errors
/// [`Error::NoKey`] if a key is missing; [`Error::Unsupported`] if the file is not encrypted, or in a way
/// that Matinee does not know; and what is wrong with the file. No output is left then.
pub fn decrypt(
    input: &Path,
    keys: &[KidAndKey],
    output: Option<&Path>,
    progress: &mut dyn Progress,
) -> Result<Decrypted, Error> {
    let output = output.map_or_else(|| clear_name(input), Path::to_path_buf);
    if output.canonicalize().is_ok_and(|output| input.canonicalize().is_ok_and(|input| input == output)) {
        return Err(Error::Option { what: "the output is the input" });
    }
    // Opened only when something is to be written: an input that is refused touches nothing.
    let mut out: Option<UnpublishedFile> = None;
    let counts = decrypt_to(input, keys, progress, &mut |octets| match &mut out {
        Some(out) => out.write(octets),
        none => none.insert(UnpublishedFile::new(&output)?).write(octets),
    })?;
    out.map_or(Ok(()), UnpublishedFile::publish)?;
    Ok(Decrypted { output, samples: counts.samples, protected_samples: counts.protected_samples })
}

/// How many samples were decrypted.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    samples: u64,
    protected_samples: u64,
}

/// Hands the clear file out, piece by piece.
pub(crate) fn decrypt_to(
    input: &Path,
    keys: &[KidAndKey],
    progress: &mut dyn Progress,
    write: &mut dyn FnMut(&[u8]) -> Result<(), Error>,
) -> Result<Counts, Error> {
    let file = MediaFile::open(input)?;
    let boxes = file.boxes()?;
    let mut headers = boxes.iter().filter(|found| found.kind == b"moov");
    let moov = headers.next().ok_or(Error::NotMp4 { path: input.into() })?;
    if headers.next().is_some() {
        return Err(Error::unsupported(input, "a file with two `moov` boxes"));
    }
    let mut moov_bytes = file.read_box(moov)?;
    let init = InitSegment::parse(&moov_bytes).map_err(Error::boxes(input))?;
    let protected =
        init.tracks.iter().flat_map(|t| &t.entries).any(|e| e.kind == b"encv" || e.kind == b"enca");
    if !protected {
        return Err(Error::unsupported(input, "the file is not encrypted"));
    }
    if !init.fragmented {
        return Err(Error::unsupported(input, "encrypted, but not fragmented: such files are not supported"));
    }
    init.edits().iter().try_for_each(|edit| edit.apply(&mut moov_bytes)).map_err(Error::boxes(input))?;

    let ciphers: Vec<_> = keys.iter().map(|key| (key.kid, AesCipher::new(&key.cek))).collect();
    let mut counts = Counts::default();
    progress.stage("decrypting", file.len());
    let mut rest = &boxes[..];
    while let Some((first, after)) = rest.split_first() {
        // A fragment is `moof` and the `mdat` boxes behind it.
        let following = match first.kind == b"moof" {
            true => after.iter().take_while(|next| next.kind == b"mdat").count(),
            false => 0,
        };
        let (group, after) = rest.split_at(1 + following);
        rest = after;
        let size = group.iter().map(|found| found.size).sum();
        if first.kind == b"moov" {
            write(&moov_bytes)?;
        } else if first.kind == b"moof" {
            let mut data = file.read_box(&TopBox { size, ..*first })?;
            counts.fragment(input, &mut data, first.offset, &init, &ciphers)?;
            write(&data)?;
        } else {
            file.copy(first.offset, size, write)?;
        }
        progress.advance(size);
    }
    Ok(counts)
}

impl Counts {
    fn fragment(
        &mut self,
        path: &Path,
        data: &mut [u8],
        position: u64,
        init: &InitSegment,
        ciphers: &[(cenc::Kid, AesCipher)],
    ) -> Result<(), Error> {
        let fragment = Fragment::parse(data, position, init).map_err(Error::boxes(path))?;
        let crypto = FragmentCrypto::read(&fragment).map_err(|error| match error {
            FragmentError::Boxes(source) => Error::Boxes { path: path.into(), source },
            FragmentError::Cenc(error) => Error::Cenc(error),
            FragmentError::Scheme => Error::unsupported(path, "a protection scheme other than cenc and cbcs"),
        })?;
        let edits = fragment.edits().to_vec();
        for (kid, table) in &crypto.tables {
            let cipher = ciphers.iter().find(|(have, _)| have == kid).ok_or(Error::NoKey { kid: *kid })?;
            cipher.1.apply(Direction::Decrypt, table, data)?;
        }
        edits.iter().try_for_each(|edit| edit.apply(data)).map_err(Error::boxes(path))?;
        self.samples += crypto.samples;
        self.protected_samples += crypto.protected_samples;
        Ok(())
    }
}

fn clear_name(input: &Path) -> PathBuf {
    let stem = input.file_stem().unwrap_or_default().to_string_lossy();
    let extension = input.extension().map_or("mp4".into(), |extension| extension.to_string_lossy());
    input.with_file_name(format!("{stem}-clear.{extension}"))
}
