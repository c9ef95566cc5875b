//! The keys of films: `package --rotate --clear-lead --level --key`, then `inspect` and `decrypt`; common
//! keys and what needs them.

use crate::site::{Site, demo, text};
use std::io::Write as _;
use std::process::Stdio;

/// B62, B64: what the options say is what `inspect` shows; `decrypt` takes several keys.
#[test]
fn b64_rotation_on_the_command_line() {
    let site = Site::new();
    let (film, folder) = (demo("240p.mp4"), site.path("pack"));
    let keys: Vec<String> = (0..4).map(|n| format!("{n:032x}:{:032x}", n + 16)).collect();
    let key_arguments: Vec<&str> = keys.iter().flat_map(|key| ["--key", key]).collect();
    let package =
        [&["package", text(&film), "--movie", "7", "--output", text(&folder)][..], &key_arguments].concat();
    let rotated = [&package[..], &["--rotate", "16s", "--clear-lead", "7s", "--level", "low"]].concat();
    let few = [&package[..8], &["--rotate", "16s"]].concat();
    assert!(site.fails(&few).contains("fewer keys given than the rotation needs"));
    site.ok(&rotated);
    let pack: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.join("pack.json")).unwrap()).unwrap();
    let file = folder.join(pack["representations"][0]["path"].as_str().unwrap());
    let report = site.json(&["inspect", text(&file), "--json"]);
    let track = &report["tracks"][0];
    let runs: Vec<String> = track["segments"]
        .as_array()
        .unwrap()
        .iter()
        .map(|run| format!("{}-{} {}", run["first"], run["last"], run["kids"]))
        .collect();
    let kid = |n: u8| format!("[\"{n:032x}\"]");
    let expected = [
        "0-1 []".to_owned(),
        format!("2-3 {}", kid(0)),
        format!("4-7 {}", kid(1)),
        format!("8-11 {}", kid(2)),
        format!("12-14 {}", kid(3)),
    ];
    assert_eq!(runs, expected);
    // Key frames every 2 s, without those of the lead.
    assert_eq!(track["protected_samples"], 26);
    assert!(site.ok(&["inspect", text(&file)]).contains("segments 0 to 1: clear, 192 samples, 0 protected"));

    let clear = site.path("clear.mp4");
    let decrypt = ["decrypt", text(&file), "--output", text(&clear)];
    let error = site.fails(&[&decrypt[..], &key_arguments[..6]].concat());
    assert!(error.contains(&format!("no key given for KID {:032x}", 3)), "{error}");
    let done = site.ok(&[&decrypt[..], &key_arguments].concat());
    assert!(done.starts_with("Decrypted 26 of 1440 samples"), "{done}");
    assert_eq!(site.json(&["inspect", text(&clear), "--json"])["tracks"][0]["protected_samples"], 0);
}

/// B26: a film that was packaged with a key of its own is published with that key, sealed, and not without
/// it.
#[test]
fn b26_given_keys_go_with_the_film() {
    let site = Site::new();
    let (film, folder) = (demo("240p.mp4"), site.path("packed"));
    let (kid, secret) = ("5a".repeat(16), "a5".repeat(16));
    let key = format!("{kid}:{secret}");
    site.ok(&["package", text(&film), "--movie", "7", "--key", &key, "--output", text(&folder)]);
    let refused = site.run(&["movie", "add", text(&folder)]);
    assert_eq!(refused.status.code(), Some(2));
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(said.contains(&format!("--key {kid}:KEY")), "{said}");
    assert!(site.library().is_empty());
    site.ok(&["movie", "add", text(&folder), "--key", &key]);
    // Added again, with other words: the keys are there.
    site.ok(&["movie", "add", text(&folder), "--title", "Seven", "--replace"]);
    site.ok(&["package", text(&film), "--movie", "8", "--key", &key]);
    let packs = site.library();
    assert_eq!(packs.len(), 2);
    for pack in packs {
        let kept =
            std::fs::read_to_string(site.path("data/library").join(&pack).join("keys.sealed")).unwrap();
        assert!(kept.contains(&kid) && !kept.contains(&secret), "{kept}");
    }
}

