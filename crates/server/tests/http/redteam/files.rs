//! A pack that was made by somebody else, and an operator's machine with other users on it.

use crate::client::{Client, id};
use crate::world::{MOVIE, NOW, URL, VIDEO, World, octets};
use bytes::Bytes;
use cenc::{Cek, Kid, KidAndKey};
use futures_util::stream::BoxStream;
use nccp::{RequestMessage, ResponseMessage};
use server::store::{SqliteStore, StoreError};
use server::{Clock, Config, Error, Server, movies};
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::fs;
use std::ops::Range;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use storage::{Folder, Key, Meta, Object, PutMode, Storage, Transfer};

fn pack_folder(world: &World) -> PathBuf {
    world.config.library().join(format!("{MOVIE:032x}"))
}

/// The film's pack as somebody else delivers it, with digests, outside of the library.
fn delivered(world: &World, folder: &Path) {
    let from = pack_folder(world);
    let json = fs::read_to_string(from.join("pack.json")).unwrap();
    let digest = hex::encode(Sha256::digest(octets()));
    let json = json.replace(r#""sha256":"""#, &format!(r#""sha256":"{digest}""#));
    let mut pack: serde_json::Value = serde_json::from_str(&json).unwrap();
    pack["pack_id"] = "d".repeat(32).into();
    for r in pack["representations"].as_array().unwrap() {
        let path = r["path"].as_str().unwrap();
        fs::create_dir_all(folder.join(path).parent().unwrap()).unwrap();
        fs::copy(from.join(path), folder.join(path)).unwrap();
    }
    fs::copy(from.join("poster.png"), folder.join("poster.png")).unwrap();
    fs::write(folder.join("pack.json"), pack.to_string()).unwrap();
}

fn video(folder: &Path) -> PathBuf {
    folder.join(format!("{}/{VIDEO}.mp4", &VIDEO[7..]))
}

#[tokio::test]
async fn a_link_in_a_pack_publishes_no_file_of_the_server() {
    let world = World::new().await;
    let seed = world.config.keys().join("site-ca-ca-1.toml");
    assert!(seed.exists());
    let outside = tempfile::tempdir().unwrap();
    delivered(&world, outside.path());
    let json = fs::read_to_string(outside.path().join("pack.json")).unwrap();
    // Of the size that pack.json names, as an attacker who knows the format makes it.
    let size = format!("\"size\":{}", fs::metadata(&seed).unwrap().len());
    let fitting = json.replacen("\"size\":200000", &size, 1);
    for (file, json) in [(video(outside.path()), &fitting), (outside.path().join("poster.png"), &json)] {
        let kept = fs::read(&file).unwrap();
        fs::remove_file(&file).unwrap();
        symlink(&seed, &file).unwrap();
        fs::write(outside.path().join("pack.json"), json).unwrap();
        assert!(
            movies::publish(&Folder::new(world.config.library()), &world.config.library(), outside.path())
                .await
                .is_err(),
            "{}",
            file.display()
        );
        fs::remove_file(&file).unwrap();
        fs::write(&file, kept).unwrap();
    }
    assert!(!world.config.library().join("d".repeat(32)).exists(), "nothing was published");
}

#[tokio::test]
async fn a_link_in_the_library_is_not_served() {
    let world = World::new().await;
    let mut client = Client::registered(&world).await;
    let message = RequestMessage::Authorization { movie_id: id(MOVIE) };
    let Ok(ResponseMessage::Authorization(manifest)) = client.one(&world, message).await else {
        panic!("no manifest")
    };
    let seed = world.config.keys().join("site-ca-ca-1.toml");
    let file = video(&pack_folder(&world));
    let downloadable = manifest.downloadables.iter().find(|d| d.urls[0].url.contains(VIDEO)).unwrap();
    let url = downloadable.urls[0].url.strip_prefix(URL).unwrap();
    // Nothing was asked for yet: a file that is open already is read for a moment, whatever has its name now.
    fs::remove_file(&file).unwrap();
    symlink(&seed, &file).unwrap();
    assert_eq!(world.get(url, "").await.status, 404);
    // The folder in between is none, either.
    fs::remove_file(&file).unwrap();
    fs::remove_dir(file.parent().unwrap()).unwrap();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join(file.file_name().unwrap()), octets()).unwrap();
    symlink(outside.path(), file.parent().unwrap()).unwrap();
    assert_eq!(world.get(url, "").await.status, 404);
    fs::remove_file(file.parent().unwrap()).unwrap();
    fs::create_dir(file.parent().unwrap()).unwrap();
    fs::write(&file, octets()).unwrap();
    assert_eq!(world.get(url, "").await.status, 200);

    let poster = pack_folder(&world).join("poster.png");
    let art = format!("/art/{MOVIE:032x}/poster.png");
    let picture = fs::read(&poster).unwrap();
    // What was shown once is kept for a minute, so the link comes first.
    fs::remove_file(&poster).unwrap();
    symlink(&seed, &poster).unwrap();
    assert_eq!(world.get(&art, "").await.status, 404);
    fs::remove_file(&poster).unwrap();
    fs::write(&poster, picture).unwrap();
    assert_eq!(world.get(&art, "").await.status, 200);
}

