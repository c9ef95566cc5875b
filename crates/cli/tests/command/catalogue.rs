//! The catalogue on the command line: what is told of movies, their numbers, their posters.

use crate::add::has_ffmpeg;
use crate::site::{Running, Site, demo, text};
use serde_json::{Value, json};

/// Runs what must fail as wrong usage; what it says.
pub(crate) fn misused(site: &Site, arguments: &[&str]) -> String {
    let output = site.run(arguments);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
    assert!(output.stdout.is_empty(), "{arguments:?}");
    said
}

fn show(site: &Site, movie: &str) -> Value {
    site.json(&["movie", "show", movie, "--json"])
}

/// A film with everything told of it that can be told, movie 7.
fn told() -> Site {
    let site = Site::new();
    let film = demo("240p.mp4");
    let mut arguments = vec!["package", text(&film), "--movie", "7", "--title", "Seven", "--year", "1995"];
    arguments.extend(["--cast", "One", "--cast", "Two", "--synopsis", "Rain.", "--rating", "16"]);
    arguments.extend(["--policy", "48h", "--region", "de", "--region", "FR", "--plan", "gold"]);
    site.ok(&arguments);
    site
}

/// Only what is named changes; what is cleared is empty; what cannot be is refused and changes nothing.
#[test]
fn a_movie_is_edited_field_by_field() {
    let site = told();
    let before = show(&site, "7");
    let said = site.ok(&["movie", "edit", "7", "--title", "Se7en"]);
    assert!(said.contains("title     Se7en (it was Seven)") && said.lines().count() == 2, "{said}");
    assert_eq!(show(&site, "7"), with(&before, "title", "Se7en".into()));
    let edited = site.json(&["movie", "edit", "7", "--year", "1996", "--cast", "Three", "--json"]);
    assert_eq!((&edited["year"], &edited["cast"]), (&1996.into(), &json!(["Three"])));
    let mut names: Vec<_> = edited["edited"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["cast", "year"]);
    let clear = [
        "movie", "edit", "7", "--clear", "rating", "--clear", "plans", "--clear", "synopsis", "--region",
        "AT",
    ];
    site.ok(&clear);
    let now = show(&site, "7");
    assert_eq!((&now["rating"], &now["plans"], &now["synopsis"]), (&Value::Null, &json!([]), &Value::Null));
    assert_eq!(
        (&now["regions"], &now["policy"], &now["year"]),
        (&json!(["AT"]), &"48h".into(), &1996.into())
    );
    assert!(site.ok(&["movie", "edit", "7", "--year", "1996"]).contains("like that already"));

    for (wrong, words) in [
        (&["movie", "edit", "7"][..], "nothing is named"),
        (&["movie", "edit", "7", "--year", "1995", "--clear", "year"], "--clear year"),
        (&["movie", "edit", "7", "--clear", "title"], "title"),
    ] {
        assert!(misused(&site, wrong).contains(words), "{wrong:?}");
    }
    for (wrong, words) in [
        (&["movie", "edit", "8", "--title", "x"][..], "no movie 8"),
        (&["movie", "edit", "7", "--policy", "weekly"], "weekly"),
        (&["movie", "edit", "7", "--region", "XX"], "no country of ISO 3166-1"),
        (&["movie", "edit", "7", "--region", "UK"], "GB"),
        (&["movie", "edit", "7", "--policy", "rental", "--license", "embedded"], "--license server"),
    ] {
        assert!(site.fails(wrong).contains(words), "{wrong:?}");
    }
    assert_eq!(show(&site, "7"), now);
    let audit = site.ok(&["audit", "--movie", "7"]);
    assert_eq!(audit.lines().filter(|line| line.contains("movie edit")).count(), 4, "{audit}");
}

fn with(value: &Value, name: &str, other: Value) -> Value {
    let mut value = value.clone();
    value[name] = other;
    value
}

