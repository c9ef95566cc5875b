//! Parts on the local disk: bounded, whole, and there after a restart.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use storage::{Cached, Disk, Error, Key, Memory, Meta, PutMode, Storage};

use crate::failing::Counting;

const PART: usize = 1 << 20;

fn film(size: usize) -> Vec<u8> {
    (0..size as u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

fn key(text: &str) -> Key {
    text.parse().unwrap()
}

/// What lies in the cache's folder.
fn files(folder: &Path) -> Vec<(std::path::PathBuf, u64)> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let all = entries.map(|entry| (entry.path(), entry.metadata().unwrap().len()));
    all.filter(|(path, _)| !path.file_name().unwrap().to_str().unwrap().starts_with('.')).collect()
}

async fn read(storage: &dyn Storage, key: &Key, range: std::ops::Range<u64>) -> Bytes {
    storage.get(key, Some(range)).await.unwrap().bytes().await.unwrap()
}

struct World {
    folder: tempfile::TempDir,
    elsewhere: Arc<Counting>,
    data: Vec<u8>,
}

impl World {
    async fn new(size: usize) -> Self {
        let elsewhere = Arc::new(Counting::new(Arc::new(Memory::default())));
        let data = film(size);
        elsewhere.put(&key("a/1.mp4"), data.clone().into(), PutMode::Create).await.unwrap();
        Self { folder: tempfile::tempdir().unwrap(), elsewhere, data }
    }

    fn open(&self, budget: u64) -> Arc<Cached> {
        let disk = Disk::open(self.folder.path(), budget).unwrap();
        Cached::new(Arc::clone(&self.elsewhere) as _, Some(Arc::new(disk)))
    }

    async fn check(&self, cached: &Arc<Cached>, range: std::ops::Range<u64>) {
        let got = read(cached, &key("a/1.mp4"), range.clone()).await;
        assert!(got == self.data[range.start as usize..range.end as usize], "{range:?}");
    }
}

#[tokio::test]
async fn what_was_read_is_read_from_the_disk_even_after_a_restart() {
    let world = World::new(3 * PART + 5).await;
    let cached = world.open(16 << 20);
    let size = world.data.len() as u64;
    for range in [0..1, 0..size, size - 1..size, 1_048_575..1_048_577, 2_000_000..3_145_730] {
        world.check(&cached, range).await;
    }
    assert_eq!(world.elsewhere.gets(), 4, "each part once");
    drop(cached);
    let cached = world.open(16 << 20);
    world.check(&cached, 0..size).await;
    assert_eq!(world.elsewhere.gets(), 4);
}

/// An object that was mended elsewhere has another time, and so has each of its parts.
#[tokio::test]
async fn what_was_written_anew_is_fetched_anew() {
    let mut world = World::new(2 * PART + 5).await;
    let size = world.data.len() as u64;
    world.check(&world.open(16 << 20), 0..size).await;
    world.data[PART + 7] ^= 1;
    let mended = Bytes::from(world.data.clone());
    world.elsewhere.put(&key("a/1.mp4"), mended, PutMode::Overwrite).await.unwrap();
    let cached = world.open(16 << 20);
    world.check(&cached, 0..size).await;
    assert_eq!(world.elsewhere.gets(), 6, "each part twice");
    // By way of the cache, each part of what it did not know of is gone.
    drop(cached);
    let cached = world.open(16 << 20);
    cached.delete(&key("a/1.mp4")).await.unwrap();
    assert_eq!(files(world.folder.path()), []);
}

/// Bytes of the object that was looked at come, or none: with what is kept of it, and without.
#[tokio::test]
async fn an_object_that_changes_is_the_one_that_was_looked_at() {
    let read =
        async |cached: &Arc<Cached>, meta: &Meta, range| cached.get_same(meta, range).await?.bytes().await;
    let mut world = World::new(2 * PART + 5).await;
    let size = world.data.len() as u64;
    let before = world.elsewhere.head(&key("a/1.mp4")).await.unwrap();
    let without = Cached::new(Arc::clone(&world.elsewhere) as _, None);
    let cached = world.open(16 << 20);
    for cached in [&without, &cached] {
        assert!(read(cached, &before, 0..10).await.unwrap() == world.data[..10]);
    }
    let old = world.data.clone();
    world.data.truncate(2 * PART);
    world.data[PART + 7] ^= 1;
    let other = Bytes::from(world.data.clone());
    world.elsewhere.put(&key("a/1.mp4"), other, PutMode::Overwrite).await.unwrap();
    // What is kept is of the old one. What is not kept, and what the new one lacks, is not to be had any
    // more.
    assert!(read(&cached, &before, 5..PART as u64).await.unwrap() == old[5..PART]);
    for (cached, range) in
        [(&without, 0..10), (&without, size - 1..size), (&cached, 0..size), (&cached, size - 1..size)]
    {
        let error = read(cached, &before, range).await.unwrap_err();
        assert!(matches!(error, Error::Changed { .. }), "{error}");
    }
    let now = world.elsewhere.head(&key("a/1.mp4")).await.unwrap();
    for cached in [&without, &cached] {
        assert!(read(cached, &now, 0..size).await.unwrap() == world.data);
    }
    // Who still reads the old one takes nothing away from who reads the new one.
    let fetched = world.elsewhere.gets();
    assert!(read(&cached, &before, 5..10).await.unwrap() == old[5..10]);
    assert!(read(&cached, &now, 0..size).await.unwrap() == world.data);
    assert_eq!(world.elsewhere.gets(), fetched);
}

/// Readers that go away in the middle of it leave nothing in the way of others.
#[tokio::test]
async fn a_reader_that_gives_up_is_in_nobodys_way() {
    let world = World::new(PART).await;
    let cached = world.open(16 << 20);
    let other = Arc::clone(&cached);
    let reader = tokio::spawn(async move { read(&other, &key("a/1.mp4"), 5..1000).await });
    tokio::task::yield_now().await;
    reader.abort();
    let _ = reader.await;
    world.check(&cached, 5..1000).await;
}

#[tokio::test]
async fn many_readers_fetch_a_part_once() {
    let world = World::new(PART).await;
    let cached = world.open(16 << 20);
    let readers: Vec<_> = (0..20)
        .map(|_| {
            let cached = Arc::clone(&cached);
            tokio::spawn(async move { read(&cached, &key("a/1.mp4"), 5..1000).await })
        })
        .collect();
    for reader in readers {
        assert_eq!(reader.await.unwrap(), world.data[5..1000]);
    }
    assert_eq!(world.elsewhere.gets(), 1);
}

/// What was not used for the longest time goes first, and the folder never has more than its bytes.
#[tokio::test]
async fn the_disk_is_bounded() {
    let world = World::new(8 * PART).await;
    let budget = 3 * PART as u64 + 4096;
    let cached = world.open(budget);
    let part = |n: u64| n * PART as u64..n * PART as u64 + 10;
    for n in [0, 1, 2, 0, 3, 4, 0, 5] {
        world.check(&cached, part(n)).await;
        let bytes: u64 = files(world.folder.path()).iter().map(|(_, size)| size).sum();
        assert!(bytes <= budget, "{bytes}");
    }
    let before = world.elsewhere.gets();
    assert_eq!(before, 6, "0 was used again and again");
    world.check(&cached, part(1)).await;
    assert_eq!(world.elsewhere.gets(), before + 1, "1 was displaced");
    // A smaller bound holds from the start.
    drop(cached);
    let disk = Disk::open(world.folder.path(), PART as u64 + 2048).unwrap();
    assert!(disk.bytes() <= PART as u64 + 2048 && files(world.folder.path()).len() == 1);
    drop(disk);
    let none = world.open(10);
    world.check(&none, 0..world.data.len() as u64).await;
    assert_eq!(files(world.folder.path()), []);
}

/// Damages a file that has these bytes.
type Damage = dyn Fn(&Path, Vec<u8>);

/// Each kind of damage: cut, a changed byte anywhere, another part's bytes, removed.
#[tokio::test]
async fn what_is_damaged_is_fetched_again() {
    let world = World::new(2 * PART + 7).await;
    let size = world.data.len() as u64;
    world.check(&world.open(16 << 20), 0..size).await;
    let kept = files(world.folder.path());
    assert_eq!(kept.len(), 3);
    let damages: [&Damage; 6] = [
        &|path, mut data| fs::write(path, data.split_off(data.len() / 2)).unwrap(),
        &|path, data| fs::write(path, &data[..data.len() - 1]).unwrap(),
        &|path, mut data| {
            let middle = data.len() / 2;
            data[middle] ^= 1;
            fs::write(path, data).unwrap();
        },
        &|path, mut data| {
            data[9] ^= 1;
            fs::write(path, data).unwrap();
        },
        &|path, _| fs::write(path, "").unwrap(),
        &|path, _| fs::remove_file(path).unwrap(),
    ];
    for damage in damages {
        let cached = world.open(16 << 20);
        let before = world.elsewhere.gets();
        damage(&kept[0].0, fs::read(&kept[0].0).unwrap());
        world.check(&cached, 0..size).await;
        assert_eq!(world.elsewhere.gets(), before + 1);
    }
    // One's bytes under the name of another.
    let cached = world.open(16 << 20);
    fs::copy(&kept[0].0, &kept[1].0).unwrap();
    world.check(&cached, 0..size).await;
}

#[tokio::test]
async fn one_process_has_the_folder_and_sweeps_it() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(".writing-x"), "half").unwrap();
    fs::write(folder.path().join("mine.txt"), "the operator's").unwrap();
    let disk = Disk::open(folder.path(), 1 << 20).unwrap();
    assert!(!folder.path().join(".writing-x").exists() && folder.path().join("mine.txt").exists());
    assert_eq!(Disk::open(folder.path(), 1 << 20).unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    drop(disk);
    Disk::open(folder.path(), 1 << 20).unwrap();
}
