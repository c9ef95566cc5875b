//! `matinee storage`, and every command that publishes, on a local folder and on a bucket.

use crate::buckets::{servers, settings};
use crate::servers::{ACCESS_KEY, Server};
use crate::site::{Running, Site, demo, text};
use std::process::{Command, Stdio};
use test_ports::free_port;

/// A site whose library is the bucket.
fn in_bucket(server: &Server) -> Site {
    let site = Site::new();
    let (settings, port) = (settings(&server.endpoint), free_port());
    let config = format!(
        "listen = \"127.0.0.1:{port}\"\npublic_url = \"http://localhost:{port}\"\n[metrics]\noff = true\n[storage]\nurl = \"s3://{}/{}\"\nendpoint = \"{}\"\ncache = \"50MB\"\n",
        settings.bucket,
        settings.prefix.unwrap(),
        server.endpoint
    );
    std::fs::write(site.path("matinee.toml"), config).unwrap();
    site
}

fn with_keys(command: &mut Command) -> &mut Command {
    command.env("AWS_ACCESS_KEY_ID", ACCESS_KEY.0).env("AWS_SECRET_ACCESS_KEY", ACCESS_KEY.1)
}

/// Runs it with the key pair in the environment: status, what it said, and its errors.
fn run(site: &Site, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = site.command(arguments);
    let output = with_keys(&mut command).stdin(Stdio::null()).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let (said, errors) = (text(output.stdout), text(output.stderr));
    assert!(!said.contains(ACCESS_KEY.1) && !errors.contains(ACCESS_KEY.1), "the secret is nowhere");
    (output.status.code(), said, errors)
}

fn ok(site: &Site, arguments: &[&str]) -> String {
    let (status, said, errors) = run(site, arguments);
    assert_eq!((status, &errors[..]), (Some(0), ""), "{arguments:?}");
    said
}

fn json(site: &Site, arguments: &[&str]) -> serde_json::Value {
    serde_json::from_str(&ok(site, arguments)).unwrap()
}

#[test]
fn films_are_published_to_a_bucket() {
    for server in servers() {
        let site = in_bucket(server);
        let done = ok(&site, &["package", text(&demo("240p.mp4")), "--movie", "7", "--title", "Seven"]);
        assert!(done.starts_with("Published movie 7 \"Seven\" as pack "), "{done}");
        assert!(json(&site, &["movie", "show", "7", "--json"])["pack"].is_string());
        assert!(site.library().is_empty(), "nothing stays here: {:?}", site.library());
        // The same film again is there already.
        ok(&site, &["package", text(&demo("240p.mp4")), "--movie", "7", "--title", "Again", "--replace"]);
        let checked = json(&site, &["storage", "check", "--json"]);
        assert_eq!((&checked["packs"], &checked["problems"]), (&1.into(), &serde_json::json!([])));
        assert_eq!(ok(&site, &["config", "check"]), "Looked at 0 contents\n");

        // By way of a folder.
        let folder = site.path("packed");
        ok(&site, &["package", text(&demo("240p.mp4")), "--movie", "8", "--output", text(&folder)]);
        ok(&site, &["movie", "add", text(&folder)]);
    }
}

