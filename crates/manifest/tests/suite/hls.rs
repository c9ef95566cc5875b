//! HLS playlists.

use crate::checker;
use crate::films::{KIDS, audio, film, hdr, pathways, protected, subtitle, token, video, whole};
use manifest::{Delivery, Steering, hls};
use serde_json::json;

const SYSTEM: &str = "urn:uuid:6d617469-6e65-6580-8000-64726d000001";

/// B98: the clear form, letter by letter.
#[test]
fn a_clear_media_playlist() {
    let text = hls::media(&whole(), "1811192001", &Delivery::new(&token)).unwrap();
    let file = "1811192001.mp4?t=001_1811192001.mp4&h=1";
    let expected = format!(
        "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:5\n#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-PLAYLIST-TYPE:VOD\n\
         #EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-MAP:URI=\"{file}\",BYTERANGE=\"800@0\"\n\
         #EXTINF:4.004,\n#EXT-X-BYTERANGE:1000@1000\n{file}\n#EXTINF:4.004,\n#EXT-X-BYTERANGE:1000@2000\n{file}\n\
         #EXTINF:2.002,\n#EXT-X-BYTERANGE:1000@3000\n{file}\n#EXT-X-ENDLIST\n"
    );
    assert_eq!(text, expected);
    assert_eq!(checker::media(&text, 4000).segments.len(), 3);
    assert_eq!(hls::media(&whole(), "1811192009", &Delivery::new(&token)), None);
}

/// B98: the same of the pictures that are decoded by themselves, and of no others.
#[test]
fn pictures_by_themselves() {
    let text = hls::i_frames(&whole(), "1811192001", &Delivery::new(&token)).unwrap();
    let file = "1811192001.mp4?t=001_1811192001.mp4&h=1";
    let expected = format!(
        "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:5\n#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-PLAYLIST-TYPE:VOD\n\
         #EXT-X-I-FRAMES-ONLY\n#EXT-X-MAP:URI=\"{file}\",BYTERANGE=\"800@0\"\n\
         #EXTINF:4.004,\n#EXT-X-BYTERANGE:300@1000\n{file}\n#EXTINF:4.004,\n#EXT-X-BYTERANGE:300@2000\n{file}\n\
         #EXTINF:2.002,\n#EXT-X-BYTERANGE:300@3000\n{file}\n#EXT-X-ENDLIST\n"
    );
    assert_eq!(text, expected);
    assert!(checker::media(&text, 4000).i_frames);
    let none = |film: &pack::Pack, id| hls::i_frames(film, id, &Delivery::new(&token)).is_none();
    assert!(none(&whole(), "1811192003") && none(&whole(), "1811192009"), "sound, and nothing at all");
    let mut old = whole();
    old.representations[0].segments[1].first_picture = None;
    assert!(none(&old, "1811192001"), "a pack that does not say");
    let master = checker::master(&hls::master(&old, &Delivery::new(&token)));
    assert_eq!(master.i_frames.len(), 1);
    // With the keys of the segments.
    let text = hls::i_frames(&protected("cbcs", 3, 0), "1811192001", &Delivery::new(&token)).unwrap();
    let kids: Vec<_> =
        checker::media(&text, 4000).segments.iter().map(|s| s.keys[0]["KEYID"].clone()).collect();
    assert_eq!(kids, KIDS.map(|kid| format!("0x{}", kid.to_uppercase())));
}

