use std::sync::Arc;

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use storage::{Error, Folder, Key, PutMode, Storage, Transfer};

use crate::storages;

fn key(text: &str) -> Key {
    text.parse().unwrap()
}

async fn names(storage: &dyn Storage, prefix: Option<&str>) -> Vec<(String, u64)> {
    let prefix = prefix.map(key);
    let mut found: Vec<_> = storage
        .list(prefix.as_ref())
        .map_ok(|meta| (meta.key.to_string(), meta.size))
        .try_collect()
        .await
        .unwrap();
    found.sort();
    found
}

async fn read(storage: &dyn Storage, name: &str) -> Bytes {
    storage.get(&key(name), None).await.unwrap().bytes().await.unwrap()
}

#[tokio::test]
async fn what_is_put_is_got_until_it_is_deleted() {
    let (_folder, storages) = storages();
    for storage in storages {
        let name = key("film/541/1.mp4");
        for error in [storage.get(&name, None).await.unwrap_err(), storage.head(&name).await.unwrap_err()] {
            assert!(error.is_not_found(), "{error}");
            assert!(error.to_string().starts_with("film/541/1.mp4: "), "{error}");
        }
        storage.put(&name, Bytes::from_static(b"one"), PutMode::Overwrite).await.unwrap();
        storage.put(&name, Bytes::from_static(b"other"), PutMode::Overwrite).await.unwrap();
        assert_eq!(read(&*storage, "film/541/1.mp4").await, "other");
        assert_eq!(storage.head(&name).await.unwrap().size, 5);
        // A prefix of a key, and what would lie below an object, are no objects.
        assert!(storage.head(&key("film/541")).await.unwrap_err().is_not_found());
        assert!(storage.get(&key("film/541/1.mp4/2"), None).await.unwrap_err().is_not_found());
        storage.delete(&name).await.unwrap();
        storage.delete(&name).await.unwrap();
        assert!(storage.head(&name).await.unwrap_err().is_not_found());
        assert_eq!(names(&*storage, None).await, []);
    }
}

#[tokio::test]
async fn an_empty_object_is_one() {
    let (_folder, storages) = storages();
    for storage in storages {
        storage.put(&key("a"), Bytes::new(), PutMode::Create).await.unwrap();
        assert_eq!(read(&*storage, "a").await, "");
        let range = storage.get(&key("a"), Some(0..1)).await.unwrap_err();
        assert!(matches!(range, Error::Range { size: 0, .. }), "{range}");
    }
}

/// Of many that create the same object one succeeds, and its bytes are there.
#[tokio::test]
async fn an_object_is_created_once() {
    let (_folder, storages) = storages();
    for storage in storages {
        let create = |n: u8| {
            let storage = Arc::clone(&storage);
            tokio::spawn(async move {
                storage.put(&key("a/pack.json"), vec![n; 1000].into(), PutMode::Create).await.map(|()| n)
            })
        };
        let mut created = Vec::new();
        for task in (0..16).map(create).collect::<Vec<_>>() {
            match task.await.unwrap() {
                Ok(n) => created.push(n),
                Err(error) => assert!(matches!(error, Error::AlreadyExists { .. }), "{error}"),
            }
        }
        assert_eq!(created.len(), 1, "{storage}");
        assert_eq!(read(&*storage, "a/pack.json").await, vec![created[0]; 1000]);
    }
}

/// A range stops at the end; one that has no byte in the object is refused.
#[tokio::test]
async fn ranges() {
    let (_folder, storages) = storages();
    let data: Vec<u8> = (0..200_000u32).map(|n| (n * 7 + n / 251) as u8).collect();
    for storage in storages {
        storage.put(&key("a"), data.clone().into(), PutMode::Create).await.unwrap();
        for (asked, given) in [
            (0..1, 0..1),
            (0..200_000, 0..200_000),
            (65_535..131_073, 65_535..131_073),
            (199_999..200_000, 199_999..200_000),
            (199_990..u64::MAX, 199_990..200_000),
        ] {
            let object = storage.get(&key("a"), Some(asked)).await.unwrap();
            assert_eq!((object.meta.size, object.range.clone()), (200_000, given.clone()));
            assert_eq!(object.bytes().await.unwrap(), data[given.start as usize..given.end as usize]);
        }
        #[allow(clippy::reversed_empty_ranges)]
        for asked in [200_000..200_001, u64::MAX - 1..u64::MAX, 7..7, 8..7] {
            let error = storage.get(&key("a"), Some(asked.clone())).await.unwrap_err();
            assert!(matches!(error, Error::Range { size: 200_000, .. }), "{storage}: {asked:?}: {error}");
        }
    }
}

#[tokio::test]
async fn lists_are_by_whole_parts() {
    let (_folder, storages) = storages();
    for storage in storages {
        assert_eq!(names(&*storage, Some("nothing")).await, []);
        for name in ["a/1", "a/b/2", "ab/3", "c"] {
            storage.put(&key(name), Bytes::from(name), PutMode::Create).await.unwrap();
        }
        let found =
            |names: &[&str]| names.iter().map(|n| ((*n).to_owned(), n.len() as u64)).collect::<Vec<_>>();
        assert_eq!(names(&*storage, None).await, found(&["a/1", "a/b/2", "ab/3", "c"]));
        assert_eq!(names(&*storage, Some("a")).await, found(&["a/1", "a/b/2"]));
        assert_eq!(names(&*storage, Some("a/b")).await, found(&["a/b/2"]));
        assert_eq!(names(&*storage, Some("c")).await, []);
    }
}

#[tokio::test]
async fn files_are_copied_or_moved() {
    let (folder, storages) = storages();
    for storage in storages {
        let file = folder.path().join("film.mp4");
        std::fs::write(&file, "film").unwrap();
        storage.put_file(&key("a/b/film.mp4"), &file, Transfer::Copy).await.unwrap();
        assert_eq!(std::fs::read(&file).unwrap(), b"film");
        std::fs::write(&file, "longer film").unwrap();
        storage.put_file(&key("a/b/film.mp4"), &file, Transfer::Move).await.unwrap();
        assert_eq!(read(&*storage, "a/b/film.mp4").await, "longer film");
        let missing = storage.put_file(&key("x"), &folder.path().join("none"), Transfer::Copy).await;
        assert!(matches!(missing, Err(Error::Source { .. })));
        assert_eq!(names(&*storage, None).await.len(), 1);
    }
}

/// What is not ours, or not finished, is no object; empty folders go with their last object.
#[tokio::test]
async fn a_folder_has_no_hidden_objects_and_no_empty_folders() {
    let folder = tempfile::tempdir().unwrap();
    let storage = Folder::new(folder.path());
    std::fs::write(folder.path().join(".writing-x"), "half").unwrap();
    std::fs::write(folder.path().join("with space"), "").unwrap();
    storage.put(&key("a/b/c"), Bytes::from_static(b"1"), PutMode::Create).await.unwrap();
    assert_eq!(names(&storage, None).await, [("a/b/c".to_owned(), 1)]);
    assert_eq!(storage.path(&key("a/b/c")), folder.path().join("a/b/c"));
    storage.delete(&key("a/b/c")).await.unwrap();
    assert!(!folder.path().join("a").exists() && folder.path().exists());
}

#[tokio::test]
async fn errors_name_the_object() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "").unwrap();
    let storage = Folder::new(folder.path().join("file"));
    let error = storage.put(&key("a/b"), Bytes::new(), PutMode::Create).await.unwrap_err().to_string();
    assert!(error.starts_with("a/b: ") && error.contains("file"), "{error}");
}
