//! Events at several delivery networks.

use super::super::client::Client;
use super::super::drm::manifest;
use super::super::world::World;
use super::{APP, EVENT, event, get, index, send};
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;

/// Network 3 has tokens for a file each.
const CDNS: &str = "[[cdn]]\nid = 1\nname = \"a\"\nweight = 60\nbase_url = \"https://c1.example\"\ncmcd = true\n\
                    [[cdn]]\nid = 2\nname = \"b\"\nweight = 40\nbase_url = \"https://c2.example\"\n\
                    token = \"nginx\"\nsecrets = [\"events-secret\"]\n\
                    [[cdn]]\nid = 3\nname = \"files\"\nweight = 900\nbase_url = \"https://c3.example\"\n\
                    token = \"cloudflare\"\nlifetime = 7200\nsecrets = [\"events-secret\"]\n\
                    [[cdn]]\nid = 4\nname = \"spare\"\nweight = 0\nbase_url = \"https://c4.example\"\n\
                    token = \"edgeauth\"\nsecrets = [\"a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0\"]\n";

/// The order that the steering server has for a device.
async fn steered(world: &World, client: &Client) -> Vec<u32> {
    let device = client.device.as_ref().unwrap();
    let seed = hex::encode(Sha256::digest(device.as_str().as_bytes()));
    let reply = world.request("GET", &format!("/steering?s={}", &seed[..16]), &[], b"").await;
    let told: serde_json::Value = reply.json();
    let ids = told["PATHWAY-PRIORITY"].as_array().unwrap().iter();
    ids.map(|id| id.as_str().unwrap().parse().unwrap()).collect()
}

/// A60, A68: as of films, an event's manifest has the networks in the order that was drawn for the device by
/// weight, and the index at each, by that network's token, which opens all of the event; networks whose
/// tokens are for one file each are left out.
#[tokio::test]
async fn a60_a68_an_event_is_at_each_network_that_can_carry_it() {
    let world = World::with(CDNS).await;
    let created = event(&world, APP, EVENT).await;
    send(&world, &created).await;
    let other = event(&world, APP, "other").await;
    send(&world, &other).await;
    let session = index(&world, &created).await["session"].as_str().unwrap().to_owned();
    let segment = get(&world, &created, &format!("{session}/v240-1/1.m4s"), "").await.body;
    let weights = HashMap::from([(1, 60), (2, 40), (4, 0)]);
    for _ in 0..3 {
        let mut client = Client::registered(&world).await;
        let told = manifest(&mut client, &world, created.event.known.movie_id).await;
        let ids: Vec<u32> = told.cdns.iter().map(|cdn| cdn.id).collect();
        let drawn = steered(&world, &client).await;
        assert_eq!(ids, drawn.into_iter().filter(|id| *id != 3).collect::<Vec<_>>());
        assert_eq!(ids.last(), Some(&4), "only where the others fail");
        for cdn in &told.cdns {
            assert_eq!(cdn.weight, weights[&cdn.id]);
            assert_eq!(cdn.cmcd.is_some(), cdn.id == 1);
        }
        let live = told.live.unwrap();
        let urls: Vec<_> = std::iter::once((ids[0], live.index_url)).chain(live.other_index_urls).collect();
        assert_eq!(urls.iter().map(|(id, _)| *id).collect::<Vec<_>>(), ids);
        for (id, url) in urls {
            let path = url.strip_prefix(&format!("https://c{id}.example")).expect("that network's address");
            let known = world.request("GET", path, &[], b"").await;
            assert_eq!(known.status, 200, "{url}");
            assert_eq!(known.json::<serde_json::Value>()["session"], session.as_str());
            let (of, query) = path.split_once('?').unwrap();
            let folder = of.strip_suffix("index.json").unwrap();
            let part = world.request("GET", &format!("{folder}v240-1/1.m4s?{query}"), &[], b"").await;
            assert!(part.status == 200 && part.body == segment, "{url}");
            // Players add to it, and nobody opens another event with it.
            let waits = world.request("GET", &format!("{path}&since=1"), &[], b"").await;
            assert_eq!(waits.status, 200, "{url}");
            let elsewhere = format!("/s/live/{APP}/other/index.json?{query}");
            assert_eq!(world.request("GET", &elsewhere, &[], b"").await.status, 403, "{url}");
            let now = world.now();
            world.set_clock(told.expiration);
            assert_eq!(world.request("GET", path, &[], b"").await.status, 400, "{url}");
            world.set_clock(now);
        }
    }
    // Players of others are where they began: what is relative stays there.
    for file in ["master.m3u8", "stream.mpd"] {
        let text = get(&world, &created, &format!("{session}/{file}"), "").await;
        assert!(!text.text().contains("teering") && !text.text().contains("STEERING"), "{}", text.text());
    }
}
