//! Symbolic links in a folder: nothing that they lead to is an object.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use futures_util::TryStreamExt as _;
use storage::{Error, Folder, Key, Storage, Transfer, publish};

fn key(text: &str) -> Key {
    text.parse().unwrap()
}

/// A folder with a secret beside a library with one true object, `8e06/true.mp4`.
fn library() -> (tempfile::TempDir, Folder) {
    let folder = tempfile::tempdir().unwrap();
    let library = folder.path().join("library");
    fs::create_dir_all(library.join("8e06")).unwrap();
    fs::create_dir(folder.path().join("keys")).unwrap();
    fs::write(folder.path().join("keys/secret.mp4"), "secret").unwrap();
    fs::write(library.join("8e06/true.mp4"), "film").unwrap();
    (folder, Folder::new(library))
}

async fn is_there(library: &Folder, object: &str) -> bool {
    let (head, get) = (library.head(&key(object)).await, library.get(&key(object), None).await);
    assert_eq!(head.is_ok(), get.is_ok(), "{object}");
    head.is_ok()
}

#[tokio::test]
async fn a_link_is_no_object() {
    let (folder, library) = library();
    let root = folder.path().join("library");
    symlink("../../keys/secret.mp4", root.join("8e06/file.mp4")).unwrap();
    symlink(folder.path().join("keys"), root.join("8e06/folder")).unwrap();
    symlink("../keys", root.join("pack")).unwrap();
    // Not even one that stays inside.
    symlink("true.mp4", root.join("8e06/inside.mp4")).unwrap();
    for object in ["8e06/file.mp4", "8e06/folder/secret.mp4", "pack/secret.mp4", "8e06/inside.mp4"] {
        assert!(!is_there(&library, object).await, "{object}");
        assert!(library.open_file(&key(object)).unwrap_err().is_not_found());
    }
    assert!(is_there(&library, "8e06/true.mp4").await);
    let listed: Vec<_> = library.list(None).map_ok(|meta| meta.key).try_collect().await.unwrap();
    assert_eq!(listed, [key("8e06/true.mp4")]);
    // The operator's own link to the whole library is one.
    symlink(&root, folder.path().join("linked")).unwrap();
    assert!(is_there(&Folder::new(folder.path().join("linked")), "8e06/true.mp4").await);
}

/// To open a pipe waits for whoever writes into it.
#[tokio::test]
async fn a_socket_or_a_folder_is_no_object() {
    let (folder, library) = library();
    let socket = folder.path().join("library/8e06/socket.mp4");
    let _listening = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    assert!(!is_there(&library, "8e06/socket.mp4").await);
    assert!(!is_there(&library, "8e06").await);
}

#[tokio::test]
async fn nothing_is_published_through_a_link() {
    let refused = async |make: fn(&Path, &Path)| {
        let (folder, library) = library();
        let film = folder.path().join("film");
        fs::create_dir(&film).unwrap();
        fs::write(film.join("pack.json"), "{}").unwrap();
        make(folder.path(), &film);
        let prefix = key("new");
        let done = publish(&library, Some(&prefix), &film, "pack.json", Transfer::Copy).await;
        assert!(matches!(done, Err(Error::Source { .. })), "{done:?}");
        assert!(!folder.path().join("library/new").exists(), "nothing is written");
    };
    refused(|base, film| symlink(base.join("keys/secret.mp4"), film.join("poster.jpg")).unwrap()).await;
    refused(|base, film| symlink(base.join("keys"), film.join("541")).unwrap()).await;
    refused(|base, film| {
        fs::remove_file(film.join("pack.json")).unwrap();
        symlink(base.join("keys/secret.mp4"), film.join("pack.json")).unwrap();
    })
    .await;
}
