//! Packs that are no films: what the writers see of one.

use manifest::Pathway;
use pack::Pack;
use serde_json::{Value, json};

pub(crate) const KIDS: [&str; 3] = [
    "00112233445566778899aabbccddeeff",
    "10112233445566778899aabbccddeeff",
    "20112233445566778899aabbccddeeff",
];

/// A query by which tests see which path was asked for.
pub(crate) fn token(path: &str) -> String {
    format!("t={}&h=1", path.replace('/', "_"))
}

/// Two places of content steering, whose tokens tell them apart.
pub(crate) fn pathways() -> [Pathway<'static>; 2] {
    ["2", "1"].map(|id| Pathway {
        id: id.to_owned(),
        root: format!("https://c{id}.example/s/8e06/"),
        query: Box::new(move |path: &str| format!("c={id}&{}", token(path))),
    })
}

fn representation(number: u32, id: &str, group: &str, codecs: &str, language: &str) -> Value {
    let id10 = format!("{:07}{number:03}", 1_811_192);
    let video = id.starts_with('v');
    json!({
        "id": id, "downloadable_id": id10, "path": format!("{number:03}/{id10}.mp4"),
        "media_type": if video { "video" } else { "audio" },
        "mime_type": if video { "video/mp4" } else { "audio/mp4" }, "codecs": codecs, "group": group,
        "timescale": 24_000, "bitrate": 100, "peak_bandwidth": 200_000 * u64::from(number), "language": language,
        "size": 4000, "sha256": "", "init_range": "0-799", "index_range": "800-999", "max_segment": 1000,
        "samples": 96, "protected_samples": 0,
        "segments": [
            {"start": 0, "duration": 96_096, "offset": 1000, "size": 1000},
            {"start": 96_096, "duration": 96_096, "offset": 2000, "size": 1000},
            {"start": 192_192, "duration": 48_048, "offset": 3000, "size": 1000}
        ]
    })
}

pub(crate) fn video(number: u32, height: u32) -> Value {
    let mut r = representation(number, &format!("v{height}-{number}"), "video", "avc1.64001F", "und");
    for segment in r["segments"].as_array_mut().unwrap() {
        segment["first_picture"] = 300.into();
    }
    r["video"] = json!({"width": height * 16 / 9, "height": height, "sar": [1, 1],
        "frame_rate": {"value": 24_000, "timescale": 1001}, "video_range": "SDR"});
    r
}

/// The same pictures in HEVC and HDR.
pub(crate) fn hdr(number: u32, height: u32, range: &str) -> Value {
    let mut r = video(number, height);
    r["codecs"] = "hvc1.2.4.L120.B0".into();
    r["video"]["video_range"] = range.into();
    r
}

pub(crate) fn audio(number: u32, language: &str, role: &str, default: bool) -> Value {
    let id = format!("a-{language}-{number}");
    let mut r = representation(number, &id, &id, "mp4a.40.2", language);
    r["audio"] = json!({"sample_rate": 48_000, "channels": 2, "default": default, "role": role});
    r
}

pub(crate) fn subtitle(number: u32, language: &str, role: &str) -> Value {
    let id = format!("s-{language}-{number}");
    json!({"id": id, "language": language, "role": role,
        "file": {"path": format!("subtitles/{id}.vtt"), "size": 1251, "sha256": ""}})
}

/// A clear film of these representations, and what else is said.
pub(crate) fn film(representations: &[Value], more: &Value) -> Pack {
    let mut pack = json!({
        "version": 1, "pack_id": "8e06", "movie_id": 7, "title": "Tom & \"Jerry\" <1>",
        "duration": {"value": 10_010, "timescale": 1000}, "scheme": "none", "level": "high",
        "representations": representations,
    });
    for (name, value) in more.as_object().unwrap() {
        pack[name] = value.clone();
    }
    Pack::from_json(pack.to_string().as_bytes()).unwrap()
}

/// A protected film: so many periods of one segment each, and so many clear segments before.
pub(crate) fn protected(scheme: &str, periods: usize, clear: u32) -> Pack {
    let key = |(period, kid): (usize, &&str)| json!({"kid": kid, "period": period, "start": {"value": 4004 * period, "timescale": 1000}});
    let keys: Vec<_> = KIDS.iter().take(periods).enumerate().map(key).collect();
    film(
        &[video(1, 240), audio(2, "en", "main", true)],
        &json!({"scheme": scheme, "protection": {"content_id": "movie/7", "label": "main", "common_key_id": "k1",
            "keys": keys, "segments_per_key": u32::from(periods > 1), "clear_segments": clear}}),
    )
}

/// All that a film can have.
pub(crate) fn whole() -> Pack {
    let mut described = audio(5, "en", "description", false);
    described["audio"]["label"] = "English, \"described\"".into();
    film(
        &[
            video(1, 240),
            video(2, 720),
            audio(3, "en", "main", true),
            audio(4, "de", "dub", false),
            described,
        ],
        &json!({
            "subtitles": [subtitle(1, "de", "subtitle"), subtitle(1, "en", "caption"), subtitle(2, "en", "forced")],
            "thumbnails": {"interval": 2000, "width": 320, "height": 180, "count": 5, "columns": 2, "rows": 2,
                "bif": {"path": "thumbnails/320.bif", "size": 9, "sha256": ""},
                "sheets": [{"path": "thumbnails/1.jpg", "size": 4000, "sha256": ""},
                    {"path": "thumbnails/2.jpg", "size": 1000, "sha256": ""}],
                "sheet_index": {"path": "thumbnails/sheets.vtt", "size": 9, "sha256": ""}},
        }),
    )
}
