//! What players are told.

use crate::encoder::Tape;
use crate::world::{NOW, World, keys};
use cenc::Scheme;
use live::{dash, hls, index};
use nccp::EventState;

fn world(settings: &str, segments_per_key: u32) -> World {
    let mut world = World::new(Some(keys(Scheme::Cenc, segments_per_key)), settings);
    let (video, audio) = (Tape::video(13), Tape::audio(13));
    world.send_all(&[("v", video.stream(0.0)), ("a", audio.stream(0.0))], 4000);
    world
}

fn media(world: &World, skip: bool) -> String {
    let leader = world.broadcast.leader().unwrap();
    hls::media(&world.broadcast, leader, skip, "?p=1&e=2&h=3")
}

fn value<'a>(playlist: &'a str, tag: &str) -> &'a str {
    playlist.lines().find_map(|line| line.strip_prefix(tag)).unwrap_or_else(|| panic!("{tag} in {playlist}"))
}

/// B84: the window moves, and the sequence number grows with it.
#[test]
fn b84_the_window_moves_and_the_sequence_number_grows() {
    let mut world = world("window = \"14s\"", 0);
    let first = media(&world, false);
    assert_eq!(value(&first, "#EXT-X-MEDIA-SEQUENCE:"), "0");
    assert!(first.contains("\n0.m4s?p=1&e=2&h=3\n"), "{first}");
    world.send_all(&[("v", Tape::video(13).stream(0.0)), ("a", Tape::audio(13).stream(0.0))], 4000);
    let later = media(&world, false);
    let number: u64 = value(&later, "#EXT-X-MEDIA-SEQUENCE:").parse().unwrap();
    assert!(number >= 3 && !later.contains("\n0.m4s"), "{later}");
    assert_eq!(later.matches("#EXT-X-PROGRAM-DATE-TIME:").count(), 2, "{later}");
    assert!((7..=9).contains(&later.matches("#EXTINF:").count()), "{later}");
    world.finish();
    let ended = media(&world, false);
    assert!(ended.ends_with("#EXT-X-ENDLIST\n") && !ended.contains("PRELOAD-HINT"), "{ended}");
}

#[test]
fn low_latency_by_parts() {
    let world = world("", 0);
    let playlist = media(&world, false);
    assert_eq!(value(&playlist, "#EXT-X-TARGETDURATION:"), "2");
    assert!(
        value(&playlist, "#EXT-X-SERVER-CONTROL:").starts_with("CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=1.5")
    );
    assert!(value(&playlist, "#EXT-X-PART-INF:PART-TARGET=").starts_with("0.5"));
    let (number, part) = world.broadcast.leader().unwrap().window().next();
    let hint = format!("#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"{number}.{part}.m4s?p=1&e=2&h=3\"");
    assert!(playlist.contains(&hint), "{playlist}");
    assert!(playlist.contains("#EXT-X-RENDITION-REPORT:URI=\"../a-und-1/media.m3u8?p=1&e=2&h=3\",LAST-MSN="));
    let parts = playlist.lines().filter(|line| line.starts_with("#EXT-X-PART:"));
    assert!(
        parts.clone().count() >= 8 && parts.clone().any(|line| line.ends_with("INDEPENDENT=YES")),
        "{playlist}"
    );
    // Those of old segments are not told.
    assert!(!playlist.contains("URI=\"0.0.m4s"), "{playlist}");
    assert!(playlist.contains("#EXT-X-MAP:URI=\"init.mp4?p=1&e=2&h=3\""));
}

#[test]
fn delta_updates_leave_out_what_is_old() {
    let mut world = world("", 0);
    world.send_all(&[("v", Tape::video(13).stream(0.0)), ("a", Tape::audio(13).stream(0.0))], 4000);
    let (whole, delta) = (media(&world, false), media(&world, true));
    let skipped: usize = value(&delta, "#EXT-X-SKIP:SKIPPED-SEGMENTS=").parse().unwrap();
    let count = |playlist: &str| playlist.matches("#EXTINF:").count();
    assert!(skipped > 0 && count(&delta) + skipped == count(&whole), "{delta}");
    assert_eq!(value(&delta, "#EXT-X-MEDIA-SEQUENCE:"), value(&whole, "#EXT-X-MEDIA-SEQUENCE:"));
    let tail = |playlist: &str| playlist.rsplit("#EXTINF:").next().unwrap().to_owned();
    assert_eq!(tail(&delta), tail(&whole));
}