#[tokio::test]
async fn a_pack_with_other_files_than_it_names_is_not_published() {
    let world = World::new().await;
    let outside = tempfile::tempdir().unwrap();
    delivered(&world, outside.path());
    let file = video(outside.path());
    let mut other = octets();
    other[100_000] ^= 1;
    fs::write(&file, other).unwrap();
    let refused =
        movies::publish(&Folder::new(world.config.library()), &world.config.library(), outside.path())
            .await
            .unwrap_err();
    assert!(matches!(&refused, Error::Pack { reason, .. } if reason.contains("SHA-256")), "{refused}");
    assert!(!world.config.library().join("d".repeat(32)).exists(), "nothing was published");

    fs::write(&file, octets()).unwrap();
    movies::publish(&Folder::new(world.config.library()), &world.config.library(), outside.path())
        .await
        .unwrap();
    // What is damaged in the library is put right when the pack is added again.
    let there = video(&world.config.library().join("d".repeat(32)));
    fs::write(&there, vec![0; 200_000]).unwrap();
    let json = world.config.library().join("d".repeat(32)).join("pack.json");
    let before = fs::metadata(&json).unwrap().ino();
    movies::publish(&Folder::new(world.config.library()), &world.config.library(), outside.path())
        .await
        .unwrap();
    assert!(fs::read(&there).unwrap() == octets());
    assert_eq!(fs::metadata(&json).unwrap().ino(), before, "readers had a film all the time");
    // One that is damaged itself is put there anew.
    fs::write(&json, "{}").unwrap();
    movies::publish(&Folder::new(world.config.library()), &world.config.library(), outside.path())
        .await
        .unwrap();
}

/// A library of which the media cannot be read for a while; whoever takes away or writes is noticed.
#[derive(Debug)]
struct Stumbling(Folder);

impl fmt::Display for Stumbling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[async_trait::async_trait]
impl Storage for Stumbling {
    async fn put(&self, key: &Key, _: Bytes, _: PutMode) -> Result<(), storage::Error> {
        panic!("writes {key}")
    }

    async fn put_file(&self, key: &Key, _: &Path, _: Transfer) -> Result<(), storage::Error> {
        panic!("writes {key}")
    }

    async fn get(&self, key: &Key, range: Option<Range<u64>>) -> Result<Object, storage::Error> {
        if key.as_str().ends_with("pack.json") {
            return self.0.get(key, range).await;
        }
        let source = std::io::Error::other("the store fails (503)");
        Err(storage::Error::Io { key: key.to_string(), doing: "read", storage: self.to_string(), source })
    }

    async fn head(&self, key: &Key) -> Result<Meta, storage::Error> {
        self.0.head(key).await
    }

    fn list(&self, prefix: Option<&Key>) -> BoxStream<'static, Result<Meta, storage::Error>> {
        self.0.list(prefix)
    }

    async fn delete(&self, key: &Key) -> Result<(), storage::Error> {
        panic!("removes {key}")
    }
}

/// A storage that takes no `pack.json` of a pack whose sealed keys it does not have.
#[derive(Debug)]
struct SealedFirst(Folder);

impl fmt::Display for SealedFirst {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[async_trait::async_trait]
impl Storage for SealedFirst {
    async fn put(&self, key: &Key, bytes: Bytes, mode: PutMode) -> Result<(), storage::Error> {
        if let Some(pack) = key.as_str().strip_suffix("/pack.json") {
            let sealed: Key = format!("{pack}/keys.sealed").parse()?;
            self.0.head(&sealed).await?;
        }
        self.0.put(key, bytes, mode).await
    }

