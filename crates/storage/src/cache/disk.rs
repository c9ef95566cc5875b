use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use crc_fast::CrcAlgorithm::Crc64Nvme;
use sha2::{Digest as _, Sha256};

use crate::{Key, Meta};

/// What each file begins with.
const MAGIC: &[u8; 8] = b"matinee3";
/// Magic, checksum of all that follows.
const HEAD: usize = 16;
/// Behind it, before the key: size, time and tag of the object, number of the part, length of the key.
const REST: usize = 34;
/// A file that was read is marked as such once in this time: so much of the order is lost with the process.
const MARKED: Duration = Duration::from_secs(60);

/// Which part of which object.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Part {
    pub(super) key: Key,
    pub(super) number: u64,
}

impl Part {
    /// The name of its file. Each version of the object has its own: readers of an old one do not displace
    /// what readers of a new one keep.
    fn name(&self, version: Version) -> String {
        format!("{}{}{:010x}", object_name(&self.key), version.name(), self.number)
    }
}

/// What the names of an object's parts begin with: a digest, for keys may be long. Two objects with one
/// digest displace each other's parts; neither gets the other's bytes.
fn object_name(key: &Key) -> String {
    hex(&Sha256::digest(key.as_str()), 9)
}

/// So many octets of a digest, hexadecimal.
fn hex(digest: &[u8], octets: usize) -> String {
    digest.iter().take(octets).map(|byte| format!("{byte:02x}")).collect()
}

/// What tells an object from another one that is put in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Version {
    /// Bytes.
    pub(super) size: u64,
    /// When it was written, as the storage says.
    modified: SystemTime,
    /// Of the storage's own tag; 0 where it has none.
    tag: u64,
}

impl Version {
    pub(super) fn of(meta: &Meta) -> Self {
        let tag = meta.e_tag.as_ref().map_or(0, |tag| {
            let digest = Sha256::digest(tag);
            digest.iter().take(8).fold(0, |tag, byte| tag << 8 | u64::from(*byte))
        });
        Self { size: meta.size, modified: meta.modified, tag }
    }

    /// What stands for it in the names of parts.
    fn name(&self) -> String {
        let mut digest = Sha256::new();
        for number in [self.size, self.time(), self.tag] {
            digest.update(number.to_be_bytes());
        }
        hex(&digest.finalize(), 6)
    }

    /// Nanoseconds since 1970; 0 for what is older.
    fn time(&self) -> u64 {
        let since = self.modified.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
    }
}

#[derive(Debug)]
struct Entry {
    size: u64,
    /// Its place in the order of use.
    turn: u64,
    marked: SystemTime,
    /// Its file is there; before, it is being written.
    is_there: bool,
}

#[derive(Debug, Default)]
struct Index {
    entries: BTreeMap<String, Entry>,
    /// Names by turn, those not used for the longest time first.
    order: BTreeMap<u64, String>,
    turn: u64,
    bytes: u64,
}

/// Parts of objects in a local folder, of a bounded number of bytes. What was not used for the longest time
/// goes first. Files come into being in one step and carry a checksum: what a crash or a bad disk leaves is
/// dropped when it is read. One process at a time has the folder.
#[derive(Debug)]
pub struct Disk {
    folder: PathBuf,
    budget: u64,
    index: Mutex<Index>,
    _lock: File,
}

impl Disk {
    /// The folder, which is made where it is missing, with what a process before this one left there. Blocks.
    ///
    /// # Errors
    /// What the system says; [`io::ErrorKind::WouldBlock`]: another process has it.
    pub fn open(folder: &Path, budget: u64) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let lock = File::options().create(true).truncate(false).write(true).open(folder.join(".lock"))?;
        lock.try_lock().map_err(|error| match error {
            fs::TryLockError::WouldBlock => io::ErrorKind::WouldBlock.into(),
            fs::TryLockError::Error(error) => error,
        })?;
        let mut found = Vec::new();
        for entry in fs::read_dir(folder)?.flatten() {
            let Ok(name) = entry.file_name().into_string() else { continue };
            if name.starts_with(".writing-") {
                let _ = fs::remove_file(entry.path());
            }
            let is_ours = name.len() == 40 && name.bytes().all(|b| b.is_ascii_hexdigit());
            let meta = entry.metadata().ok().filter(|meta| meta.is_file() && is_ours);
            let Some(meta) = meta else { continue };
            found.push((meta.modified().unwrap_or(SystemTime::UNIX_EPOCH), name, meta.len()));
        }
        found.sort();
        let this = Self { folder: folder.to_owned(), budget, index: Mutex::default(), _lock: lock };
        let mut index = this.index();
        for (marked, name, size) in found {
            index.insert(name, size, marked, true);
        }
        this.shrink(&mut index, 0);
        drop(index);
        Ok(this)
    }

    /// Bytes that are kept now.
    pub fn bytes(&self) -> u64 {
        self.index().bytes
    }

    fn index(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Removes what was not used for the longest time, until so many more bytes have room.
    fn shrink(&self, index: &mut Index, room: u64) {
        while index.bytes.saturating_add(room) > self.budget {
            let Some(name) = index.order.values().next().cloned() else { return };
            index.remove(&name);
            let _ = fs::remove_file(self.folder.join(name));
        }
    }

    /// The bytes of a part of this version of its object. Blocks.
    pub(super) fn read(&self, part: &Part, version: Version) -> Option<Bytes> {
        let name = part.name(version);
        // One that is being written is none yet, and no damaged one either.
        if !self.index().entries.get(&name).is_some_and(|entry| entry.is_there) {
            return None;
        }
        let path = self.folder.join(&name);
        match read_file(&path, part, version) {
            Some(found) => {
                let now = SystemTime::now();
                if self.index().touch(&name, now) {
                    let _ = File::options().write(true).open(&path).and_then(|file| file.set_modified(now));
                }
                Some(found)
            }
            None => {
                // A damaged one, or one that somebody removed.
                self.index().remove(&name);
                let _ = fs::remove_file(path);
                None
            }
        }
    }

    /// Keeps a part. Where it does not fit, or the disk is full, it is not kept. Blocks.
    pub(super) fn write(&self, part: &Part, data: &[u8], version: Version) -> io::Result<()> {
        let name = part.name(version);
        let head = head(part, data, version);
        let bytes = (head.len() + data.len()) as u64;
        if bytes > self.budget {
            return Ok(());
        }
        {
            let mut index = self.index();
            if index.entries.contains_key(&name) {
                return Ok(());
            }
            self.shrink(&mut index, bytes);
            // Taken before it is written, so that those who write at the same time do not exceed it together.
            index.insert(name.clone(), bytes, SystemTime::now(), false);
        }
        let done = self.write_file(&name, &[&head, data]);
        let mut index = self.index();
        match (&done, index.entries.get_mut(&name)) {
            (Ok(()), Some(entry)) => entry.is_there = true,
            // Displaced before it was there.
            (Ok(()), None) => drop(fs::remove_file(self.folder.join(name))),
            (Err(_), _) => drop(index.remove(&name)),
        }
        done
    }

    fn write_file(&self, name: &str, parts: &[&[u8]]) -> io::Result<()> {
        let mut file = tempfile::Builder::new().prefix(".writing-").tempfile_in(&self.folder)?;
        parts.iter().try_for_each(|part| file.write_all(part))?;
        // Not synced: what a power failure takes is fetched again.
        file.persist(self.folder.join(name)).map_err(|error| error.error)?;
        Ok(())
    }

    /// Forgets all parts of an object, of all its versions. Blocks.
    pub(super) fn forget(&self, key: &Key) {
        let begin = object_name(key);
        let mut index = self.index();
        let ours = index.entries.range(begin.clone()..).map(|(name, _)| name);
        let names: Vec<String> = ours.take_while(|name| name.starts_with(&begin)).cloned().collect();
        for name in names {
            index.remove(&name);
            let _ = fs::remove_file(self.folder.join(name));
        }
    }
}