/// What lies in a bucket is served octet for octet by the server's own edge, copied to a folder, and gone
/// when its movie is removed.
#[test]
fn films_are_published_to_a_bucket_served_and_removed() {
    for server in servers() {
        let site = in_bucket(server);
        ok(&site, &["package", text(&demo("240p.mp4")), "--movie", "7", "--title", "Seven"]);
        // The other by way of a folder, whose files are what is to be served.
        let folder = site.path("packed");
        ok(&site, &["package", text(&demo("240p.mp4")), "--movie", "8", "--output", text(&folder)]);
        ok(&site, &["movie", "add", text(&folder)]);
        let [seven, eight] = ["7", "8"].map(|movie| {
            json(&site, &["movie", "show", movie, "--json"])["pack"].as_str().unwrap().to_owned()
        });

        // Signed for the address that the server listens on, which `matinee.toml` says.
        let urls = ok(&site, &["url", "8", "--form", "file"]);
        let running = Running::of(with_keys(&mut site.command(&["serve"])));
        for url in urls.lines() {
            let path = &url[url.find("/s/").unwrap()..];
            let (pack, file) =
                path.split('?').next().unwrap().trim_start_matches("/s/").split_once('/').unwrap();
            assert_eq!(pack, eight);
            let original = std::fs::read(folder.join(file)).unwrap();
            // From the bucket, then from the cache.
            for _ in 0..2 {
                let part = running.octets("GET", path, "Range: bytes=1000-1999\r\n", "");
                let (head, body) = head_and_body(&part);
                assert!(head.starts_with("HTTP/1.1 206 "), "{}: {head}", server.name);
                assert!(body == &original[1000..2000], "{}: other octets of {file}", server.name);
                let whole = running.octets("GET", path, "", "");
                let (head, body) = head_and_body(&whole);
                assert!(head.starts_with("HTTP/1.1 200 "), "{}: {head}", server.name);
                assert!(body == original, "{}: another file than {file}", server.name);
            }
        }
        drop(running);

        let here = format!("file:{}", site.path("here").display());
        let copied = ok(&site, &["storage", "copy", &here, "--json"]);
        let done: serde_json::Value = serde_json::from_str(copied.lines().last().unwrap()).unwrap();
        assert_eq!((&done["packs"], &done["there"]), (&2.into(), &0.into()), "{copied}");
        for pack in [&seven, &eight] {
            assert!(site.path("here").join(pack).join("pack.json").exists());
        }

        for movie in ["7", "8"] {
            ok(&site, &["movie", "remove", movie]);
            assert_eq!(run(&site, &["movie", "show", movie]).0, Some(1));
        }
        let left = json(&site, &["storage", "check", "--json"]);
        assert_eq!((&left["packs"], &left["leftovers"]), (&0.into(), &serde_json::json!([])), "{left}");
        let checked = json(&site, &["storage", "check", &here, "--json"]);
        assert_eq!(
            (&checked["packs"], &checked["problems"]),
            (&2.into(), &serde_json::json!([])),
            "what was copied stays"
        );
    }
}

/// An answer's head as text, and its body.
fn head_and_body(answer: &[u8]) -> (String, &[u8]) {
    let end = answer.windows(4).position(|octets| octets == b"\r\n\r\n").unwrap() + 4;
    (String::from_utf8(answer[..end].to_vec()).unwrap(), &answer[end..])
}

