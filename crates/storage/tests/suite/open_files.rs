//! Files that stay open: what is found of them when a folder changes behind the storage's back, and through
//! it.

use std::fs;

use bytes::Bytes;
use storage::{Folder, Key, OpenFiles, PutMode, Storage};

const SIZE: usize = 700_000;

fn key(text: &str) -> Key {
    text.parse().unwrap()
}

/// A folder with one object of equal bytes.
async fn library(byte: u8) -> (tempfile::TempDir, OpenFiles) {
    let folder = tempfile::tempdir().unwrap();
    let library = OpenFiles::new(Folder::new(folder.path()));
    library.put(&key("8e06/1.mp4"), vec![byte; SIZE].into(), PutMode::Create).await.unwrap();
    (folder, library)
}

async fn read(library: &OpenFiles) -> Result<Bytes, storage::Error> {
    library.get(&key("8e06/1.mp4"), None).await?.bytes().await
}

/// Whoever replaces a file gets it read as one of both, never as a mixture, and an answer that has begun goes
/// on.
#[tokio::test]
async fn bytes_of_two_files_are_not_mixed() {
    let (folder, library) = library(1).await;
    let begun = library.get(&key("8e06/1.mp4"), None).await.unwrap();
    let (other, file) = (folder.path().join("other"), folder.path().join("8e06/1.mp4"));
    fs::write(&other, vec![2; SIZE + 1]).unwrap();
    fs::rename(&other, &file).unwrap();
    for _ in 0..20 {
        let object = library.get(&key("8e06/1.mp4"), None).await.unwrap();
        let size = object.meta.size;
        let bytes = object.bytes().await.unwrap();
        assert_eq!(bytes.len() as u64, size);
        let byte = if size == SIZE as u64 { 1 } else { 2 };
        assert!(bytes.iter().all(|b| *b == byte));
    }
    fs::remove_file(&file).unwrap();
    let bytes = begun.bytes().await.unwrap();
    assert!(bytes.len() == SIZE && bytes.iter().all(|b| *b == 1));
}

/// What is written or removed through the storage itself is seen at once.
#[tokio::test]
async fn own_changes_are_seen_at_once() {
    let (_folder, library) = library(1).await;
    for byte in 2..20 {
        assert!(read(&library).await.unwrap().iter().all(|b| *b == byte - 1));
        library
            .put(&key("8e06/1.mp4"), vec![byte; usize::from(byte)].into(), PutMode::Overwrite)
            .await
            .unwrap();
        assert_eq!(read(&library).await.unwrap(), vec![byte; usize::from(byte)]);
    }
    library.delete(&key("8e06/1.mp4")).await.unwrap();
    assert!(read(&library).await.unwrap_err().is_not_found());
}

/// A file that somebody cuts short while it is open: an error that says so, not fewer bytes.
#[tokio::test]
async fn a_file_that_is_cut_short_is_an_error() {
    let (folder, library) = library(1).await;
    assert_eq!(read(&library).await.unwrap().len(), SIZE);
    let file = fs::File::options().write(true).open(folder.path().join("8e06/1.mp4")).unwrap();
    file.set_len(1000).unwrap();
    let error = read(&library).await;
    // Where it was looked at again meanwhile, it is a shorter file.
    match error {
        Ok(bytes) => assert_eq!(bytes.len(), 1000),
        Err(error) => assert!(error.to_string().starts_with("8e06/1.mp4: cannot read"), "{error}"),
    }
}
