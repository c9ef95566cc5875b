//! What broken publications leave.

use std::time::Duration;

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use storage::{PutMode, leftovers, sweep};

use crate::storages;

#[tokio::test]
async fn what_is_not_whole_is_swept_and_nothing_else() {
    let (_folder, storages) = storages();
    for storage in storages {
        for name in ["8e06/1.mp4", "8e06/pack.json", "8e07/1.mp4", "8e07/a/2.vtt", "other/1", "note.txt"] {
            storage.put(&name.parse().unwrap(), Bytes::from(name), PutMode::Create).await.unwrap();
        }
        let is_ours = |first: &str| first.starts_with("8e");
        let recent = leftovers(&*storage, "pack.json", is_ours, Duration::from_secs(3600)).await.unwrap();
        assert!(recent.is_empty(), "somebody may be at work on it: {recent:?}");
        let found = leftovers(&*storage, "pack.json", is_ours, Duration::ZERO);
        // Stores tell whole seconds, by clocks of their own.
        let mut found = found.await.unwrap();
        while found.is_empty() {
            tokio::time::sleep(Duration::from_millis(100)).await;
            found = leftovers(&*storage, "pack.json", is_ours, Duration::ZERO).await.unwrap();
        }
        assert_eq!(found.keys().collect::<Vec<_>>(), ["8e07"], "{storage}");
        assert_eq!(sweep(&*storage, "pack.json", is_ours, Duration::ZERO).await.unwrap().len(), 2);
        let mut left: Vec<_> =
            storage.list(None).map_ok(|meta| meta.key.to_string()).try_collect().await.unwrap();
        left.sort();
        assert_eq!(left, ["8e06/1.mp4", "8e06/pack.json", "note.txt", "other/1"], "{storage}");
    }
}