/// B98: segments that are encrypted whole, letter by letter: files of their own, each with its IV; a clear
/// lead before them, and the init segment in the clear.
#[test]
fn segments_that_are_encrypted_whole() {
    let film = protected("cbcs", 3, 1);
    let iv = |r: &pack::Representation, n: usize| {
        (n > 0).then(|| (r.downloadable_id.parse::<u128>().unwrap() << 8 | n as u128).to_be_bytes())
    };
    let address = |kid: &cenc::Kid| format!("https://films.example/interop/hls-key/{kid}?of=/s/a&h=1");
    let with = Delivery { key_url: Some(&address), whole_iv: Some(&iv), ..Delivery::new(&token) };
    let text = hls::media(&film, "1811192001", &with).unwrap();
    let file = |part: &str| format!("1811192001.{part}?t=001_1811192001.{part}&h=1");
    let key = |kid: &str, n: usize| {
        let url = format!("https://films.example/interop/hls-key/{kid}?of=/s/a&h=1");
        format!("#EXT-X-KEY:METHOD=AES-128,URI=\"{url}\",IV=0x{:032X}\n", 1_811_192_001_u128 << 8 | n as u128)
    };
    let expected = format!(
        "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:5\n#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-PLAYLIST-TYPE:VOD\n\
         #EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-MAP:URI=\"{}\"\n#EXTINF:4.004,\n{}\n{}#EXTINF:4.004,\n{}\n\
         {}#EXTINF:2.002,\n{}\n#EXT-X-ENDLIST\n",
        file("init.mp4"),
        file("0.m4s"),
        key(KIDS[1], 1),
        file("1.m4s"),
        key(KIDS[2], 2),
        file("2.m4s"),
    );
    assert_eq!(text, expected);
    let master = hls::master(&film, &with);
    assert!(!master.contains("KEY") && !master.contains("I-FRAME"), "{master}");
    checker::master(&master);
    assert_eq!(hls::i_frames(&film, "1811192001", &with), None);
}

#[test]
fn the_master_playlist_names_everything() {
    let text = hls::master(&whole(), &Delivery::new(&token));
    let expected = r#"#EXTM3U
#EXT-X-VERSION:6
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="mp4a",NAME="en",LANGUAGE="en",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="2",URI="003/1811192003.m3u8?t=003_1811192003.m3u8&h=1"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="mp4a",NAME="de (dub)",LANGUAGE="de",DEFAULT=NO,AUTOSELECT=YES,CHANNELS="2",URI="004/1811192004.m3u8?t=004_1811192004.m3u8&h=1"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="mp4a",NAME="English, 'described'",LANGUAGE="en",DEFAULT=NO,AUTOSELECT=YES,CHARACTERISTICS="public.accessibility.describes-video",CHANNELS="2",URI="005/1811192005.m3u8?t=005_1811192005.m3u8&h=1"
#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="subtitles",NAME="de",LANGUAGE="de",DEFAULT=NO,AUTOSELECT=YES,FORCED=NO,URI="subtitles/s-de-1.m3u8?t=subtitles_s-de-1.m3u8&h=1"
#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="subtitles",NAME="en (caption)",LANGUAGE="en",DEFAULT=NO,AUTOSELECT=YES,FORCED=NO,CHARACTERISTICS="public.accessibility.transcribes-spoken-dialog,public.accessibility.describes-music-and-sound",URI="subtitles/s-en-1.m3u8?t=subtitles_s-en-1.m3u8&h=1"
#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="subtitles",NAME="en (forced)",LANGUAGE="en",DEFAULT=NO,AUTOSELECT=YES,FORCED=YES,URI="subtitles/s-en-2.m3u8?t=subtitles_s-en-2.m3u8&h=1"
#EXT-X-STREAM-INF:BANDWIDTH=1200000,AVERAGE-BANDWIDTH=4796,CODECS="avc1.64001F,mp4a.40.2",RESOLUTION=426x240,FRAME-RATE=23.976,VIDEO-RANGE=SDR,AUDIO="mp4a",SUBTITLES="subtitles"
001/1811192001.m3u8?t=001_1811192001.m3u8&h=1
#EXT-X-STREAM-INF:BANDWIDTH=1400000,AVERAGE-BANDWIDTH=4796,CODECS="avc1.64001F,mp4a.40.2",RESOLUTION=1280x720,FRAME-RATE=23.976,VIDEO-RANGE=SDR,AUDIO="mp4a",SUBTITLES="subtitles"
002/1811192002.m3u8?t=002_1811192002.m3u8&h=1
#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1199,AVERAGE-BANDWIDTH=720,CODECS="avc1.64001F",RESOLUTION=426x240,VIDEO-RANGE=SDR,URI="001/1811192001.iframes.m3u8?t=001_1811192001.iframes.m3u8&h=1"
#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1199,AVERAGE-BANDWIDTH=720,CODECS="avc1.64001F",RESOLUTION=1280x720,VIDEO-RANGE=SDR,URI="002/1811192002.iframes.m3u8?t=002_1811192002.iframes.m3u8&h=1"
"#;
    assert_eq!(text, expected);
    checker::master(&text);
    let low = Delivery { max_height: Some(480), ..Delivery::new(&token) };
    assert_eq!(checker::master(&hls::master(&whole(), &low)).variants.len(), 1);
    assert_eq!(hls::media(&whole(), "1811192002", &low), None, "what is not named is not there");
}

