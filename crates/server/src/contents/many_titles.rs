//! A hundred thousand titles: what one costs, and that each is found without the others.

use super::origin::Origin;
use super::sources::{Bucket, Sources};
use super::unserved::Unserved;
use crate::Config;
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use storage::{Error, Key, Memory, Meta, Object, PutMode, Storage, Transfer};

const TITLES: usize = 100_000;
/// Of those, so many are looked up.
const LOOKED_UP: usize = 2_000;
const SIZE: usize = 2000;

/// Counts what is asked.
#[derive(Debug, Default)]
struct Counting {
    inner: Memory,
    asked: AtomicUsize,
    listed: AtomicUsize,
}

impl fmt::Display for Counting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

#[async_trait]
impl Storage for Counting {
    async fn put(&self, key: &Key, data: Bytes, mode: PutMode) -> Result<(), Error> {
        self.inner.put(key, data, mode).await
    }

    async fn put_file(&self, key: &Key, file: &Path, transfer: Transfer) -> Result<(), Error> {
        self.inner.put_file(key, file, transfer).await
    }

    async fn get(&self, key: &Key, range: Option<Range<u64>>) -> Result<Object, Error> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.inner.get(key, range).await
    }

    async fn head(&self, key: &Key) -> Result<Meta, Error> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.inner.head(key).await
    }

    fn list(&self, prefix: Option<&Key>) -> BoxStream<'static, Result<Meta, Error>> {
        self.listed.fetch_add(1, Ordering::Relaxed);
        self.inner.list(prefix)
    }

    fn unnamed(&self) -> BoxStream<'static, Result<String, Error>> {
        let names =
            ["films/Die Brücke/source.json", "films/Die Brücke/541/1811192541.mp4", "a b/matinee.toml"];
        stream::iter(names.map(|name| Ok(name.to_owned()))).boxed()
    }

    async fn delete(&self, key: &Key) -> Result<(), Error> {
        self.inner.delete(key).await
    }
}

/// Contents and settings whose names no key can have are told, media of them not one by one.
#[tokio::test]
async fn what_cannot_be_named_is_told() {
    let sources = Sources::Bucket(Bucket::plain(Arc::new(Counting::default())));
    assert_eq!(sources.unnamed().await.unwrap(), ["films/Die Brücke/source.json", "a b/matinee.toml"]);
}

/// `source.json` of a film of 100 minutes, in segments of four seconds.
fn json() -> Bytes {
    let segments: Vec<_> = (0..1500u64)
        .map(|n| serde_json::json!({"start": n * 4000, "duration": 4000, "offset": 200 + n, "size": 1}))
        .collect();
    let file = |id: &str, video: bool| {
        let mut r = serde_json::json!({
            "id": if video { "v720-1500" } else { "a-und-1" }, "downloadable_id": id,
            "path": format!("{}/{id}.mp4", &id[7..]), "media_type": if video { "video" } else { "audio" },
            "mime_type": if video { "video/mp4" } else { "audio/mp4" },
            "codecs": if video { "avc1.64001F" } else { "mp4a.40.2" }, "group": if video { "video" } else { "audio-1" },
            "timescale": 1000, "bitrate": 1500, "peak_bandwidth": 2_100_000, "language": "und", "size": SIZE,
            "sha256": "", "init_range": "0-99", "index_range": "100-199", "max_segment": 1, "samples": 1,
            "protected_samples": 0, "segments": segments
        });
        if video {
            r["video"] = serde_json::json!({"width": 1280, "height": 720, "sar": [1, 1],
                "frame_rate": {"value": 24, "timescale": 1}, "video_range": "SDR"});
        } else {
            r["audio"] = serde_json::json!({"sample_rate": 48000, "channels": 2, "default": true});
        }
        r
    };
    let source = serde_json::json!({
        "version": pack::LAYOUT_VERSION, "pack_id": format!("{:032x}", 7), "movie_id": 7, "title": "Film",
        "duration": {"value": 6_000_000, "timescale": 1000}, "scheme": "none", "level": "high",
        "representations": [file("1811192541", true), file("0000000007", false)],
    });
    source.to_string().into()
}

fn path(n: usize) -> String {
    format!("films/{:02}/{n:06}", n % 100)
}

/// A bucket with all of them.
async fn bucket() -> Arc<Counting> {
    let store = Arc::new(Counting::default());
    let (json, media) = (json(), Bytes::from(vec![0; SIZE]));
    for n in 0..TITLES {
        for (name, data) in
            [("source.json", &json), ("541/1811192541.mp4", &media), ("007/0000000007.mp4", &media)]
        {
            let key = format!("{}/{name}", path(n)).parse().unwrap();
            store.put(&key, data.clone(), PutMode::Create).await.unwrap();
        }
    }
    store
}

/// Bytes of memory that this process has.
fn resident() -> Option<usize> {
    let pages = std::fs::read_to_string("/proc/self/statm").ok()?;
    Some(pages.split(' ').nth(1)?.parse::<usize>().ok()? * 4096)
}

/// Looks titles up; gives how many of them are there.
async fn look_up(origin: &Origin, config: &Config, titles: Range<usize>, now: u64) -> usize {
    let looks = titles.map(|n| async move {
        let content = path(n).parse().unwrap();
        match origin.loaded(config, &content, now).await {
            Ok(_) => 1,
            Err(Unserved::NotFound) => 0,
            Err(other) => panic!("{other:?}"),
        }
    });
    stream::iter(looks).buffer_unordered(8).fold(0, async |sum, one| sum + one).await
}

#[tokio::test]
async fn one_of_a_hundred_thousand_titles_is_found_without_the_others() {
    let store = bucket().await;
    let config = |memory: u32| Config::parse(&format!("[origin]\nmemory = {memory}\n")).unwrap();
    let sources = Bucket::plain(Arc::clone(&store) as _);

    // Room for all: what one costs.
    let (roomy, before) = (config(8000), resident());
    let origin = Origin::new(&roomy, Some(sources.clone()));
    assert_eq!(look_up(&origin, &roomy, 0..LOOKED_UP, 1).await, LOOKED_UP);
    let asked = store.asked.load(Ordering::Relaxed);
    let (count, counted) = origin.seen.size();
    assert_eq!(count, LOOKED_UP);
    if let (Some(before), Some(after)) = (before, resident()) {
        let grown = after.saturating_sub(before) / LOOKED_UP;
        println!("a title: {} octets counted, {grown} resident, {} requests", counted / count, asked / count);
    }
    assert!(asked <= 12 * LOOKED_UP, "{asked} requests");
    // Known ones are asked for again when it is time, and not before.
    look_up(&origin, &roomy, 0..100, 2).await;
    assert_eq!(store.asked.load(Ordering::Relaxed), asked);
    drop(origin);

    // Room for some: the bound holds, for those that are not there, too.
    let tight = config(16);
    let origin = Origin::new(&tight, Some(sources.clone()));
    assert_eq!(look_up(&origin, &tight, TITLES - 500..TITLES + 10_000, 1).await, 500);
    let (count, bytes) = origin.seen.size();
    assert!(count > 10 && bytes <= 2 << 20, "{count}, {bytes}");
    assert_eq!(store.listed.load(Ordering::Relaxed), 0, "nothing was listed");

    // `matinee config check` lists them all, and has nothing but their names.
    let walk = Sources::Bucket(sources).walk().await.unwrap();
    assert_eq!((walk.contents.len(), walk.settings.len()), (TITLES, 0));
}
