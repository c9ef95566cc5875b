//! Keys and DRM metadata of what is live.

use super::super::client::{Client, id, rsa, trust};
use super::super::world::World;
use super::{APP, EVENT, Tape, event, get, index, put};
use license::DrmMetadata;
use nccp::{RequestMessage, ResponseMessage};

/// B85: a license carries the keys of the next two periods before a single segment of them is there, and the
/// next metadata those of the periods after.
#[tokio::test]
async fn b85_keys_are_licensed_ahead() {
    let world = World::new().await;
    let folder = world.config.data.join("live").join(APP);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("application.toml"), "[encryption]\nrotate = \"4s\"\n").unwrap();
    let created = event(&world, APP, EVENT).await;
    let movie = created.event.known.movie_id;
    let tape = Tape::video(13);
    let fragments = tape.fragments(12, 0.0);
    assert_eq!(
        put(&world, &created, "v", &[tape.header(), fragments[..4].concat()].concat()).await.status,
        200
    );
    let before = index(&world, &created).await;
    assert_eq!(before["protection"]["keys"].as_array().unwrap().len(), 3);
    let mut client = Client::registered(&world).await;
    let mut licensed = async || {
        let challenge = client.challenge(&world, movie);
        let message = RequestMessage::License { stream_id: id(movie), challenge: challenge.clone() };
        let ResponseMessage::License { license, .. } = client.one(&world, message).await.unwrap() else {
            panic!("no license")
        };
        client.open(&world, &license, &challenge).await.unwrap().open_with_rsa(rsa()).unwrap()
    };
    let first = licensed().await;
    assert!(first == super::keys(&world, &before), "the keys of this period and the next two");
    let session = before["session"].as_str().unwrap().to_owned();
    let told = get(&world, &created, &format!("{session}/drm"), "").await;
    world.set_clock(world.now() + 1);
    assert_eq!(
        put(&world, &created, "v", &[tape.header(), fragments[4..].concat()].concat()).await.status,
        200
    );
    let after = index(&world, &created).await;
    assert_eq!(after["protection"]["keys"].as_array().unwrap().len(), 6, "{after}");
    // All that was published until now opens with keys that were licensed before.
    let (init, segments) = super::download(&world, &created, &after, 0).await;
    let all = licensed().await;
    assert!(all.starts_with(&first));
    assert_eq!(super::decrypt(&init, &segments, &all).len(), 288);
    // Declared keys are a change that caches hear of.
    let path = format!("/s/live/{APP}/{EVENT}/{session}/drm?{}", super::token(&world, APP, EVENT));
    let since = told.header("last-modified").to_owned();
    assert_eq!(world.request("GET", &path, &[("if-modified-since", &since)], b"").await.status, 200);
}

/// B85: who joins half a second before a key changes, in that moment, or half a second after it has a license
/// for all that is published then and for two periods more.
#[tokio::test]
async fn b85_joins_at_the_border_of_a_key() {
    let world = World::new().await;
    let folder = world.config.data.join("live").join(APP);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("application.toml"), "[encryption]\nrotate = \"2s\"\n").unwrap();
    let created = event(&world, APP, EVENT).await;
    let movie = created.event.known.movie_id;
    let tape = Tape::video(13);
    // Half a second each; the key changes every fourth time.
    let fragments = tape.fragments(12, 0.0);
    let send = async |from: usize, to: usize| {
        let body = [tape.header(), fragments[from..to].concat()].concat();
        assert_eq!(put(&world, &created, "v", &body).await.status, 200);
        world.set_clock(world.now() + 1);
    };
    let mut client = Client::registered(&world).await;
    let (mut sent, mut joined) = (0, Vec::new());
    for until in [7, 8, 9, 11, 12, 13] {
        send(sent, until).await;
        sent = until;
        let found = index(&world, &created).await;
        let challenge = client.challenge(&world, movie);
        let message = RequestMessage::License { stream_id: id(movie), challenge: challenge.clone() };
        let ResponseMessage::License { license, .. } = client.one(&world, message).await.unwrap() else {
            panic!("no license")
        };
        let opened = client.open(&world, &license, &challenge).await.unwrap();
        let licensed = opened.open_with_rsa(rsa()).unwrap();
        assert!(licensed == super::keys(&world, &found), "{until}: all that is declared");
        joined.push((until, licensed));
    }
    send(sent, fragments.len()).await;
    let all = index(&world, &created).await;
    let session = all["session"].as_str().unwrap();
    let whole = all["representations"][0]["segments"].as_array().unwrap();
    // Each that sends anew begins a segment, of which there are more than keys.
    let whole: Vec<_> = whole.iter().filter(|segment| segment["complete"] == true).collect();
    assert!(whole.len() >= 6, "{all}");
    let period = 2 * all["representations"][0]["timescale"].as_u64().unwrap();
    let of = |segment: &serde_json::Value| segment["start"].as_u64().unwrap() / period;
    let init = get(&world, &created, &format!("{session}/v240-1/init.mp4"), "").await;
    for (until, licensed) in joined {
        let last = (until as u64 - 1) / 4;
        for segment in whole.iter().filter(|segment| of(segment) <= last + 2) {
            let number = &segment["n"];
            let found = get(&world, &created, &format!("{session}/v240-1/{number}.m4s"), "").await;
            let pictures = super::decrypt(&init.body, &found.body, &licensed).len();
            assert!(pictures >= 12 && pictures.is_multiple_of(12), "{until}: {number}: {pictures}");
        }
        // None of the period after: that is not licensed before it is declared.
        assert_eq!(licensed.len() as u64, last + 3, "{until}");
    }
}