#[test]
fn subtitles_are_one_segment() {
    let text = hls::subtitles(&whole(), "s-de-1", &Delivery::new(&token)).unwrap();
    let playlist = checker::media(&text, 0);
    assert_eq!(playlist.segments[0].uri, "s-de-1.vtt?t=subtitles_s-de-1.vtt&h=1");
    assert_eq!((playlist.segments.len(), playlist.segments[0].duration, playlist.version), (1, 10.01, 3));
    assert_eq!(hls::subtitles(&whole(), "s-fr-1", &Delivery::new(&token)), None);
}

/// B98: KEY tags of ours, by scheme; none in a clear lead, and a new one with each period.
#[test]
fn keys_by_scheme_period_and_lead() {
    for (scheme, method, periods, clear, expected) in [
        ("cenc", "SAMPLE-AES-CTR", 1, 0, [Some(0), Some(0), Some(0)]),
        ("cbcs", "SAMPLE-AES", 1, 1, [None, Some(0), Some(0)]),
        ("cenc", "SAMPLE-AES-CTR", 3, 0, [Some(0), Some(1), Some(2)]),
        ("cbcs", "SAMPLE-AES", 3, 2, [None, None, Some(2)]),
        ("cbcs", "SAMPLE-AES", 2, 0, [Some(0), Some(1), Some(1)]),
    ] {
        let film = protected(scheme, periods, clear);
        let text = hls::media(&film, "1811192001", &Delivery::new(&token)).unwrap();
        let playlist = checker::media(&text, 4000);
        for (segment, kid) in playlist.segments.iter().zip(expected) {
            let Some(kid) = kid else {
                assert_eq!(segment.keys, [], "{text}");
                continue;
            };
            let [key] = segment.keys.as_slice() else { panic!("one key: {text}") };
            assert_eq!((key["METHOD"].as_str(), key["KEYFORMAT"].as_str()), (method, SYSTEM));
            assert_eq!(key["KEYFORMATVERSIONS"], "1");
            assert_eq!(key["KEYID"], format!("0x{}", KIDS[kid].to_uppercase()));
            let data = key["URI"].strip_prefix("data:text/plain;base64,").unwrap();
            assert!(data.starts_with("AAAA"), "a box: {data}");
        }
        let master = checker::master(&hls::master(&film, &Delivery::new(&token)));
        let [key] = master.session_keys.as_slice() else { panic!("one session key") };
        assert_eq!(key["URI"], playlist.segments[2].keys[0]["URI"], "the same pssh");
    }
}

