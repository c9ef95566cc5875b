//! Sources that are slow, stall, break off or are exchanged while they are read: never wrong octets, an error
//! in time, and nobody else waits. The clock of all of it is the test's, which goes on when nobody has
//! anything to do.

use super::*;
use crate::contents::Origin;
use crate::store::AbsentStore;
use crate::{Clock, Config};
use async_trait::async_trait;
use futures_util::StreamExt as _;
use futures_util::future::join_all;
use futures_util::stream::BoxStream;
use packager::{Destination, PackageOptions, package};
use std::fmt;
use std::path::Path;
use std::pin::Pin;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use storage::{Error, Key, Memory, Meta, Object, PutMode, Storage, Transfer};
use tempfile::TempDir;
use tokio::time::sleep;

const NOW: u64 = 1_790_000_000;
/// Octets that come before a store stalls or breaks off: fewer than a fragment has.
const FEW: usize = 5000;

/// How a store sends the films below `far`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Link {
    #[default]
    Fast,
    /// 10 kB/s.
    Slow,
    /// [`FEW`] octets of what is asked for, and then nothing.
    Stalls,
    /// [`FEW`] octets, and then an error.
    Breaks,
}

/// A store with two places, one of which is far away.
#[derive(Debug, Default)]
struct Far {
    inner: Memory,
    link: Mutex<Link>,
}

impl Far {
    fn set(&self, link: Link) {
        *self.link.lock().unwrap() = link;
    }

    fn link(&self, key: &Key) -> Link {
        if key.as_str().starts_with("far/") { *self.link.lock().unwrap() } else { Link::Fast }
    }
}

impl fmt::Display for Far {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a far store")
    }
}

#[async_trait]
impl Storage for Far {
    async fn put(&self, key: &Key, data: Bytes, mode: PutMode) -> Result<(), Error> {
        self.inner.put(key, data, mode).await
    }

    async fn put_file(&self, key: &Key, file: &Path, transfer: Transfer) -> Result<(), Error> {
        self.inner.put_file(key, file, transfer).await
    }

    async fn get(&self, key: &Key, range: Option<Range<u64>>) -> Result<Object, Error> {
        let object = self.inner.get(key, range).await?;
        let (meta, range, all) = (object.meta.clone(), object.range.clone(), object.bytes().await?);
        let few = all.slice(..all.len().min(FEW));
        let body = match self.link(key) {
            Link::Fast => stream::iter([Ok(all)]).boxed(),
            Link::Slow => {
                let pieces = stream::unfold(all, |mut left| async move {
                    let piece = left.split_to(left.len().min(1000));
                    sleep(Duration::from_millis(100)).await;
                    (!piece.is_empty()).then_some((Ok(piece), left))
                });
                pieces.boxed()
            }
            Link::Stalls => stream::iter([Ok(few)]).chain(stream::pending()).boxed(),
            Link::Breaks => {
                let source = io::Error::other("the connection is over");
                let (key, storage) = (key.to_string(), self.to_string());
                stream::iter([Ok(few), Err(Error::Io { key, doing: "read", storage, source })]).boxed()
            }
        };
        Ok(Object { meta, range, body })
    }

    async fn head(&self, key: &Key) -> Result<Meta, Error> {
        if self.link(key) == Link::Stalls {
            std::future::pending::<()>().await;
        }
        self.inner.head(key).await
    }

    fn list(&self, prefix: Option<&Key>) -> BoxStream<'static, Result<Meta, Error>> {
        self.inner.list(prefix)
    }

    async fn delete(&self, key: &Key) -> Result<(), Error> {
        self.inner.delete(key).await
    }
}

/// An answer that is being read.
struct Answer {
    body: Pin<Box<axum::body::BodyDataStream>>,
    read: Vec<u8>,
}

impl Answer {
    /// Reads a little of it.
    async fn begin(&mut self) {
        self.read.extend(self.body.next().await.unwrap().unwrap());
    }