#[test]
fn copies_go_on_and_damage_is_found_and_mended() {
    let site = Site::new();
    site.ok(&["package", text(&demo("240p.mp4")), "--movie", "7"]);
    site.ok(&["package", text(&demo("360p.mp4")), "--movie", "8"]);
    let there = format!("file:{}", site.path("there").display());
    let done = site.ok(&["storage", "copy", "file:library", &there]);
    assert!(done.starts_with("2 packs are in file:"), "{done}");
    assert!(done.contains(", 0 were there already"), "{done}");

    // Cut off: no pack.json yet, and some files.
    let packs = site.library();
    let cut = site.path("there").join(&packs[0]);
    std::fs::remove_file(cut.join("pack.json")).unwrap();
    let media = std::fs::read_dir(&cut).unwrap().map(|e| e.unwrap().path()).find(|p| p.is_dir()).unwrap();
    std::fs::remove_dir_all(&media).unwrap();
    let lines = site.ok(&["storage", "copy", &there, "--json"]);
    let events: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(events.len(), 3, "{lines}");
    assert!(events[2]["there"].as_u64().unwrap() > 0 && events[2]["sent"].as_u64().unwrap() > 1, "{lines}");
    assert!(media.exists() && cut.join("pack.json").exists());

    // Damaged where it was copied to: looked at there, found, and mended from here.
    std::fs::write(site.path("matinee.toml"), format!("[storage]\nurl = \"{there}\"\n")).unwrap();
    assert_eq!(site.json(&["storage", "check", "--json"])["problems"], serde_json::json!([]));
    let file = std::fs::read_dir(&media).unwrap().next().unwrap().unwrap().path();
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[777] ^= 1;
    std::fs::write(&file, &bytes).unwrap();
    let found = site.run(&["storage", "check"]);
    let said = String::from_utf8(found.stdout).unwrap();
    assert!(found.status.code() == Some(1) && said.contains("is damaged: its SHA-256 is another"), "{said}");
    site.ok(&["storage", "copy", "file:library", &there]);
    assert!(!site.run(&["storage", "check"]).status.success(), "of the same size: not sent again");
    site.ok(&["storage", "copy", "file:library", &there, "--verify"]);
    site.ok(&["storage", "check"]);

    // Damaged where it is copied from: nothing of it is sent.
    let other = format!("file:{}", site.path("other").display());
    std::fs::write(&file, &bytes).unwrap();
    let refused = site.fails(&["storage", "copy", &there, &other]);
    assert!(refused.contains("is damaged where it is copied from"), "{refused}");

    // Missing: a file, and a whole pack.
    std::fs::remove_file(&file).unwrap();
    std::fs::remove_dir_all(site.path("there").join(&packs[1])).unwrap();
    let found = site.run(&["storage", "check", "--json"]);
    let report: serde_json::Value = serde_json::from_slice(&found.stdout).unwrap();
    let whats: Vec<_> =
        report["problems"].as_array().unwrap().iter().map(|p| p["what"].as_str().unwrap()).collect();
    assert_eq!(whats.len(), 2, "{report}");
    assert!(whats[0] == "is missing" && whats[1].starts_with("the pack is missing; movie "), "{report}");
    let same = site.run(&["storage", "copy", &there]);
    assert!(String::from_utf8(same.stderr).unwrap().contains("name another place"));
}

/// What a publication left that was broken off a day ago goes when it is told to; what is younger stays.
#[test]
fn leftovers_are_told_and_swept() {
    let site = Site::new();
    site.make_data();
    let library = site.path("data/library");
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(48 * 3600);
    for (name, is_old) in [
        ("0123456789abcdef0123456789abcdef/541/1.mp4", true),
        ("0123456789abcdef0123456789abcde0/a.jpg", false),
    ] {
        let file = library.join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, "half").unwrap();
        if is_old {
            std::fs::File::options().write(true).open(&file).unwrap().set_modified(old).unwrap();
        }
    }
    std::fs::create_dir_all(library.join("notes")).unwrap();
    std::fs::write(library.join("notes/mine.txt"), "the operator's").unwrap();
    let told = site.ok(&["storage", "check"]);
    assert!(told.contains("left   0123456789abcdef0123456789abcdef: 1 files, 4 bytes"), "{told}");
    assert!(!told.contains("bcde0"), "{told}");
    let swept = site.json(&["storage", "check", "--repair", "--json"]);
    assert_eq!(swept["swept"], 1);
    let mut left = site.library();
    left.sort();
    assert_eq!(left, ["0123456789abcdef0123456789abcde0", "notes"]);
}

/// A film of the catalogue that lost its `pack.json`: what is left of it is not swept, however old, and a
/// copy mends it.
#[test]
fn what_is_left_of_a_film_is_not_swept() {
    let site = Site::new();
    site.ok(&["package", text(&demo("240p.mp4")), "--movie", "7"]);
    let there = format!("file:{}", site.path("there").display());
    site.ok(&["storage", "copy", &there]);
    let pack = site.library().remove(0);
    let film = site.path("data/library").join(&pack);
    std::fs::remove_file(film.join("pack.json")).unwrap();
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(48 * 3600);
    let mut folders = vec![film.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            match entry.is_dir() {
                true => folders.push(entry),
                false => std::fs::File::options().write(true).open(entry).unwrap().set_modified(old).unwrap(),
            }
        }
    }
    let found = site.run(&["storage", "check", "--repair", "--json"]);
    let report: serde_json::Value = serde_json::from_slice(&found.stdout).unwrap();
    assert_eq!((&report["swept"], &report["leftovers"]), (&0.into(), &serde_json::json!([])), "{report}");
    assert_eq!(report["problems"].as_array().unwrap().len(), 1, "{report}");
    // It is whole elsewhere, and from there it comes back.
    site.ok(&["storage", "check", &there]);
    site.ok(&["storage", "copy", &there, "file:library"]);
    // A damaged one is written over, and so is what has no digest.
    std::fs::write(film.join("pack.json"), "{}").unwrap();
    let sealed = [film.join("keys.sealed"), site.path("there").join(&pack).join("keys.sealed")];
    std::fs::write(&sealed[0], "{\"keys\":  []}").unwrap();
    std::fs::write(&sealed[1], "{  \"keys\":[]}").unwrap();
    site.ok(&["storage", "copy", &there, "file:library"]);
    site.ok(&["storage", "check"]);
    assert_eq!(std::fs::read(&sealed[0]).unwrap(), std::fs::read(&sealed[1]).unwrap());
    let refused = site.run(&["storage", "check", "s3://films", "--repair"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8(refused.stderr).unwrap().contains("a prefix of their own"));
}