/// Keys themselves, and ClearKey's: where it is said where they are.
#[test]
fn addresses_of_keys() {
    let address = |kid: &cenc::Kid| format!("https://films.example/interop/hls-key/{kid}");
    let clear_key = "https://films.example/interop/clearkey?of=x";
    let with = Delivery { key_url: Some(&address), clear_key: Some(clear_key), ..Delivery::new(&token) };
    for (scheme, method) in [("cbcs", "SAMPLE-AES"), ("cenc", "SAMPLE-AES-CTR")] {
        let text = hls::media(&protected(scheme, 1, 0), "1811192001", &with).unwrap();
        let playlist = checker::media(&text, 4000);
        let [ours, clear, identity] = playlist.segments[0].keys.as_slice() else {
            panic!("three keys: {text}")
        };
        let formats = [ours, clear, identity].map(|key| key["KEYFORMAT"].as_str());
        assert_eq!(formats, [SYSTEM, "org.w3.clearkey", "identity"]);
        assert_eq!(identity["URI"], format!("https://films.example/interop/hls-key/{}", KIDS[0]));
        assert_eq!(clear["URI"], clear_key);
        assert!([clear, identity].iter().all(|key| key["METHOD"] == method && key["KEYID"] == ours["KEYID"]));
    }
    let clear = hls::media(&whole(), "1811192001", &with).unwrap();
    assert!(!clear.contains("EXT-X-KEY"));
}

/// DRM metadata is data of the whole session.
#[test]
fn metadata() {
    let with = Delivery { drm_metadata: Some("0oRDoQEn"), ..Delivery::new(&token) };
    let text = hls::master(&protected("cenc", 1, 0), &with);
    assert!(text.contains("#EXT-X-SESSION-DATA:DATA-ID=\"org.matinee.drm\",VALUE=\"0oRDoQEn\"\n"), "{text}");
    checker::master(&text);
}

/// Other systems' lines stand as they were given, with the key that they are of.
#[test]
fn other_systems() {
    let key = |n: usize| {
        format!("#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd://{n}\",KEYFORMAT=\"com.apple.streamingkeydelivery\"")
    };
    let session =
        "#EXT-X-SESSION-KEY:METHOD=SAMPLE-AES,URI=\"skd://0\",KEYFORMAT=\"com.apple.streamingkeydelivery\"";
    let told = |n: usize| json!({"system_id": "94ce86fb-07ff-4f43-adb8-93d2fa968ca2", "kid": KIDS[n], "hls_media": key(n), "hls_master": session});
    let mut film = protected("cbcs", 2, 0);
    film.protection.as_mut().unwrap().systems = serde_json::from_value(json!([told(0), told(1)])).unwrap();
    let text = hls::media(&film, "1811192001", &Delivery::new(&token)).unwrap();
    let playlist = checker::media(&text, 4000);
    let address = |n: usize| playlist.segments[n].keys[1]["URI"].clone();
    assert_eq!((address(0), address(1), address(2)), ("skd://0".into(), "skd://1".into(), "skd://1".into()));
    let master = checker::master(&hls::master(&film, &Delivery::new(&token)));
    assert_eq!(master.session_keys.len(), 2, "ours and theirs, once");
}

#[test]
fn sound_alone_and_pictures_alone() {
    let sound = film(&[audio(1, "en", "main", true), audio(2, "en", "main", false)], &json!({}));
    let master = checker::master(&hls::master(&sound, &Delivery::new(&token)));
    assert_eq!(master.variants.len(), 1);
    assert_eq!((master.variants[0].0["BANDWIDTH"].as_str(), master.renditions.len()), ("200000", 2));
    let names: Vec<_> = master.renditions.iter().map(|r| r["NAME"].as_str()).collect();
    assert_eq!(names, ["en", "en (2)"]);

    let silent = film(&[video(1, 240)], &json!({"subtitles": [subtitle(1, "und", "forced")]}));
    let master = checker::master(&hls::master(&silent, &Delivery::new(&|_| String::new())));
    assert_eq!(master.variants[0].0.get("AUDIO"), None);
    assert_eq!(master.variants[0].1, "001/1811192001.m3u8", "no token, no question mark");
    assert_eq!(master.renditions[0].get("LANGUAGE"), None);
}