    /// Everything that came, and whether it ended as it should.
    async fn end(mut self) -> (Vec<u8>, bool) {
        while let Some(piece) = self.body.next().await {
            match piece {
                Ok(piece) => self.read.extend(piece),
                Err(_) => return (self.read, false),
            }
        }
        (self.read, true)
    }
}

/// An origin with the demo film, far and near.
struct World {
    service: Service,
    store: Arc<Far>,
    hand: Arc<AtomicU64>,
    /// The path of its pictures, clear and encrypted; the name of what is encrypted is each place's own.
    clear: String,
    path: String,
    near: String,
    _data: TempDir,
}

impl World {
    async fn new() -> Self {
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        let data = tempfile::Builder::new().permissions(private).tempdir().unwrap();
        let film = tempfile::tempdir().unwrap();
        let folder = film.path().join("film");
        let media = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../media/demo/240p.mp4");
        let to = Destination::Directory(folder.clone());
        let options =
            PackageOptions { scheme: pack::Scheme::None, ..PackageOptions::new(vec![media], 71, None, to) };
        package(&options, &mut ()).unwrap();
        let store = Arc::new(Far::default());
        for place in ["far/a", "far/b", "near/a"] {
            let place: Key = place.parse().unwrap();
            storage::publish(&*store, Some(&place), &folder, "source.json", Transfer::Copy).await.unwrap();
        }
        let source = std::fs::read(folder.join("source.json")).unwrap();
        let clear = pack::Source::from_json(&source).unwrap().pack.representations[0].path.clone();
        let mut config = Config::parse("roles = [\"edge\", \"origin\"]").unwrap();
        config.data = data.path().to_owned();
        let (clock, hand) = Clock::manual(NOW);
        let mut service = Service::with_store(config, clock, Arc::new(AbsentStore)).unwrap();
        service.origin = Origin::of_storage(&service.config, Arc::clone(&store) as _);
        let mut paths = Vec::new();
        for place in ["vod/far/a", "vod/near/a"] {
            let laid = service.content(&place.parse().unwrap(), Form::Own).await.unwrap();
            paths.push(laid.pack.representations[0].path.clone());
        }
        let [path, near] = paths.try_into().unwrap();
        Self { service, store, hand, clear, path, near, _data: data }
    }

    /// Asks for the pictures, from an octet on.
    async fn ask(&self, content: &str, from: u64) -> Result<Answer, Unserved> {
        let place: ContentPlace = format!("vod/{content}").parse().unwrap();
        let path = if content.starts_with("near/") { &self.near } else { &self.path };
        let path = MediaPath::parse(&format!("/s/vod/{content}/{path}")).unwrap();
        let file = find(&self.service, &place, &path, begin_by()).await?;
        let size = file.size;
        let body = file.body(&self.service, from..size).await?;
        Ok(Answer { body: Box::pin(body.into_data_stream()), read: Vec::new() })
    }

    async fn whole(&self, content: &str) -> Vec<u8> {
        let (read, is_whole) = self.ask(content, 0).await.unwrap().end().await;
        assert!(is_whole);
        read
    }

    /// Lets the sources be looked at again.
    fn later(&self) {
        self.hand.fetch_add(31, Ordering::Relaxed);
    }
}

/// 10 kB/s: all of it comes, in the end; who asks for another film has it long before.
#[tokio::test(start_paused = true)]
async fn a_slow_source_is_sent_as_it_comes() {
    let world = World::new().await;
    let (far, near) = (world.whole("far/a").await, world.whole("near/a").await);
    world.store.set(Link::Slow);
    let mut answer = world.ask("far/a", 0).await.unwrap();
    answer.begin().await;
    let slow = tokio::spawn(answer.end());
    for _ in 0..3 {
        assert!(world.whole("near/a").await == near);
    }
    assert!(!slow.is_finished(), "nobody waited for it");
    let (read, is_whole) = slow.await.unwrap();
    assert!(is_whole && read == far);
    // From the middle of a fragment, too.
    let middle = far.len() as u64 / 2 + 7;
    let (read, is_whole) = world.ask("far/a", middle).await.unwrap().end().await;
    assert!(is_whole && read == far[far.len() / 2 + 7..]);
}