/// A library in a folder names the service to which it is copied, and every other command goes on.
#[test]
fn a_folder_is_copied_to_a_service_with_an_endpoint() {
    let site = Site::new();
    let config = |endpoint: &str| {
        format!("[storage]\nendpoint = \"{endpoint}\"\npath_style = true\ncache = \"1GB\"\n")
    };
    std::fs::write(site.path("matinee.toml"), config("http://127.0.0.1:9")).unwrap();
    site.ok(&["package", text(&demo("240p.mp4")), "--movie", "7"]);
    let said = site.ok(&["config", "check"]);
    assert!(
        said.contains("warning  storage.url is a folder") && said.contains("endpoint, path_style, cache")
    );
    // Without a key pair it comes as far as asking for one.
    assert!(site.fails(&["storage", "copy", "s3://films/library"]).contains("AWS_ACCESS_KEY_ID"));
    for server in servers() {
        let settings = settings(&server.endpoint);
        let to = format!("s3://{}/{}", settings.bucket, settings.prefix.unwrap());
        std::fs::write(site.path("matinee.toml"), config(&server.endpoint)).unwrap();
        let done = ok(&site, &["storage", "copy", &to]);
        assert!(done.starts_with("1 packs are in s3://"), "{done}");
    }
    let redirect = format!("{}redirect = true\n", config("http://127.0.0.1:9"));
    std::fs::write(site.path("matinee.toml"), redirect).unwrap();
    assert!(site.fails(&["user", "list"]).contains("storage.redirect"));
}

/// Settings of which one is wrong: which, and what to do.
#[test]
fn what_is_wrong_with_a_bucket_is_said() {
    let site = Site::new();
    std::fs::write(
        site.path("matinee.toml"),
        "[storage]\nurl = \"s3://films\"\nendpoint = \"http://127.0.0.1:9\"\n",
    )
    .unwrap();
    let none = site.fails(&["storage", "check"]);
    assert!(none.contains("AWS_ACCESS_KEY_ID"), "{none}");
    let (status, said, _) = run(&site, &["config", "check"]);
    assert_eq!(status, Some(1));
    assert!(said.contains("WRONG    storage: ") && said.contains("cannot be reached"), "{said}");
    let shown = site.ok(&["config", "show"]);
    assert!(shown.contains("storage.url") && shown.contains("s3://films"), "{shown}");
    // A pair that others can read, and one that is none.
    let pair = site.path("pair");
    std::fs::write(&pair, "aws_access_key_id = A\n").unwrap();
    let config = format!("[storage]\nurl = \"s3://films\"\ncredentials = \"file:{}\"\n", pair.display());
    std::fs::write(site.path("matinee.toml"), config).unwrap();
    let exposed = site.fails(&["storage", "check"]);
    assert!(exposed.contains("pair"), "{exposed}");
    std::fs::set_permissions(&pair, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    assert!(site.fails(&["storage", "check"]).contains("aws_secret_access_key"));
    let usage = site.run(&["storage", "copy", "library"]);
    assert_eq!(usage.status.code(), Some(2));
}