/// A group for each codec that every track has; where none has all, one of everything.
#[test]
fn codecs_are_groups() {
    let mut surround = audio(3, "en", "main", true);
    surround["codecs"] = "ec-3".into();
    surround["group"] = "a-en-2".into();
    let both = film(&[video(1, 240), audio(2, "en", "main", true), surround.clone()], &json!({}));
    let master = checker::master(&hls::master(&both, &Delivery::new(&token)));
    let groups: Vec<_> = master.renditions.iter().map(|r| r["GROUP-ID"].as_str()).collect();
    assert_eq!(groups, ["mp4a", "ec-3"]);
    assert_eq!(master.variants.len(), 2);
    let mixed = film(
        &[video(1, 240), audio(2, "en", "main", true), {
            surround["group"] = "a-de-3".into();
            surround["language"] = "de".into();
            surround["audio"]["default"] = false.into();
            surround
        }],
        &json!({}),
    );
    let master = checker::master(&hls::master(&mixed, &Delivery::new(&token)));
    assert_eq!(master.variants[0].0["CODECS"], "avc1.64001F,mp4a.40.2,ec-3");
    assert_eq!(master.renditions.len(), 2);
}

/// HDR variants say so, and stand behind those that every player shows.
#[test]
fn hdr_beside_sdr() {
    let film = film(
        &[hdr(1, 240, "PQ"), video(2, 240), hdr(3, 720, "PQ"), video(4, 720), audio(5, "en", "main", true)],
        &json!({}),
    );
    let text = hls::master(&film, &Delivery::new(&token));
    checker::master(&text);
    let variants = text.lines().filter(|line| line.starts_with("#EXT-X-STREAM-INF"));
    let said: Vec<_> =
        variants.map(|line| (line.contains("VIDEO-RANGE=PQ"), line.contains("hvc1.2.4.L120.B0"))).collect();
    assert_eq!(said, [(false, false), (false, false), (true, true), (true, true)], "{text}");
}

/// Content steering: each pathway has all variants and groups, at its own place; the one to begin with is
/// named.
#[test]
fn content_steering() {
    let (server, pathways) = ("https://films.example/steering?s=0123456789abcdef", pathways());
    let steering = Some(Steering { server, pathways: &pathways });
    let text = hls::master(&whole(), &Delivery { steering, ..Delivery::new(&token) });
    let alone = checker::master(&hls::master(&whole(), &Delivery::new(&token)));
    let master = checker::master(&text);
    let tag = &master.steering.expect("4.4.6.6: the tag");
    assert_eq!((tag["SERVER-URI"].as_str(), tag["PATHWAY-ID"].as_str()), (server, "2"));
    for id in ["2", "1"] {
        let root = format!("https://c{id}.example/s/8e06/");
        let of = |tag: &&std::collections::BTreeMap<String, String>| tag["PATHWAY-ID"] == id;
        let variants: Vec<_> = master.variants.iter().filter(|(tag, _)| of(&tag)).collect();
        assert_eq!(variants.len(), alone.variants.len());
        for ((tag, url), (plain, relative)) in variants.into_iter().zip(&alone.variants) {
            assert_eq!(*url, format!("{root}{}", relative.replace('?', &format!("?c={id}&"))));
            assert_eq!(
                (&tag["AUDIO"], &tag["SUBTITLES"]),
                (&format!("mp4a-{id}"), &format!("subtitles-{id}"))
            );
            assert_eq!((&tag["BANDWIDTH"], &tag["CODECS"]), (&plain["BANDWIDTH"], &plain["CODECS"]));
            let groups = [&tag["AUDIO"], &tag["SUBTITLES"]];
            let renditions = master.renditions.iter().filter(|r| groups.contains(&&r["GROUP-ID"]));
            assert_eq!(renditions.clone().count(), alone.renditions.len());
            assert!(renditions.clone().all(|r| r["URI"].starts_with(&root)));
        }
        assert_eq!(master.i_frames.iter().filter(of).count(), alone.i_frames.len());
    }
}