/// What has begun is cut off: at once where the store says so, and in time where it says nothing.
#[tokio::test(start_paused = true)]
async fn a_source_that_stalls_or_breaks_off_ends_the_answer() {
    let world = World::new().await;
    let far = world.whole("far/a").await;
    for link in [Link::Stalls, Link::Breaks] {
        world.store.set(Link::Slow);
        let mut answer = world.ask("far/a", 0).await.unwrap();
        for _ in 0..3 {
            answer.begin().await;
        }
        world.store.set(link);
        let began = Instant::now();
        let (read, is_whole) = answer.end().await;
        assert!(!is_whole && read.len() < far.len() && far.starts_with(&read), "{link:?} {}", read.len());
        // A piece has a minute.
        assert!(began.elapsed() <= Duration::from_secs(61), "{link:?} {:?}", began.elapsed());
        world.store.set(Link::Fast);
        assert!(world.whole("far/a").await == far, "nothing wrong was kept of it");
    }
}

/// What does not begin is refused when its time is over, all who ask at the same time; a film that nobody
/// has looked at yet, too.
#[tokio::test(start_paused = true)]
async fn a_source_that_says_nothing_is_refused_in_time() {
    let world = World::new().await;
    let (far, near) = (world.whole("far/a").await, world.whole("near/a").await);
    let middle = far.len() as u64 / 2;
    world.store.set(Link::Stalls);
    let began = Instant::now();
    let all = join_all((0..50).map(|_| world.ask("far/a", middle)));
    let others = async {
        assert!(world.whole("near/a").await == near);
        began.elapsed()
    };
    let (refused, others) = tokio::join!(all, others);
    assert!(refused.iter().all(|answer| matches!(answer, Err(Unserved::Off))));
    let took = began.elapsed();
    assert!((FIRST..FIRST * 5 / 4).contains(&took) && others < took, "{took:?} {others:?}");
    let began = Instant::now();
    assert_eq!(world.ask("far/b", 0).await.err(), Some(Unserved::Off));
    assert!(began.elapsed() <= FIRST, "{:?}", began.elapsed());
    world.store.set(Link::Fast);
    world.later();
    let other = world.service.content(&"vod/far/b".parse().unwrap(), Form::Own).await;
    assert!(world.whole("far/a").await == far && other.is_ok(), "it is there again");
}

/// An object that is exchanged while a slow store sends it: the rest of the old one is not made of the new
/// one, and the new one is not what `source.json` tells of.
#[tokio::test(start_paused = true)]
async fn a_slow_source_that_is_exchanged_ends_the_answer() {
    let world = World::new().await;
    let far = world.whole("far/a").await;
    let media: Key = format!("far/a/{}", world.clear).parse().unwrap();
    let right = world.store.inner.get(&media, None).await.unwrap().bytes().await.unwrap();
    let put = async |octets: Bytes| {
        world.store.put(&media, octets, PutMode::Overwrite).await.unwrap();
    };
    world.store.set(Link::Slow);
    let mut answer = world.ask("far/a", 0).await.unwrap();
    for _ in 0..3 {
        answer.begin().await;
    }
    put(Bytes::from(vec![7; right.len()])).await;
    let (read, is_whole) = answer.end().await;
    assert!(!is_whole && read.len() < far.len() && far.starts_with(&read), "{}", read.len());
    world.store.set(Link::Fast);
    world.later();
    assert_eq!(world.ask("far/a", 0).await.err(), Some(Unserved::Off));
    put(right.clone()).await;
    world.later();
    assert!(world.whole("far/a").await == far);
}