/// B85: playlists name the keys of the next two periods, and never give one.
#[test]
fn b85_keys_are_named_ahead() {
    let world = world("", 3);
    let keys = world.broadcast.keys().unwrap();
    let (master, playlist) = (hls::master(&world.broadcast, ""), media(&world, false));
    let (_, last) = world.broadcast.span().unwrap();
    for period in keys.period(last)..=keys.period(last) + 2 {
        assert!(master.contains(&format!("KEYID=0x{}", keys.kid(period))), "{period} {master}");
    }
    let named: Vec<_> = playlist.lines().filter(|line| line.starts_with("#EXT-X-KEY:")).collect();
    assert_eq!(named.len() as u32, keys.period(last) + 1, "{playlist}");
    assert!(named.iter().all(|line| line.contains("METHOD=SAMPLE-AES-CTR,URI=\"data:text/plain;base64,")));
    let json = index::json(&world.broadcast, ("school", "lecture"), EventState::Live, None, NOW).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    let told = json["protection"]["keys"].as_array().unwrap();
    assert_eq!(told.len() as u32, keys.period(last) + 3);
    assert_eq!(told[1]["first"], 3);
    let mpd = dash::mpd(&world.broadcast, "", NOW);
    assert!(mpd.contains("cenc:default_KID=") && mpd.contains("<cenc:pssh>"), "{mpd}");
}

#[test]
fn the_index_tells_what_is_new() {
    let world = world("", 0);
    let read = |since| -> serde_json::Value {
        let json =
            index::json(&world.broadcast, ("school", "lecture"), EventState::Live, since, NOW).unwrap();
        serde_json::from_slice(&json).unwrap()
    };
    let (all, new) = (read(None), read(Some(5)));
    assert_eq!(
        (&all["app"], &all["event"], &all["session"]),
        (&"school".into(), &"lecture".into(), &"c0c0c0c0".into())
    );
    assert_eq!((&all["state"], &all["target"], &all["part"]), (&"live".into(), &2.0.into(), &0.5.into()));
    let numbers = |index: &serde_json::Value| -> Vec<u64> {
        let segments = index["representations"][0]["segments"].as_array().unwrap();
        segments.iter().map(|segment| segment["n"].as_u64().unwrap()).collect()
    };
    assert!(numbers(&all).starts_with(&[0, 1, 2]) && numbers(&new).starts_with(&[5]), "{new}");
    let last = &all["representations"][0]["segments"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(
        (&last["n"], last["parts"].as_array().unwrap().len() as u64),
        (&all["last"], all["parts"].as_u64().unwrap())
    );
    assert_eq!(all["representations"][0]["init"]["url"], "v240-1/init.mp4");
}

/// The schema wants a period in every MPD.
#[test]
fn dash_without_a_segment_has_a_period_that_is_going_to_begin() {
    let world = World::new(None, "");
    let mpd = dash::mpd(&world.broadcast, "", NOW);
    assert!(mpd.contains("type=\"dynamic\"") && mpd.contains("<Period id=\"r0\"/>"), "{mpd}");
}

#[test]
fn dash_is_dynamic_until_the_end() {
    let mut world = world("", 0);
    let mpd = dash::mpd(&world.broadcast, "?p=1&e=2&h=3", NOW);
    for part in [
        "type=\"dynamic\"",
        "availabilityStartTime=\"2026-",
        "availabilityTimeOffset=\"1.500\" availabilityTimeComplete=\"false\"",
        "timeShiftBufferDepth=\"PT300S\"",
        "<UTCTiming schemeIdUri=\"urn:mpeg:dash:utc:direct:2014\"",
        "media=\"$RepresentationID$/$Number$.m4s?p=1&amp;e=2&amp;h=3\" startNumber=\"0\"",
        "<Representation id=\"v240-1\"",
        "<Representation id=\"a-und-1\"",
        "<Latency referenceId=\"0\" target=",
    ] {
        assert!(mpd.contains(part), "{part} in {mpd}");
    }
    // No segment is longer than is told, and the first may be longer than was asked for.
    let longest: f64 =
        mpd.split("maxSegmentDuration=\"PT").nth(1).unwrap().split('S').next().unwrap().parse().unwrap();
    let leader = world.broadcast.leader().unwrap();
    let timescale = f64::from(leader.source().timescale);
    assert!(
        leader.window().segments().all(|segment| segment.duration as f64 / timescale <= longest),
        "{mpd}"
    );
    // From when on latency is counted: where the timeline begins.
    let began = mpd.split("availabilityStartTime=\"").nth(1).unwrap().split('"').next().unwrap();
    let said = format!("type=\"encoder\" wallClockTime=\"{began}\" presentationTime=\"0\"/>");
    assert_eq!(mpd.matches(&said).count(), 2, "{said} in {mpd}");
    // A second run of the encoder is another period.
    world.now += 60_000;
    world.send_all(&[("v", Tape::video(5).stream(0.0)), ("a", Tape::audio(5).stream(0.0))], 4000);
    let mpd = dash::mpd(&world.broadcast, "", world.now);
    assert_eq!(mpd.matches("<Period id=").count(), 2, "{mpd}");
    assert_eq!(mpd.matches("<ProducerReferenceTime id=\"0\"").count(), 4, "{mpd}");
    assert_eq!(mpd.matches("<Representation id=\"v240-1\"").count(), 2, "{mpd}");
    world.finish();
    let mpd = dash::mpd(&world.broadcast, "", world.now);
    assert!(mpd.contains("type=\"static\"") && mpd.contains("mediaPresentationDuration="), "{mpd}");
}
