//! `matinee inspect`: what a person asks of a film, and of a file.

use crate::add::{H264, PICTURES, SOUND, clip, has_ffmpeg};
use crate::site::{Site, demo, text};

#[test]
fn a_film_tells_its_ladder_languages_groups_and_protection() {
    let site = Site::new();
    let (low, high, german) = (demo("240p.mp4"), demo("360p.mp4"), demo("sound.de.m4a"));
    let (english, chapters) = (demo("subtitles.en.vtt"), demo("chapters.txt"));
    let arguments =
        ["package", text(&low), text(&high), "--movie", "7", "--title", "Look", "--scheme", "cbcs"];
    let tracks = [
        "--audio",
        "lang=de,label=Deutsch,role=dub",
        text(&german),
        "--subtitles",
        "lang=en,label=English,role=caption",
        text(&english),
        "--chapters",
        text(&chapters),
    ];
    site.ok(&[&arguments[..], &tracks].concat());
    let said = site.ok(&["inspect", "7"]);
    for line in [
        "movie 7 \"Look\", pack ",
        "protected by cbcs, level high",
        ": avc1.",
        ", 24 pictures a second, SDR",
        " in the fullest second, ",
        " in the fullest segment",
        "groups of pictures of 2.000 to 2.000 s, 2.000 s on average, closed",
        "  cbcs: one IV for all samples, pattern 1:9, ",
        "  cbcs: one IV for all samples, no subsamples",
        "audio a-de-1: mp4a.40.2, de, dub, \"Deutsch\"",
        "subtitles s-en-1: en, caption, \"English\"",
        "chapter 0:00:00.000 ",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
    let folder = site.path("data/library").join(site.library().remove(0));
    assert_eq!(site.ok(&["inspect", text(&folder)]), said);
    let film = site.json(&["inspect", text(&folder), "--json"]);
    let steps = film["representations"].as_array().unwrap();
    assert_eq!((&film["movie_id"], &film["scheme"], steps.len()), (&7.into(), &"cbcs".into(), 4));
    for step in steps {
        let (average, peak) = (&step["track"]["bit_rate"]["average"], &step["track"]["bit_rate"]["peak"]);
        let (average, peak) = (average.as_u64().unwrap(), peak.as_u64().unwrap());
        let of_segments = step["peak_of_segments"].as_u64().unwrap();
        assert!(0 < average && average <= peak && average < of_segments, "{step}");
        // The rates are those of the file, but for its boxes.
        let of_file = step["size"].as_u64().unwrap() as f64 * 8.0 / 60.0;
        assert!((average as f64) < of_file && average as f64 > of_file * 0.8, "{step}");
        let groups = &step["track"]["groups"];
        let closed = (step["media_type"] == "video") == (groups["open"] == 0);
        assert!(closed && (groups.is_null() || groups["count"] == 30), "{step}");
    }
    assert_eq!(steps[0]["track"]["protection"]["pattern"], serde_json::json!([1, 9]));
    assert!(steps[0]["track"]["protection"]["subsamples"][1].as_u64().unwrap() > 0);
    assert_eq!((&film["chapters"][0]["start"], &film["subtitles"][0]["language"]), (&0.into(), &"en".into()));
    // What is not there is said in a line.
    assert!(site.fails(&["inspect", "8"]).contains('8'));
    assert!(site.fails(&["inspect", text(&site.path(""))]).contains("pack.json"));
}

/// A source is no film; its groups and rates are told all the same.
#[test]
fn a_source_tells_whether_its_groups_are_open() {
    if !has_ffmpeg() {
        return;
    }
    let site = Site::new();
    clip(
        &site.path("closed.mp4"),
        &format!("{PICTURES} {SOUND} {H264} -c:a aac -metadata:s:a:0 language=ger"),
    );
    let said = site.ok(&["inspect", "closed.mp4"]);
    for line in [
        "2 groups of pictures of 1.000 to 1.000 s, 1.000 s on average, closed",
        "track 2: soun mp4a, clear, ",
        ", de",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
    let open = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -x264-params open-gop=1:bframes=3:keyint=10:min-keyint=10";
    clip(&site.path("open.mp4"), &format!("{PICTURES} {open}"));
    let file = site.json(&["inspect", "open.mp4", "--json"]);
    let groups = &file["tracks"][0]["groups"];
    assert!(groups["open"].as_u64().unwrap() > 0 && groups["count"] == 5, "{groups}");
    assert!(file["tracks"][0]["protection"].is_null());
}
