//! What every storage must do, asked of each.
#![allow(clippy::unwrap_used)]

mod buckets;
mod cached;
mod contract;
mod failing;
mod faults;
mod killed;
#[cfg(unix)]
mod links;
mod open_files;
mod publishing;
mod servers;
mod signed;
mod swept;

use std::sync::Arc;

use storage::{Cached, Disk, Folder, Memory, OpenFiles, Storage};
use tempfile::TempDir;

/// Each kind of storage, empty. The folder lives as long as what holds it.
fn storages() -> (TempDir, Vec<Arc<dyn Storage>>) {
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::open(&folder.path().join("cache"), 8 << 20).unwrap();
    let elsewhere = Arc::new(Folder::new(folder.path().join("elsewhere")));
    let mut storages: Vec<Arc<dyn Storage>> = vec![
        Arc::new(Folder::new(folder.path().join("library"))),
        Arc::new(Memory::default()),
        Arc::new(OpenFiles::new(Folder::new(folder.path().join("open")))),
        Arc::new(Cached::new(elsewhere, Some(Arc::new(disk)))),
    ];
    storages.extend(buckets::buckets());
    (folder, storages)
}