/// A number that is taken is not taken twice by mistake; `--replace` says what goes, and keeps what is not
/// named.
#[test]
fn a_taken_number_is_refused_unless_it_is_to_be_replaced() {
    let site = told();
    let before = show(&site, "7");
    let (film, folder) = (demo("360p.mp4"), site.path("packed"));
    site.ok(&["package", text(&film), "--movie", "7", "--title", "Other", "--output", text(&folder)]);
    for wrong in [&["package", text(&film), "--movie", "7"][..], &["movie", "add", text(&folder)]] {
        let said = site.fails(wrong);
        assert!(said.contains("7 is \"Seven\" already") && said.contains("--replace"), "{said}");
        assert!(said.contains("matinee movie edit 7"), "{said}");
    }
    assert_eq!((show(&site, "7"), site.library().len()), (before.clone(), 1));
    assert!(misused(&site, &["package", text(&film), "--replace"]).contains("--movie"));

    let said = site.ok(&["movie", "add", text(&folder), "--replace", "--rating", "18"]);
    let old = before["pack"].as_str().unwrap();
    assert!(said.contains("takes the place of \"Seven\"") && said.contains(old), "{said}");
    let now = show(&site, "7");
    assert_ne!(now["pack"], before["pack"]);
    for kept in ["title", "year", "cast", "synopsis", "policy", "plans", "regions", "license", "added"] {
        assert_eq!(now[kept], before[kept], "{kept}");
    }
    assert_eq!(now["rating"], "18");
    let again = site.json(&["package", text(&film), "--movie", "7", "--replace", "--json"]);
    assert_eq!(again["replaced"], json!({"title": "Seven", "pack": now["pack"]}));
}

/// Without a number a film gets the next; it is said, for people and for programs.
#[test]
fn numbers_are_given_where_none_is_named() {
    let site = Site::new();
    let film = demo("240p.mp4");
    assert!(site.ok(&["package", text(&film)]).starts_with("Published movie 1 \"240p\" as pack "));
    let made = site.json(&["package", text(&film), "--title", "Second", "--json"]);
    assert_eq!(
        (&made["movie_id"], &made["title"], &made["replaced"]),
        (&2.into(), &"Second".into(), &Value::Null)
    );
    assert_eq!(made["pack"], show(&site, "2")["pack"]);
    site.ok(&["package", text(&film), "--movie", "60027274"]);
    let folder = site.path("packed");
    let made = site.json(&["package", text(&film), "--output", text(&folder), "--json"]);
    assert_eq!((&made["movie_id"], &made["folder"]), (&60_027_275.into(), &text(&folder).into()));
    assert!(site.ok(&["movie", "add", text(&folder)]).starts_with("Published movie 60027275 "));
    let media = show(&site, "2")["pack"].as_str().unwrap().to_owned();
    assert!(site.ok(&["movie", "list"]).lines().count() == 5 && site.library().contains(&media));
    // The number of one that was removed is not the next.
    site.ok(&["movie", "remove", "60027275"]);
    assert_eq!(site.json(&["package", text(&film), "--json"])["movie_id"], 60_027_276);
}

/// A poster that is given later is the one that the library shows, at an address of its own, on a running
/// server; and away again.
#[test]
fn a_poster_is_given_later() {
    let site = Site::new();
    let film = demo("240p.mp4");
    site.ok(&["package", text(&film), "--movie", "7"]);
    assert_eq!(show(&site, "7")["poster"], Value::Null);
    let files = site.library();
    let given = site.json(&["movie", "poster", "7", text(&demo("poster.jpg")), "--json"]);
    let url = given["poster"]["url"].as_str().unwrap();
    assert!(url.starts_with("/art/posters/") && url.ends_with(".jpg"), "{url}");
    assert_eq!(show(&site, "7")["poster"], given["poster"]);
    site.add_user("ada@example.org");
    let server = Running::start(&site);
    let (_, cookies) = server.sign_in("ada@example.org");
    assert!(server.request("GET", "/api/library", &cookies, "").contains(url), "the library shows it");
    let answer = server.request("HEAD", url, "", "");
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("content-type: image/jpeg"), "{url}");
    assert!(answer.contains("immutable"), "its address changes with its octets");
    for none in
        ["/art/posters/0123456789abcdef0123456789abcdef.jpg", "/art/posters/poster.jpg", "/art/posters/x"]
    {
        assert!(server.request("GET", none, "", "").starts_with("HTTP/1.1 404 "), "{none}");
    }
    assert_eq!(site.library(), files, "the pack is as it was");

    std::fs::write(site.path("picture.png"), b"\x89PNG\r\n\x1a\n").unwrap();
    std::fs::write(site.path("large.jpg"), [&b"\xff\xd8\xff"[..], &[0; 3 << 20]].concat()).unwrap();
    for (wrong, words) in [
        (&["movie", "poster", "7", "picture.png"][..], "ffmpeg"),
        (&["movie", "poster", "7", "large.jpg"], "smaller"),
        (&["movie", "poster", "7", "none.jpg"], "none.jpg"),
        (&["movie", "poster", "8", "large.jpg"], "poster"),
        (&["movie", "poster", "8", "--remove"], "no movie 8"),
    ] {
        assert!(site.fails(wrong).contains(words), "{wrong:?}");
    }
    misused(&site, &["movie", "poster", "7"]);
    misused(&site, &["movie", "poster", "7", "x.jpg", "--remove"]);
    assert_eq!(show(&site, "7")["poster"], given["poster"]);
    // It stays when the film is made anew, and goes with the movie.
    site.ok(&["package", text(&demo("360p.mp4")), "--movie", "7", "--replace"]);
    assert_eq!(show(&site, "7")["poster"], given["poster"]);
    assert!(site.ok(&["movie", "poster", "7", "--remove"]).contains("own poster again"));
    assert_eq!(show(&site, "7")["poster"], Value::Null);
    // The running server may have it in its memory for a minute.
    drop(server);
    let server = Running::start(&site);
    assert!(server.request("GET", url, "", "").starts_with("HTTP/1.1 404 "));
    assert!(site.ok(&["movie", "poster", "7", "--remove"]).contains("nothing is changed"));
}