/// A key on the command line is in the list of processes; from a file or standard input it is not.
#[test]
fn keys_come_from_files_and_standard_input() {
    use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
    let site = Site::new();
    let (film, folder, file) = (demo("240p.mp4"), site.path("packed"), site.path("keys.txt"));
    let key = format!("{}:{}", "5a".repeat(16), "a5".repeat(16));
    let mut options = std::fs::OpenOptions::new();
    let mut written = options.write(true).create(true).mode(0o600).open(&file).unwrap();
    write!(written, "# the film's key\n\n  {key}\n").unwrap();
    let package = ["package", text(&film), "--movie", "7", "--output", text(&folder)];
    site.ok(&[&package[..], &["--key-file", text(&file)]].concat());

    let mut adding = site.command(&["movie", "add", text(&folder), "--key-file", "-"]);
    let mut adding = adding.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    adding.stdin.take().unwrap().write_all(key.as_bytes()).unwrap();
    assert!(adding.wait().unwrap().success());
    // Straight into the library, too: what was read once is kept.
    let mut packaging = site.command(&["package", text(&film), "--movie", "8", "--key-file", "-"]);
    let mut packaging = packaging.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    packaging.stdin.take().unwrap().write_all(key.as_bytes()).unwrap();
    assert!(packaging.wait().unwrap().success());

    let pack = std::fs::read_dir(site.path("data/library")).unwrap().next().unwrap().unwrap().path();
    let pack_json: serde_json::Value =
        serde_json::from_slice(&std::fs::read(pack.join("pack.json")).unwrap()).unwrap();
    let media = pack.join(pack_json["representations"][0]["path"].as_str().unwrap());
    let decrypt = ["decrypt", text(&media), "--output", "clear.mp4"];
    let without = site.run(&decrypt);
    assert_eq!(without.status.code(), Some(2));
    site.ok(&[&decrypt[..], &["--key-file", text(&file)]].concat());

    // As the keys of the site: not a file that others can read. And what is no key is not repeated.
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
    let refused = site.fails(&[&decrypt[..], &["--key-file", text(&file)]].concat());
    assert!(refused.contains("chmod 600"), "{refused}");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::write(&file, "\nsecret-that-is-no-key\n").unwrap();
    let refused = site.run(&[&decrypt[..], &["--key-file", text(&file)]].concat());
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(said.contains("line 2") && !said.contains("secret-that"), "{said}");
}

/// B31: changing the common key names the films that still need the old one; it is not retired under them.
#[test]
fn b31_a_new_common_key_names_the_films_of_the_old() {
    let site = Site::new();
    site.ok(&["package", text(&demo("240p.mp4")), "--movie", "7", "--title", "Seven"]);
    let said = site.ok(&["keys", "rotate", "common", "--now"]);
    assert!(said.contains("ck-1 is still needed by 7 \"Seven\""), "{said}");
    assert!(site.fails(&["keys", "retire", "common", "ck-1"]).contains("7 \"Seven\""));
    // Packaged again it has the new key, and nothing needs the old one.
    site.ok(&["package", text(&demo("240p.mp4")), "--movie", "7", "--replace"]);
    site.ok(&["keys", "retire", "common", "ck-1"]);
}

/// B28, B29, B30, B32: a key for each film, one for all its sizes, and others on every installation, by keys
/// that it made itself.
#[test]
fn b28_b29_b30_b32_every_film_of_every_site_has_its_own_key() {
    let kid = |site: &Site, movie: &str| {
        let folder = site.path(&format!("pack-{movie}"));
        let (low, high) = (demo("240p.mp4"), demo("360p.mp4"));
        site.ok(&["package", text(&low), text(&high), "--movie", movie, "--output", text(&folder)]);
        let pack = std::fs::read(folder.join("pack.json")).unwrap();
        let pack: serde_json::Value = serde_json::from_slice(&pack).unwrap();
        let keys = pack["protection"]["keys"].as_array().unwrap().clone();
        let files = pack["representations"].as_array().unwrap();
        assert_eq!((keys.len(), files.len()), (1, 3));
        for file in files {
            let path = folder.join(file["path"].as_str().unwrap());
            assert!(site.ok(&["inspect", text(&path)]).contains(keys[0]["kid"].as_str().unwrap()));
        }
        keys[0]["kid"].clone()
    };
    let [one, other] = [Site::new(), Site::new()];
    let kids = [kid(&one, "7"), kid(&one, "8"), kid(&other, "7")];
    assert!(kids[0] != kids[1] && kids[0] != kids[2] && kids[1] != kids[2], "{kids:?}");
}

/// A key for each height, at the operator's wish; what the files and `pack.json` say of it.
#[test]
fn keys_by_height_on_the_command_line() {
    let site = Site::new();
    let folder = site.path("pack");
    let (low, high) = (demo("240p.mp4"), demo("360p.mp4"));
    let package = ["package", text(&low), text(&high), "--movie", "7", "--label-by-height"];
    let key = format!("{}:{}", "5a".repeat(16), "a5".repeat(16));
    let refused = site.run(&[&package[..], &["--key", &key]].concat());
    assert_eq!(refused.status.code(), Some(2));
    site.ok(&[&package[..], &["--output", text(&folder)]].concat());
    let pack = std::fs::read(folder.join("pack.json")).unwrap();
    let pack: serde_json::Value = serde_json::from_slice(&pack).unwrap();
    for (file, label) in
        pack["representations"].as_array().unwrap().iter().zip(["main/240", "main/360", "main"])
    {
        let path = folder.join(file["path"].as_str().unwrap());
        let report = site.json(&["inspect", text(&path), "--json"]);
        assert_eq!(report["pssh"][0]["matinee"]["label"], label);
        let names = pack["protection"]["keys"].as_array().unwrap();
        let own = names.iter().find(|name| name["label"].as_str().unwrap_or("main") == label).unwrap();
        assert_eq!(report["tracks"][0]["keys"][0]["kid"], own["kid"]);
    }
    // Published, the film is one that servers can license.
    site.ok(&["movie", "add", text(&folder)]);
}
