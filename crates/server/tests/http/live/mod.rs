//! Live events: what encoders send, what players get, and what stays.

mod delivery;
mod drm;
#[path = "../../../../live/tests/suite/encoder.rs"]
#[allow(dead_code)]
mod encoder;
mod failing_storage;
pub(crate) mod ffmpeg;
mod film;
mod ingest;
mod ladder;
mod limits;
mod long;
mod networks;
mod relay;
mod restart;
mod rtmp;
mod settings;
mod two_encoders;

use super::world::{NOW, Reply, URL, World};
use cenc::{
    AesCipher, Cek, ContentId, Direction, Iv, Kid, Label, RangeTable, SampleProtection, SegmentCipher as _,
    Subsample, derive_cek, derive_kid,
};
use encoder::Tape;
use isobmff::{Boxes, Fragment, InitSegment};
use server::live::{Created, Events, NewEvent, create};
use server::live_url;
use urltoken::{Dialect, Settings, Signer};

pub(crate) const APP: &str = "school";
pub(crate) const EVENT: &str = "lecture";
pub(crate) const SECONDS: u32 = 9;

/// Makes an event.
pub(crate) async fn event(world: &World, app: &str, name: &str) -> Created {
    let new = NewEvent {
        starts: Some(1_790_001_000),
        ..NewEvent::new(app.parse().unwrap(), name.parse().unwrap(), format!("The {name}"))
    };
    create(&*world.store, &Events::new(&world.config.data), new, NOW).await.unwrap()
}

pub(crate) async fn put(world: &World, created: &Created, name: &str, body: &[u8]) -> Reply {
    let path = format!("/ingest/{}/{}/{}/{name}", created.event.app, created.event.name, created.key);
    world.request("PUT", &path, &[], body).await
}

/// Sends some seconds of the demo film, one request for each track.
pub(crate) async fn send(world: &World, created: &Created) -> (Tape, Tape) {
    let (video, audio) = (Tape::video(SECONDS), Tape::audio(SECONDS));
    for (name, tape) in [("v.cmfv", &video), ("a.cmfa", &audio)] {
        let reply = put(world, created, name, &tape.stream(0.0)).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
    (video, audio)
}

/// The query that opens an event.
pub(crate) fn token(world: &World, app: &str, name: &str) -> String {
    let keys = server::keys::load(&world.config.keys(), &world.config.public_url, NOW).unwrap();
    let signer = Signer::new(Dialect::MediaVault, &Settings::default(), &keys.media).unwrap();
    live_url::sign(&signer, URL, (app, name), NOW + 86_400, NOW)
}

/// Gets something of an event: of its latest session, or at the event itself.
pub(crate) async fn get(world: &World, created: &Created, file: &str, more: &str) -> Reply {
    let (app, name) = (created.event.app.as_str(), created.event.name.as_str());
    let path = format!("/s/live/{app}/{name}/{file}?{}{more}", token(world, app, name));
    world.request("GET", &path, &[], b"").await
}

pub(crate) async fn index(world: &World, created: &Created) -> serde_json::Value {
    let found = get(world, created, "index.json", "").await;
    assert_eq!(found.status, 307, "{}", found.text());
    let reply = world.request("GET", found.header("location"), &[], b"").await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()
}

/// The content keys that an index names, as the license server has them.
pub(crate) fn keys(world: &World, index: &serde_json::Value) -> Vec<(Kid, Cek)> {
    let ring = server::keys::load(&world.config.keys(), &world.config.public_url, NOW).unwrap();
    let (_, common) = ring.active_common_key();
    let content: ContentId = index["protection"]["content_id"].as_str().unwrap().parse().unwrap();
    let periods = index["protection"]["keys"].as_array().unwrap().iter().map(|key| {
        let period = u32::try_from(key["period"].as_u64().unwrap()).unwrap();
        let kid = derive_kid(common, &content, &Label::default(), period);
        assert_eq!(key["kid"], kid.to_string());
        (kid, derive_cek(common, &content, &Label::default(), period))
    });
    periods.collect()
}

/// The samples of segments (cenc), decrypted.
pub(crate) fn decrypt(init: &[u8], segments: &[u8], keys: &[(Kid, Cek)]) -> Vec<Vec<u8>> {
    let init = InitSegment::parse(init).unwrap();
    let mut all = Vec::new();
    for moof in Boxes::new(segments).map(Result::unwrap).filter(|found| found.kind == b"moof") {
        let fragment = Fragment::parse(&segments[moof.offset..], 0, &init).unwrap();
        for sample in fragment.tracks()[0].samples().map(Result::unwrap) {
            let first = moof.offset + sample.offset as usize;
            let mut data = segments[first..first + sample.size as usize].to_vec();
            let crypto = sample.crypto.expect("an encrypted sample");
            let (_, cek) =
                keys.iter().find(|(kid, _)| kid.0 == *crypto.kid()).expect("a key that was declared");
            let subsamples: Vec<_> =
                crypto.subsamples.map(|(clear, protected)| Subsample { clear, protected }).collect();
            let mut table = RangeTable::new(SampleProtection::Ctr);
            table.push_sample(0, data.len(), Iv::from_slice(crypto.iv).unwrap(), &subsamples).unwrap();
            AesCipher::new(cek).apply(Direction::Decrypt, &table, &mut data).unwrap();
            all.push(data);
        }
    }
    all
}

/// Everything of a representation that is whole: header, and segments one after another.
pub(crate) async fn download(
    world: &World,
    created: &Created,
    index: &serde_json::Value,
    at: usize,
) -> (Vec<u8>, Vec<u8>) {
    let (session, r) = (index["session"].as_str().unwrap(), &index["representations"][at]);
    let url = |name: &str| format!("{session}/{}/{name}", r["id"].as_str().unwrap());
    let init = get(world, created, &url("init.mp4"), "").await;
    assert_eq!((init.status.as_u16(), init.body.len() as u64), (200, r["init"]["size"].as_u64().unwrap()));
    let mut segments = Vec::new();
    for segment in r["segments"].as_array().unwrap().iter().filter(|segment| segment["complete"] == true) {
        let reply = get(world, created, &url(&format!("{}.m4s", segment["n"])), "").await;
        assert_eq!(reply.body.len() as u64, segment["size"].as_u64().unwrap());
        segments.extend(reply.body);
    }
    (init.body.to_vec(), segments)
}
