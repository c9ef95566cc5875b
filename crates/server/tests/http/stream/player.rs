//! The site's own player on a persistent connection.

use super::super::client::Client;
use super::super::drm::manifest;
use super::super::world::World;
use super::{FILM, Heard, Viewer, real_film, start};
use engine::model::{ByteRange, TrackKind as EngineTrack};
use engine::{FetchId, FetchSpec};
use pack::Representation;
use playback::stream::{Do, Stream};
use std::collections::BTreeMap;
use std::time::Duration;

/// A download of the engine's: a segment, with the head in front of the first.
fn spec(fetch: u64, r: &Representation, number: usize) -> FetchSpec {
    let segment = &r.segments[number];
    let head = if number == 0 { segment.offset } else { 0 };
    FetchSpec {
        fetch: FetchId(fetch),
        track: if r.video.is_some() { EngineTrack::Video } else { EngineTrack::Audio },
        representation: r.downloadable_id.clone(),
        url: String::new(),
        range_header: true,
        range: ByteRange::new(segment.offset - head, segment.offset + segment.size - 1).unwrap(),
        sized: true,
        head,
        offset: 0,
        segment: true,
        start: Some(Duration::from_secs_f64(segment.start as f64 / f64::from(r.timescale))),
        afresh: false,
        client_data: None,
    }
}

/// The downloads, whole, as the player's client gets them.
async fn download(viewer: &mut Viewer, client: &mut Stream, specs: &[FetchSpec]) -> BTreeMap<u64, Vec<u8>> {
    let now = Duration::ZERO;
    let mut got: BTreeMap<u64, Vec<u8>> = BTreeMap::new();
    let mut news: Vec<Do> = specs.iter().flat_map(|spec| client.want(spec, now)).collect();
    let (mut left, mut piece): (usize, Vec<u8>) = (specs.len(), Vec::new());
    loop {
        for one in std::mem::take(&mut news) {
            let (fetch, octets, last) = match one {
                Do::Say(ask) => {
                    viewer.ask(&serde_json::to_string(&ask).unwrap()).await;
                    continue;
                }
                Do::Head { fetch, octets, last } => (fetch, octets, last),
                Do::Octets { fetch, skip, last } => (fetch, piece[skip as usize..].to_vec(), last),
            };
            got.entry(fetch.0).or_default().extend(octets);
            left -= usize::from(last);
        }
        if left == 0 {
            return got;
        }
        news = match viewer.hear().await {
            Heard::Told(told) => client.told(told, now).unwrap(),
            Heard::Octets(head, octets) => {
                piece = octets;
                client.piece(head, piece.len() as u64, now).unwrap()
            }
            Heard::Closed(code) => panic!("closed: {code:?}"),
        };
    }
}

/// B87: the manifest says that players are to take it, where the site wants that; and by the player's client
/// each segment that the engine wants, in whichever order, is the file's, octet for octet.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b87_a_players_downloads_are_the_files() {
    let world = World::with("[stream]\ntransport = \"ws\"").await;
    let published = real_film(&world).await;
    let running = start(&world, |_| {}).await;
    let mut client = Client::registered(&world).await;
    let manifest = manifest(&mut client, &world, FILM).await;
    assert_eq!(manifest.transport, nccp::Transport::WebSocket);
    let mut viewer = Viewer::to_movie(&running, &world, FILM).await;
    let mut stream = Stream::connecting(Duration::ZERO);
    assert_eq!(stream.opened(Duration::ZERO), []);
    let of = |prefix: &str| {
        let found = published.pack.representations.iter().find(|r| r.id.starts_with(prefix)).unwrap();
        (found, std::fs::read(published.directory.join(&found.path)).unwrap())
    };
    let (small, large, sound) = (of("v240-"), of("v720-"), of("a-"));
    let mut fetch = 0;
    // Side by side; then the next; another representation; back; and a track alone, far from the other.
    let wanted = [
        &[(&small, 0), (&sound, 0)][..],
        &[(&small, 1), (&sound, 1)][..],
        &[(&sound, 2), (&large, 2)][..],
        &[(&large, 3), (&small, 4)][..],
        &[(&large, 0)][..],
        &[(&sound, 14), (&small, 1)][..],
    ];
    for together in wanted {
        let specs: Vec<_> = together
            .iter()
            .map(|((r, _), number)| {
                fetch += 1;
                spec(fetch, r, *number)
            })
            .collect();
        let got = download(&mut viewer, &mut stream, &specs).await;
        for (spec, ((r, file), number)) in specs.iter().zip(together) {
            let expected = &file[spec.range.start as usize..=spec.range.end as usize];
            assert!(got[&spec.fetch.0] == expected, "{} {number}", r.id);
        }
    }
    assert_eq!(stream.close(), []);
    // Of nothing there is no head.
    viewer.ask(r#"{"do":"head","rep":"v9"}"#).await;
    assert_eq!(viewer.error().await, "REQUEST_INVALID: there is no such representation");
}
