use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use isobmff::{BoxHeader, FourCc};
use sha2::{Digest, Sha256};

use crate::{Error, Progress};

/// Largest box that is read into memory whole (`moov`, `moof`): enough for films of days.
const MAX_BOX: u64 = 1 << 30;

/// A file that is read piece by piece.
#[derive(Debug)]
pub(crate) struct MediaFile {
    path: PathBuf,
    file: File,
    len: u64,
}

/// A top-level box of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TopBox {
    pub(crate) kind: FourCc,
    pub(crate) offset: u64,
    pub(crate) header_len: u64,
    pub(crate) size: u64,
}

impl TopBox {
    /// Where it ends in the file.
    pub(crate) const fn end(&self) -> u64 {
        self.offset + self.size
    }
}

impl MediaFile {
    /// Opens a file that must have content.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let file = File::open(path).map_err(Error::io(path, "open"))?;
        let meta = file.metadata().map_err(Error::io(path, "open"))?;
        if meta.is_dir() {
            return Err(Error::NotMp4 { path: path.into() });
        }
        if meta.len() == 0 {
            return Err(Error::Empty { path: path.into() });
        }
        Ok(Self { path: path.into(), file, len: meta.len() })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) const fn len(&self) -> u64 {
        self.len
    }

    /// Fills `out` from `offset`. Threads may read at the same time.
    pub(crate) fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<(), Error> {
        read_exact_at(&self.file, offset, out).map_err(Error::io(&self.path, "read"))
    }

    /// Reads a whole box, header included.
    pub(crate) fn read_box(&self, found: &TopBox) -> Result<Vec<u8>, Error> {
        if found.size > MAX_BOX {
            return Err(Error::unsupported(&self.path, format!("a `{}` box of over 1 GiB", found.kind)));
        }
        let mut data = vec![0; found.size as usize];
        self.read_at(found.offset, &mut data)?;
        Ok(data)
    }

    /// The top-level boxes. The file must hold all of them whole; one that is cut off is an error, unless
    /// nothing that looks like MP4 was found at all.
    pub(crate) fn boxes(&self) -> Result<Vec<TopBox>, Error> {
        let mut boxes = Vec::new();
        let mut offset = 0;
        while offset < self.len {
            let found = self.box_at(offset)?;
            offset = found.end();
            boxes.push(found);
        }
        Ok(boxes)
    }

    /// The box at a place where one begins; the same errors.
    pub(crate) fn box_at(&self, offset: u64) -> Result<TopBox, Error> {
        let is_first = offset == 0;
        let mut head = [0; BoxHeader::MAX_LEN];
        let left = self.len.saturating_sub(offset);
        let available = head.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        self.read_at(offset, &mut head[..available])?;
        let known = |kind: FourCc| kind.0.iter().all(|byte| (0x20..=0x7e).contains(byte) || *byte == 0xa9);
        let header = match BoxHeader::parse(&head[..available]) {
            Ok(Some(header)) if known(header.kind) => header,
            _ if is_first => return Err(Error::NotMp4 { path: self.path.clone() }),
            Ok(None) => return Err(self.truncated("a box header".into())),
            _ => return Err(self.truncated(format!("no box at byte {offset}"))),
        };
        let size = header.size.unwrap_or(left);
        if size > left {
            if is_first && header.kind != b"ftyp" {
                return Err(Error::NotMp4 { path: self.path.clone() });
            }
            return Err(self.truncated(format!("its `{}` has {left} of {size} bytes", header.kind)));
        }
        Ok(TopBox { kind: header.kind, offset, header_len: header.header_len.into(), size })
    }

    /// Hands out a part of the file, piece by piece.
    pub(crate) fn copy(
        &self,
        mut offset: u64,
        size: u64,
        write: &mut dyn FnMut(&[u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut buffer = vec![0; size.min(1 << 20) as usize];
        let end = offset + size;
        while offset < end {
            let piece = buffer.len().min((end - offset) as usize);
            self.read_at(offset, &mut buffer[..piece])?;
            write(&buffer[..piece])?;
            offset += piece as u64;
        }
        Ok(())
    }

    pub(crate) fn truncated(&self, what: String) -> Error {
        Error::Truncated { path: self.path.clone(), what }
    }

    /// SHA-256 of the whole file.
    pub(crate) fn sha256(&self, progress: &mut dyn Progress) -> Result<[u8; 32], Error> {
        let mut hash = Sha256::new();
        // What was read is still near the processor when it is hashed.
        let mut buffer = vec![0; 1 << 18];
        let mut offset = 0;
        while offset < self.len {
            let piece = buffer.len().min((self.len - offset) as usize);
            self.read_at(offset, &mut buffer[..piece])?;
            hash.update(&buffer[..piece]);
            offset += piece as u64;
            progress.advance(piece as u64);
        }
        Ok(hash.finalize().into())
    }
}

#[cfg(unix)]
fn read_exact_at(file: &File, offset: u64, out: &mut [u8]) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, out, offset)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut offset: u64, mut out: &mut [u8]) -> io::Result<()> {
    use std::os::windows::fs::FileExt as _;
    while !out.is_empty() {
        match file.seek_read(out, offset)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => {
                out = &mut out[read..];
                offset += read as u64;
            }
        }
    }
    Ok(())
}
