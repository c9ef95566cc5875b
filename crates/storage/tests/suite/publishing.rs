use std::fs;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use storage::{Error, Key, Published, PutMode, Storage, Transfer, publish, unpublish};

use crate::failing::Failing;
use crate::storages;

const FILES: [(&str, &str); 4] = [
    ("541/1811192541.mp4", "video"),
    ("047/2424053047.mp4", "audio"),
    ("poster.jpg", "picture"),
    ("pack.json", "{}"),
];

fn film(folder: &Path) {
    for (name, content) in FILES {
        fs::create_dir_all(folder.join(name).parent().unwrap()).unwrap();
        fs::write(folder.join(name), content).unwrap();
    }
    fs::write(folder.join(".hidden"), "").unwrap();
}

async fn is_whole(storage: &dyn Storage, prefix: &Key) -> bool {
    for (name, content) in FILES {
        let Ok(object) = storage.get(&prefix.join(name).unwrap(), None).await else { return false };
        if object.bytes().await.unwrap() != content {
            return false;
        }
    }
    true
}

/// Cut off after any number of writes there is no pack; published again, it is whole.
#[tokio::test]
async fn a_publication_that_is_cut_off_leaves_no_pack() {
    let prefix: Key = "8e06".parse().unwrap();
    let pack_json = prefix.join("pack.json").unwrap();
    for writes in 0..FILES.len() {
        let (folder, storages) = storages();
        for (n, storage) in storages.iter().enumerate() {
            let source = folder.path().join(format!("film-{n}"));
            film(&source);
            let failing = Failing::after(writes, storage);
            let cut_off = publish(&failing, Some(&prefix), &source, "pack.json", Transfer::Copy).await;
            assert!(matches!(cut_off, Err(Error::Io { .. })), "{cut_off:?}");
            assert!(storage.head(&pack_json).await.unwrap_err().is_not_found(), "{storage}: {writes}");

            let storage: &Arc<dyn Storage> = storage;
            let again = publish(&**storage, Some(&prefix), &source, "pack.json", Transfer::Move).await;
            assert_eq!(again.unwrap(), Published::Now);
            assert!(is_whole(&**storage, &prefix).await, "{storage}: {writes}");
            let beside: Key = "8e060/pack.json".parse().unwrap();
            storage.put(&beside, Bytes::new(), PutMode::Create).await.unwrap();
            unpublish(&**storage, &prefix, "pack.json").await.unwrap();
            let left: Vec<_> = storage.list(None).map_ok(|meta| meta.key).try_collect().await.unwrap();
            assert_eq!(left, [beside]);
        }
    }
}

/// Nor is anything of it written over, whatever the folder has now.
#[tokio::test]
async fn what_was_published_before_is_told() {
    let (folder, storages) = storages();
    let source = folder.path().join("film");
    let poster: Key = "poster.jpg".parse().unwrap();
    for storage in storages {
        film(&source);
        let publish = || publish(&*storage, None, &source, "pack.json", Transfer::Copy);
        assert_eq!(publish().await.unwrap(), Published::Now);
        fs::write(source.join("poster.jpg"), "another picture").unwrap();
        assert_eq!(publish().await.unwrap(), Published::Before);
        let picture = storage.get(&poster, None).await.unwrap().bytes().await.unwrap();
        assert_eq!(picture, "picture", "{storage}");
    }
}

/// Nothing is written where the last file is missing, or a name cannot be one.
#[tokio::test]
async fn nothing_is_published_without_the_last_file() {
    let (folder, storages) = storages();
    let source = folder.path().join("film");
    film(&source);
    fs::write(source.join("poster of it.jpg"), "").unwrap();
    for storage in &storages {
        let unnamed = publish(&**storage, None, &source, "pack.json", Transfer::Move).await;
        assert!(matches!(unnamed, Err(Error::Key(_))), "{unnamed:?}");
        assert!(storage.head(&"poster.jpg".parse().unwrap()).await.is_err());
    }
    fs::remove_file(source.join("poster of it.jpg")).unwrap();
    fs::remove_file(source.join("pack.json")).unwrap();
    for storage in storages {
        let missing = publish(&*storage, None, &source, "pack.json", Transfer::Move).await;
        assert!(matches!(missing, Err(Error::Source { .. })), "{missing:?}");
        assert!(storage.head(&"poster.jpg".parse().unwrap()).await.is_err());
    }
}