impl Index {
    fn insert(&mut self, name: String, size: u64, marked: SystemTime, is_there: bool) {
        self.turn += 1;
        self.order.insert(self.turn, name.clone());
        self.bytes += size;
        self.entries.insert(name, Entry { size, turn: self.turn, marked, is_there });
    }

    fn remove(&mut self, name: &str) -> bool {
        let Some(entry) = self.entries.remove(name) else { return false };
        self.order.remove(&entry.turn);
        self.bytes -= entry.size;
        true
    }

    /// Puts it last in the order; whether its file is to be marked, too.
    fn touch(&mut self, name: &str, now: SystemTime) -> bool {
        let Some(entry) = self.entries.get_mut(name) else { return false };
        self.turn += 1;
        self.order.remove(&entry.turn);
        entry.turn = self.turn;
        self.order.insert(self.turn, name.to_owned());
        let is_due = now.duration_since(entry.marked).is_ok_and(|since| since >= MARKED);
        if is_due {
            entry.marked = now;
        }
        is_due
    }
}

/// What stands in front of a part's bytes: by it the file is known to be whole, and this part's.
fn head(part: &Part, data: &[u8], version: Version) -> Vec<u8> {
    let key = part.key.as_str().as_bytes();
    let mut rest = Vec::with_capacity(key.len() + REST);
    rest.extend_from_slice(&version.size.to_be_bytes());
    rest.extend_from_slice(&version.time().to_be_bytes());
    rest.extend_from_slice(&version.tag.to_be_bytes());
    rest.extend_from_slice(&part.number.to_be_bytes());
    // A key has at most 1024 bytes.
    rest.extend_from_slice(&u16::try_from(key.len()).unwrap_or(u16::MAX).to_be_bytes());
    rest.extend_from_slice(key);
    let mut digest = crc_fast::Digest::new(Crc64Nvme);
    digest.update(&rest);
    digest.update(data);
    let mut head = MAGIC.to_vec();
    head.extend_from_slice(&digest.finalize().to_be_bytes());
    head.extend_from_slice(&rest);
    head
}

/// The bytes of a file, if it is whole, and this part's of this version.
fn read_file(path: &Path, part: &Part, version: Version) -> Option<Bytes> {
    let file = File::open(path).ok()?;
    let mut all = Vec::new();
    file.take(super::PART + 4096).read_to_end(&mut all).ok()?;
    let begin = HEAD + REST + part.key.as_str().len();
    let data = all.get(begin..)?;
    (all.get(..begin)? == head(part, data, version)).then(|| Bytes::from(all).slice(begin..))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Who asks for a part while another one writes it does not take it for a damaged one.
    #[test]
    fn a_part_that_is_being_written_stays() {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::open(folder.path(), 1 << 20).unwrap();
        let part = Part { key: "a/1.mp4".parse().unwrap(), number: 0 };
        let version = Version { size: 3, modified: SystemTime::UNIX_EPOCH, tag: 0 };
        disk.index().insert(part.name(version), 3, SystemTime::now(), false);
        assert_eq!(disk.read(&part, version), None);
        assert_eq!(disk.bytes(), 3);
        disk.index().remove(&part.name(version));
        disk.write(&part, b"abc", version).unwrap();
        assert_eq!(disk.read(&part, version).as_deref(), Some(&b"abc"[..]));
        // A damaged one goes.
        fs::write(folder.path().join(part.name(version)), b"matinee3").unwrap();
        assert_eq!((disk.read(&part, version), disk.bytes()), (None, 0));
    }
}