    async fn put_file(&self, key: &Key, path: &Path, transfer: Transfer) -> Result<(), storage::Error> {
        self.0.put_file(key, path, transfer).await
    }

    async fn get(&self, key: &Key, range: Option<Range<u64>>) -> Result<Object, storage::Error> {
        self.0.get(key, range).await
    }

    async fn head(&self, key: &Key) -> Result<Meta, storage::Error> {
        self.0.head(key).await
    }

    fn list(&self, prefix: Option<&Key>) -> BoxStream<'static, Result<Meta, storage::Error>> {
        self.0.list(prefix)
    }

    async fn delete(&self, key: &Key) -> Result<(), storage::Error> {
        self.0.delete(key).await
    }
}

/// B26: a process that is killed while it publishes leaves no pack that nobody can license: the keys that
/// were given are there before there is a `pack.json`.
#[tokio::test]
async fn b26_given_keys_are_there_before_the_pack_is() {
    let world = World::new().await;
    let (outside, library) = (tempfile::tempdir().unwrap(), world.config.library());
    delivered(&world, outside.path());
    let (storage, keys) = (SealedFirst(Folder::new(&library)), world.config.keys());
    movies::publish(&storage, &library, outside.path()).await.unwrap_err();
    assert!(!library.join("d".repeat(32)).join("pack.json").exists());
    let given = [KidAndKey { kid: Kid([7; 16]), cek: Cek::new([8; 16]) }];
    let with = (keys.as_path(), &given[..]);
    movies::publish_with(&storage, &library, outside.path(), with).await.unwrap();
    let sealed = library.join("d".repeat(32)).join("keys.sealed");
    assert!(fs::read_to_string(&sealed).unwrap().contains(&"07".repeat(16)));
    assert!(!outside.path().join("keys.sealed").exists(), "the folder stays as it is");
    // A pack that is there is given them, too.
    fs::remove_file(&sealed).unwrap();
    movies::publish_with(&storage, &library, outside.path(), with).await.unwrap();
    assert!(sealed.exists());
}

/// Sealed keys that cannot be read make no film that cannot be added again.
#[tokio::test]
async fn sealed_keys_that_are_damaged_are_put_right() {
    let world = World::new().await;
    let (outside, library) = (tempfile::tempdir().unwrap(), world.config.library());
    delivered(&world, outside.path());
    let storage = Folder::new(&library);
    let publish = || movies::publish(&storage, &library, outside.path());
    let id = publish().await.unwrap().id;
    let sealed = library.join(&id).join("keys.sealed");
    fs::write(&sealed, "{").unwrap();
    let refused = movies::read(&storage, &id).await.unwrap_err();
    assert!(matches!(&refused, Error::Pack { reason, .. } if reason.contains("keys.sealed")), "{refused}");
    publish().await.unwrap();
    assert!(!sealed.exists(), "what opens nothing is gone");
    // Those that come with the film take their place; whole ones stay.
    let come = outside.path().join("keys.sealed");
    for (there, comes, then) in
        [("{", r#"{"keys":[]}"#, r#"{"keys":[]}"#), (r#"{"keys": []}"#, r#"{"keys":[]}"#, r#"{"keys": []}"#)]
    {
        fs::write(&sealed, there).unwrap();
        fs::write(&come, comes).unwrap();
        publish().await.unwrap();
        assert_eq!(fs::read_to_string(&sealed).unwrap(), then);
    }
}

/// A film that cannot be looked at now is not taken for a damaged one.
#[tokio::test]
async fn a_film_that_cannot_be_read_now_is_left_alone() {
    let world = World::new().await;
    let outside = tempfile::tempdir().unwrap();
    delivered(&world, outside.path());
    let library = world.config.library();
    movies::publish(&Folder::new(&library), &library, outside.path()).await.unwrap();
    let refused = movies::publish(&Stumbling(Folder::new(&library)), &library, outside.path()).await;
    assert!(matches!(refused, Err(Error::Storage(storage::Error::Io { .. }))), "{refused:?}");
}

/// What is in the library is what was checked, however often the folder changes meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pack_is_exchanged_while_it_is_read() {
    let world = World::new().await;
    let (outside, library) = (tempfile::tempdir().unwrap(), world.config.library());
    delivered(&world, outside.path());
    let (file, seed) = (video(outside.path()), world.config.keys().join("site-ca-ca-1.toml"));
    let [good, bad] = ["good", "bad"].map(|name| outside.path().join(format!(".{name}")));
    fs::copy(&file, &good).unwrap();
    fs::write(&bad, vec![0; 200_000]).unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let exchanging = {
        let (stop, file) = (Arc::clone(&stop), file.clone());
        let turn = outside.path().join(".turn");
        std::thread::spawn(move || {
            for n in 0_usize.. {
                match n % 3 {
                    0 => fs::hard_link(&good, &turn).unwrap(),
                    1 => fs::hard_link(&bad, &turn).unwrap(),
                    _ => symlink(&seed, &turn).unwrap(),
                }
                fs::rename(&turn, &file).unwrap();
                // Names of one file: nothing was renamed.
                let _ = fs::remove_file(&turn);
                if stop.load(Ordering::Relaxed) {
                    return;
                }
            }
        })
    };
    let there = library.join("d".repeat(32));
    for _ in 0..60 {
        if movies::publish(&Folder::new(&library), &library, outside.path()).await.is_ok() {
            assert!(fs::read(video(&there)).unwrap() == octets());
            fs::remove_dir_all(&there).unwrap();
        }
        assert!(!there.join("pack.json").exists(), "what was refused is not there");
    }
    stop.store(true, Ordering::Relaxed);
    exchanging.join().unwrap();
    let left = fs::read_dir(&library)
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().file_name().to_str().unwrap().starts_with('.'));
    assert_eq!(left.count(), 0, "nothing is left of what came in");
}