/// B71, B83: live DRM metadata is made for each request that comes here, and 304 unless the players that are
/// allowed have changed.
#[tokio::test]
async fn b71_b83_metadata_is_new_when_the_allowed_players_change() {
    let world = World::new().await;
    let policies = |players: &str| {
        let text = format!("[mine]\nvalidity = \"24h\"\nplayers = [{players}]\n");
        std::fs::write(world.config.data.join("policies.toml"), text).unwrap();
        world.service.reload().unwrap();
    };
    policies("\"https://one.example\"");
    let created = event(&world, APP, EVENT).await;
    super::super::drm::set(&world, created.event.known.movie_id, server::LicenseMode::Server, "mine").await;
    super::send(&world, &created).await;
    let session = index(&world, &created).await["session"].as_str().unwrap().to_owned();
    let path = format!("/s/live/{APP}/{EVENT}/{session}/drm?{}", super::token(&world, APP, EVENT));
    let ask = async |headers: &[(&str, &str)]| world.request("GET", &path, headers, b"").await;
    let first = ask(&[]).await;
    assert_eq!((first.status.as_u16(), first.header("cache-control")), (200, "public, max-age=3600"));
    let trust = trust(&world).await;
    let read = DrmMetadata::verify(&first.body, &trust).unwrap();
    assert_eq!((read.keys.len(), read.policy.as_str()), (1, "mine"));
    let (tag, since) = (first.header("etag").to_owned(), first.header("last-modified").to_owned());
    // Hours later, and although the film in the catalogue was changed: the same.
    world.set_clock(world.now() + 7200);
    super::super::drm::set(&world, created.event.known.movie_id, server::LicenseMode::Server, "mine").await;
    assert_eq!(ask(&[("if-none-match", &tag)]).await.status, 304);
    assert_eq!(ask(&[("if-modified-since", &since)]).await.status, 304);
    // Just in time: without a condition it is made anew.
    let again = ask(&[]).await;
    assert_eq!(DrmMetadata::verify(&again.body, &trust).unwrap().issued, world.now());
    policies("\"https://one.example\", \"https://two.example\"");
    assert_eq!(ask(&[("if-none-match", &tag)]).await.status, 200);
    assert_eq!(ask(&[("if-modified-since", &since)]).await.status, 200);
}

/// B86: changed rules reach who begins to watch; who watches already goes on, unless the operator forces it.
#[tokio::test]
async fn b86_changed_rules_are_for_new_viewers_unless_forced() {
    for (strategy, told) in [("start", false), ("force", true)] {
        let world = World::with(&format!("[drm]\nupdate_strategy = \"{strategy}\"")).await;
        let policies = |validity: &str| {
            let text = format!("[mine]\nvalidity = \"{validity}\"\n");
            std::fs::write(world.config.data.join("policies.toml"), text).unwrap();
            world.service.reload().unwrap();
        };
        policies("24h");
        let created = event(&world, APP, EVENT).await;
        let movie = created.event.known.movie_id;
        super::super::drm::set(&world, movie, server::LicenseMode::Server, "mine").await;
        super::send(&world, &created).await;
        let mut client = Client::registered(&world).await;
        let challenge = client.challenge(&world, movie);
        let message = RequestMessage::License { stream_id: id(movie), challenge };
        let ResponseMessage::License { policy_version, .. } = client.one(&world, message).await.unwrap()
        else {
            panic!("no license")
        };
        policies("1h");
        let rules = client.report(&world, movie, policy_version.as_deref().unwrap()).await;
        assert_eq!(rules.is_some(), told, "{strategy}");
    }
}
