//! What every storage must do, asked of each.
#![allow(clippy::unwrap_used)]

mod contract;
mod failing;
#[cfg(unix)]
mod links;
mod publishing;

use std::sync::Arc;

use storage::{Folder, Memory, Storage};
use tempfile::TempDir;

/// Each kind of storage, empty. The folder lives as long as what holds it.
fn storages() -> (TempDir, [Arc<dyn Storage>; 2]) {
    let folder = tempfile::tempdir().unwrap();
    let storages: [Arc<dyn Storage>; 2] =
        [Arc::new(Folder::new(folder.path().join("library"))), Arc::new(Memory::default())];
    (folder, storages)
}