#[tokio::test]
async fn a_huge_pack_json_is_not_read() {
    let world = World::new().await;
    let outside = tempfile::tempdir().unwrap();
    delivered(&world, outside.path());
    let json = fs::OpenOptions::new().write(true).open(outside.path().join("pack.json")).unwrap();
    json.set_len(1 << 32).unwrap();
    let refused =
        movies::publish(&Folder::new(world.config.library()), &world.config.library(), outside.path())
            .await
            .unwrap_err();
    assert!(matches!(&refused, Error::Pack { reason, .. } if reason.contains("are allowed")), "{refused}");
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn allow(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[tokio::test]
async fn the_database_is_nobody_elses_to_read() {
    let folder = tempfile::tempdir().unwrap();
    // A folder that everybody may look into: the files must keep themselves.
    allow(folder.path(), 0o755);
    let path = folder.path().join("matinee.db");
    let store = SqliteStore::open(&path).await.unwrap();
    let beside = ["", "-wal", "-shm"].map(|end| folder.path().join(format!("matinee.db{end}")));
    for file in &beside {
        assert_eq!(mode(file), 0o600, "{}", file.display());
    }
    // Other processes are refused while it runs, and one that begins anew.
    for file in &beside {
        for exposed in [0o604, 0o640, 0o660] {
            allow(file, exposed);
            let refused = SqliteStore::open(&path).await.unwrap_err();
            assert!(matches!(&refused, StoreError::Exposed(found) if found == file), "{refused}");
            assert!(refused.to_string().contains("chmod 600"));
        }
        allow(file, 0o600);
    }
    drop(store);
    SqliteStore::open(&path).await.unwrap();
}

#[tokio::test]
async fn the_data_folder_is_nobody_elses_to_look_into() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = Config::parse("listen = \"127.0.0.1:0\"\n[metrics]\noff = true").unwrap();
    config.data = folder.path().join("above/data");
    drop(Server::bind(config.clone(), Clock::manual(NOW).0).await.unwrap());
    assert_eq!((mode(&config.data), mode(&config.keys()), mode(&config.database())), (0o700, 0o700, 0o600));
    for exposed in [0o755, 0o710, 0o701] {
        allow(&config.data, exposed);
        let refused = Server::bind(config.clone(), Clock::manual(NOW).0).await.unwrap_err();
        assert!(matches!(&refused, Error::FolderExposed(path) if *path == config.data), "{refused}");
    }
    allow(&config.data, 0o700);
    drop(Server::bind(config, Clock::manual(NOW).0).await.unwrap());
}