/// A picture of the film itself: it is decrypted, and nothing clear is left.
#[test]
fn a_poster_is_a_picture_of_the_film() {
    if !has_ffmpeg() {
        return;
    }
    let site = Site::new();
    site.ok(&["package", text(&demo("240p.mp4")), "--movie", "7"]);
    let given = site.json(&["movie", "poster", "7", "--from-film", "20s", "--json"]);
    assert_eq!((&given["poster"]["width"], &given["poster"]["height"]), (&426.into(), &240.into()));
    // What one that was cut off left goes, too.
    std::fs::create_dir_all(site.path("data/work/poster-7-1")).unwrap();
    std::fs::write(site.path("data/work/poster-7-1/clear.mp4"), "clear").unwrap();
    let other = site.json(&["movie", "poster", "7", "--from-film", "30s", "--json"]);
    assert_ne!(given["poster"]["url"], other["poster"]["url"], "another picture");
    assert!(misused(&site, &["movie", "poster", "7", "--from-film", "2h"]).contains("the film ends at 60.0"));
    assert!(!site.path("data/work").exists());
}

/// In a folder without data a command that needs some says so, and makes nothing.
#[test]
fn what_only_looks_makes_nothing() {
    let site = Site::new();
    for arguments in [
        &["movie", "list"][..],
        &["movie", "show", "7"],
        &["movie", "edit", "7", "--title", "x"],
        &["movie", "poster", "7", "--remove"],
        &["movie", "remove", "7"],
        &["user", "list"],
        &["user", "block", "ada@example.org"],
        &["user", "delete", "ada@example.org", "--yes"],
        &["device", "list"],
        &["device", "revoked"],
        &["device", "remove", "d-1"],
        &["share", "list"],
        &["apikey", "list"],
        &["live", "list"],
        &["live", "show", "lecture"],
        &["keys", "list"],
        &["audit"],
        &["storage", "check"],
        &["storage", "copy", "file:there"],
        &["check", "7"],
        &["inspect", "7"],
        &["url", "7", "--form", "hls"],
    ] {
        let said = misused(&site, arguments);
        let folder = site.path("data");
        assert!(said.contains(&format!("no data folder at {}", folder.display())), "{arguments:?}: {said}");
        assert!(said.contains("--data") && !folder.exists(), "{arguments:?}");
    }
    // In one of something else, too.
    let other = Site::new();
    other.make_data();
    for arguments in
        [&["movie", "list"][..], &["user", "list"], &["share", "list"], &["audit"], &["check", "7"]]
    {
        let said = misused(&other, arguments);
        assert!(
            said.contains("there is no database in ") && said.contains("--data"),
            "{arguments:?}: {said}"
        );
    }
    assert_eq!(std::fs::read_dir(other.path("data")).unwrap().count(), 0);
    // The configuration can be looked at before there is anything.
    for arguments in [&["config", "check"][..], &["config", "show"], &["policy", "list"]] {
        site.ok(arguments);
    }
    assert_eq!(std::fs::read_dir(site.path("")).unwrap().count(), 0);
}
