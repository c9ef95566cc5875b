//! Publishers that are killed: what they published is whole or not there.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use storage::{Address, Folder, Key, Published, S3, Storage, Transfer, publish, sweep};

use crate::buckets::{servers, settings};
use crate::failing::Telling;

const LAST: &str = "pack.json";
/// Octets of the files; the second is sent in parts.
const SIZES: [(&str, usize); 5] =
    [("541/1.mp4", 300_000), ("047/2.mp4", 9 << 20), ("a.jpg", 1), ("subtitles/en.vtt", 0), (LAST, 2_000)];

fn rounds() -> usize {
    if std::env::var_os("MATINEE_SOAK").is_some() { 50 } else { 5 }
}

fn film(folder: &Path) {
    for (name, size) in SIZES {
        fs::create_dir_all(folder.join(name).parent().unwrap()).unwrap();
        fs::write(folder.join(name), content(name, size)).unwrap();
    }
}

fn content(name: &str, size: usize) -> Vec<u8> {
    (0..size).map(|n| (n / 7) as u8 ^ name.as_bytes()[n % name.len()]).collect()
}

fn storage_at(address: &str, endpoint: &str) -> Arc<dyn Storage> {
    match address.parse().unwrap() {
        Address::File(folder) => Arc::new(Folder::new(folder)),
        Address::S3 { bucket, prefix } => {
            Arc::new(S3::new(storage::S3Settings { bucket, prefix, ..settings(endpoint) }).unwrap())
        }
    }
}

/// What the other process does: it publishes, and tells each write before it begins and when it is done.
#[tokio::test]
async fn the_publisher_itself() {
    let Ok(what) = std::env::var("STORAGE_PUBLISH") else { return };
    let [address, endpoint, folder] = what.split('|').collect::<Vec<_>>()[..] else { panic!("{what}") };
    let telling = Telling(storage_at(address, endpoint));
    let key: Key = "8e06".parse().unwrap();
    publish(&telling, Some(&key), Path::new(folder), LAST, Transfer::Copy).await.unwrap();
    println!("published");
}

async fn is_whole(storage: &dyn Storage, key: &Key) -> bool {
    if storage.head(&key.join(LAST).unwrap()).await.is_err_and(|error| error.is_not_found()) {
        return false;
    }
    for (name, size) in SIZES {
        let object = storage.get(&key.join(name).unwrap(), None).await.unwrap();
        assert!(object.bytes().await.unwrap() == content(name, size), "{storage}: {name}");
    }
    true
}

#[tokio::test]
async fn a_killed_publisher_leaves_a_film_or_none() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("film");
    film(&source);
    let weed = servers().iter().find(|server| server.name == "SeaweedFS");
    for round in 0..rounds() {
        let local = format!("file:{}|-", folder.path().join(format!("library-{round}")).display());
        let bucket = weed.map(|server| {
            let settings = settings(&server.endpoint);
            format!("s3://{}/{}|{}", settings.bucket, settings.prefix.unwrap(), server.endpoint)
        });
        for place in [Some(local), bucket].into_iter().flatten() {
            // Each moment comes in turn: before a write, and behind one; the last is behind all.
            let moment = (round * 5 + 1) % (2 * SIZES.len() + 2);
            kill_at(&format!("{place}|{}", source.display()), moment);
            let (address, endpoint) = place.split_once('|').unwrap();
            let storage = storage_at(address, endpoint);
            let key: Key = "8e06".parse().unwrap();
            let was_whole = is_whole(&*storage, &key).await;
            if moment == 2 * SIZES.len() + 1 {
                assert!(was_whole, "{storage}: it said so");
            }
            // A store may still be at work on what it was sent.
            let is_open = moment == 2 * SIZES.len() - 1;
            if !is_open {
                loop {
                    if !was_whole {
                        // At once: nobody is at work on it.
                        sweep(&*storage, LAST, |first| first == "8e06", Duration::ZERO).await.unwrap();
                    }
                    let left: Vec<_> = storage.list(None).try_collect().await.unwrap();
                    if left.len() == if was_whole { SIZES.len() } else { 0 } {
                        break;
                    }
                }
            }
            let again = publish(&*storage, Some(&key), &source, LAST, Transfer::Copy).await.unwrap();
            if !is_open {
                assert_eq!(again, if was_whole { Published::Before } else { Published::Now });
            }
            assert!(is_whole(&*storage, &key).await, "{storage}: {moment}");
        }
    }
}

/// Runs the publisher, and kills it when it has told so many lines.
fn kill_at(what: &str, lines: usize) {
    let mut publisher = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "killed::the_publisher_itself", "--nocapture"])
        .env("STORAGE_PUBLISH", what)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let told = BufReader::new(publisher.stdout.take().unwrap()).lines().map(Result::unwrap);
    let ours = |line: &String| ["writes ", "wrote ", "published"].iter().any(|word| line.contains(word));
    // Where it ends before that, there is nobody to kill.
    told.filter(ours).take(lines).for_each(drop);
    let _ = publisher.kill();
    let _ = publisher.wait();
}
