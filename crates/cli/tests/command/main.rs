//! The `matinee` command as an operator runs it.
#![allow(clippy::unwrap_used)]

mod accounts;
mod add;
mod box_run;
#[path = "../../../storage/tests/suite/buckets.rs"]
mod buckets;
mod catalogue;
mod check;
mod disturbed;
mod documented_origin;
mod documented_packaging;
mod exchange;
mod film_keys;
mod inspect;
mod live;
mod matrix;
mod odd_inputs;
mod origin;
mod package;
mod playlists;
#[path = "../../../storage/tests/suite/servers.rs"]
mod servers;
mod site;
mod stores;
mod third_party;
mod thumbnails;

use site::{Running, Site, demo, text};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

#[test]
fn wrong_usage_is_status_2() {
    let site = Site::new();
    for arguments in [
        &["reel"][..],
        &["package"],
        &["package", "a.mp4", "--movie", "-1"],
        &["package", "a.mp4", "--movie", "9007199254740992"],
        &["package", "a.mp4", "--movie", "1", "--segment", "0s"],
        &["package", "a.mp4", "--movie", "1", "--scheme", "rot13"],
        &["package", "a.mp4", "--movie", "1", "--license", "embedded-tv"],
        &["package", "a.mp4", "--movie", "1", "--level", "lowest"],
        &["package", "a.mp4", "--movie", "1", "--rotate", "0"],
        &["package", "a.mp4", "--movie", "1", "--rotate", "often"],
        &["package", "a.mp4", "--movie", "1", "--clear-lead", "8"],
        &["serve", "--roles", "sight"],
        &["serve", "--listen", "here"],
        &["device", "remove", "phone"],
        &["user", "add"],
        &["audit", "--since", "yesterday"],
        &["url", "1", "--form", "smooth"],
        &["url", "1", "--form", "hls", "--expires", "later"],
        &["user", "add", "a@b", "--password", "x", "--password-stdin"],
    ] {
        let output = site.run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty());
    }
    assert!(!site.path("data").exists(), "nothing was made");
    assert!(site.ok(&["--version"]).starts_with("matinee 0."));
}

/// A17: accounts are made on the command line.
#[test]
fn a17_accounts() {
    let site = Site::new();
    site.add_user("Ada@Example.org");
    let mut command = site.command(&["user", "add", "bob@example.org", "--plan", "none", "--password-stdin"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"hunter2 hunter2\n").unwrap();
    assert!(child.wait().unwrap().success());
    let list = site.json(&["user", "list", "--json"]);
    assert_eq!(list[0]["email"], "ada@example.org");
    assert_eq!((&list[1]["plan"], &list[1]["disabled"]), (&"none".into(), &false.into()));
    assert!(site.ok(&["user", "block", "bob@example.org"]).contains("Blocked"));
    assert_eq!(site.json(&["user", "list", "--json"])[1]["disabled"], true);
    site.ok(&["user", "unblock", "bob@example.org"]);
    assert_eq!(site.json(&["user", "list", "--json"])[1]["disabled"], false);
    site.ok(&["user", "passwd", "bob@example.org", "--password", "hunter3 hunter3"]);
    assert!(site.ok(&["user", "list"]).contains("bob@example.org"));
    assert!(!format!("{list}").contains("argon2"), "no hash is listed");

    let long = "long enough";
    assert!(site.fails(&["user", "add", "ada@example.org", "--password", long]).contains("already"));
    assert!(site.fails(&["user", "add", "ada", "--password", long]).contains("no email address"));
    for short in ["", "short", "seven77"] {
        let said = site.fails(&["user", "add", "c@example.org", "--password", short]);
        assert!(said.contains("too short") && said.contains("8 characters"), "{said}");
    }
    let said = site.fails(&["user", "passwd", "ada@example.org", "--password", &"x".repeat(1025)]);
    assert!(said.contains("too long"), "{said}");
    assert!(site.fails(&["user", "add", "c@example.org"]).contains("--password-stdin"));
    assert!(site.fails(&["user", "passwd", "c@example.org", "--password", "x"]).contains("no account"));
    assert!(site.fails(&["device", "list", "c@example.org"]).contains("no account"));
    assert!(site.fails(&["device", "remove", "d-1"]).contains("no device"));
    assert_eq!(site.json(&["device", "list", "ada@example.org", "--json"]), serde_json::json!([]));
}

/// Whatever an operator's command changes is in the audit log; what it shows is not.
/// A key is shown once, opens what it may, and nothing once it is revoked.
#[test]
fn keys_for_programs() {
    let site = Site::new();
    let made = site.json(&["apikey", "create", "school", "--scope", "grants,catalogue", "--json"]);
    let key = made["key"].as_str().unwrap();
    assert!(key.starts_with("mk_") && made["scopes"] == serde_json::json!(["grants", "catalogue"]));
    assert!(!site.run(&["apikey", "create", "school", "--scope", "grants"]).status.success());
    let plain = site.ok(&["apikey", "create", "other", "--scope", "grants"]);
    assert!(plain.starts_with("mk_") && plain.lines().count() == 1, "alone, for scripts");
    let list = site.json(&["apikey", "list", "--json"]);
    assert_eq!((&list[0]["name"], &list[1]["name"]), (&"other".into(), &"school".into()));
    assert!(list[1]["last_used"].is_null() && !list.to_string().contains(key));
    let database = std::fs::read(site.path("data/matinee.db")).unwrap();
    let secret = key.rsplit_once('_').unwrap().1.as_bytes();
    assert!(!database.windows(secret.len()).any(|octets| octets == secret));
    assert!(site.ok(&["apikey", "revoke", "school"]).contains("Revoked"));
    assert!(!site.run(&["apikey", "revoke", "school"]).status.success());
    assert_eq!(site.json(&["apikey", "list", "--json"]).as_array().unwrap().len(), 1);
    for wrong in [&["apikey", "create", "x"][..], &["apikey", "create", "x", "--scope", "all"]] {
        assert_eq!(site.run(wrong).status.code(), Some(2));
    }
}

#[test]
fn commands_are_audited() {
    let site = Site::new();
    site.add_user("ada@example.org");
    site.add_user("bob@example.org");
    site.ok(&["user", "passwd", "ada@example.org", "--password", "hunter3 hunter3"]);
    site.ok(&["user", "block", "bob@example.org"]);
    site.ok(&["user", "list"]);
    site.ok(&["keys", "generate"]);
    site.ok(&["keys", "rotate", "media", "--now"]);
    site.fails(&["keys", "retire", "media", "no-such-key"]);
    site.ok(&["device", "revoke", "00112233445566778899aabbccddeeff", "--note", "published"]);
    site.ok(&["box", "provision", "--model", "M", "--serial", "S", "--output", text(&site.path("box.json"))]);
    let lines = site.ok(&["audit", "--json"]);
    let entries: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let done =
        entries.iter().map(|entry| format!("{} {}", entry["action"], entry["result"]).replace('"', ""));
    assert_eq!(
        done.collect::<Vec<_>>(),
        [
            "user add done",
            "user add done",
            "user passwd done",
            "user block done",
            "keys generate begun",
            "keys generate done",
            "keys rotate begun",
            "keys rotate done",
            "keys retire begun",
            "keys retire failed",
            "device revoke begun",
            "device revoke done",
            "box provision begun",
            "box provision done",
        ]
    );
    assert!(entries.iter().all(|entry| entry["actor"] == "operator"));
    assert_eq!(entries[11]["details"]["component"], "00112233445566778899aabbccddeeff");
    assert!(!lines.contains("hunter3") && !lines.contains("correct horse"));
    let of_ada = site.ok(&["audit", "--account", "ada@example.org"]);
    assert_eq!(of_ada.lines().count(), 2);
    assert!(
        of_ada.lines().all(|line| line.contains("  operator  user ") && line.contains("ada@example.org"))
    );
    assert_eq!(site.ok(&["audit", "--since", "1h"]).lines().count(), entries.len());
    assert_eq!(site.ok(&["audit", "--device", "d-0", "--movie", "7"]), "");
    assert!(site.fails(&["audit", "--account", "eve@example.org"]).contains("no account"));
}

/// B8, and keys that are made once, kept private and shown without their secrets.
#[test]
fn b8_keys_and_policies() {
    let site = Site::new();
    site.make_data();
    assert_eq!(site.json(&["keys", "list", "--json"]), serde_json::json!([]));
    let made = site.json(&["keys", "generate", "--json"]);
    assert_eq!(made.as_array().unwrap().len(), 15);
    assert_eq!(site.ok(&["keys", "generate"]), "Nothing was missing\n");
    assert_eq!(site.json(&["keys", "list", "--json"]), made);
    // B48, B52: three domains, in this epoch and the next, and not to be changed.
    let domains = made.as_array().unwrap().iter().filter(|key| key["kind"] == "domain");
    let names = domains.map(|key| key["id"].as_str().unwrap().split('-').next().unwrap());
    assert_eq!(names.collect::<Vec<_>>(), ["all", "all", "box", "box", "browser", "browser"]);
    assert!(site.fails(&["keys", "rotate", "domain", "--now"]).contains("cannot be changed"));
    let id = made[9]["id"].as_str().unwrap();
    assert!(site.fails(&["keys", "retire", "domain", id]).contains("cannot be changed"));
    assert!(site.fails(&["keys", "rotate", "seal"]).contains("cannot be changed"));
    let file = site.path("data/keys/common-ck-1.toml");
    let stored = std::fs::read_to_string(&file).unwrap();
    let secret = stored.split("secret = \"").nth(1).unwrap().split('"').next().unwrap();
    assert!(!made.to_string().contains(secret));
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let error = site.fails(&["keys", "list"]);
    assert!(error.contains("chmod 600") && error.contains("common-ck-1"), "{error}");
    let names: Vec<_> = site
        .json(&["policy", "list", "--json"])
        .as_array()
        .unwrap()
        .iter()
        .map(|p| p["name"].to_string())
        .collect();
    assert_eq!(names.join(" "), r#""24h" "48h" "unlimited" "rental" "24h-output-required""#);
}

/// B9: own policies beside the built-in ones, checked wherever one is named.
#[test]
fn b9_own_policies() {
    let site = Site::new();
    site.make_data();
    std::fs::write(
        site.path("data/policies.toml"),
        "[weekend]\ndescription = \"From Friday on\"\nvalidity = \"60h\"\ncheck = \"continuous\"\nmax_height.webcrypto = 720\n",
    )
    .unwrap();
    let listed = site.json(&["policy", "list", "--json"]);
    let own = &listed.as_array().unwrap()[5];
    assert_eq!(own["name"], "weekend");
    assert_eq!((own["validity"].as_u64(), own["built_in"].as_bool()), (Some(216_000), Some(false)));
    assert_eq!((&own["max_height"]["webcrypto"], own["check"].as_str()), (&720.into(), Some("continuous")));
    let table = site.ok(&["policy", "list"]);
    let rules = "validity 2days 12h from issue, check continuous, max_height.webcrypto 720";
    assert!(table.lines().any(|line| line.starts_with("weekend") && line.contains(rules)), "{table}");
    let low = demo("240p.mp4");
    let done = site.ok(&["package", text(&low), "--movie", "1", "--no-audio", "--policy", "weekend"]);
    assert!(done.starts_with("Published movie 1 "), "{done}");
    assert_eq!(site.json(&["movie", "show", "1", "--json"])["policy"], "weekend");

    std::fs::write(site.path("data/policies.toml"), "[rental]\nvalidity = \"1h\"\n").unwrap();
    let error = site.fails(&["policy", "list"]);
    assert!(error.contains("policies.toml: rental: ") && error.contains("choose another name"), "{error}");
}

/// A film, from MP4 files to the catalogue and away again.
#[test]
fn films_are_published_whole() {
    let site = Site::new();
    let (low, high, poster) = (demo("240p.mp4"), demo("360p.mp4"), demo("poster.jpg"));
    let package = [
        "package",
        text(&low),
        text(&high),
        "--movie",
        "60027274",
        "--title",
        "Demo",
        "--poster",
        text(&poster),
    ];
    let done =
        site.ok(&[&package[..], &["--year", "2026", "--cast", "One", "--cast", "Two", "--policy", "48h"]]
            .concat());
    assert!(done.starts_with("Published movie 60027274 \"Demo\" as pack "), "{done}");
    let packs = site.library();
    assert_eq!(packs.len(), 1);
    let movie = site.json(&["movie", "show", "60027274", "--json"]);
    assert_eq!(
        (&movie["title"], &movie["year"], &movie["policy"]),
        (&"Demo".into(), &2026.into(), &"48h".into())
    );
    assert_eq!(movie["cast"], serde_json::json!(["One", "Two"]));
    assert_eq!(movie["files"].as_array().unwrap().len(), 3, "two pictures and one sound");
    assert!(site.ok(&["movie", "list"]).contains("Demo"));

    // Packaged again it is the same pack; only what is told of it changes.
    site.ok(&[
        "package",
        text(&low),
        text(&high),
        "--movie",
        "60027274",
        "--title",
        "Other",
        "--poster",
        text(&poster),
        "--license",
        "embedded",
        "--replace",
    ]);
    // Its license is embedded now, which not every policy allows.
    assert_eq!(site.json(&["movie", "show", "60027274", "--json"])["license"], "embedded-all");
    let rental = ["package", text(&low), "--movie", "7", "--license", "embedded-box", "--policy", "rental"];
    assert!(site.fails(&rental).contains("--license server"));
    assert_eq!(site.library(), packs);
    assert_eq!(site.json(&["movie", "show", "60027274", "--json"])["title"], "Other");

    // By way of a folder: added as it is.
    let folder = site.path("packed");
    site.ok(&["package", text(&low), "--movie", "7", "--output", text(&folder)]);
    assert_eq!(site.library().len(), 1, "not published yet");
    site.ok(&["movie", "add", text(&folder), "--title", "Seven"]);
    assert!(folder.join("pack.json").exists(), "the folder stays");
    assert_eq!(site.library().len(), 2);
    let file = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).find(|p| p.is_dir()).unwrap();
    let file = std::fs::read_dir(file).unwrap().next().unwrap().unwrap().path();
    let inspected = site.json(&["inspect", text(&file), "--json"]);
    assert!(inspected["tracks"][0]["protected_samples"].as_u64().unwrap() > 0);

    site.ok(&["movie", "remove", "7"]);
    site.ok(&["movie", "remove", "60027274"]);
    assert!(site.library().is_empty(), "the files went too");
    assert_eq!(site.json(&["movie", "list", "--json"]), serde_json::json!([]));
    assert!(site.fails(&["movie", "show", "7"]).contains("no movie 7"));
    assert!(site.fails(&["movie", "remove", "7"]).contains("no movie 7"));
}

/// Bad input: one clear line, status 1, and nothing half-written.
#[test]
fn bad_films_leave_nothing_behind() {
    let site = Site::new();
    let good = std::fs::read(demo("240p.mp4")).unwrap();
    for (name, octets) in [
        ("empty.mp4", &b""[..]),
        ("text.mp4", b"This is no film."),
        ("short.mp4", &good[..good.len() / 2]),
        ("head.mp4", &good[..100]),
    ] {
        std::fs::write(site.path(name), octets).unwrap();
        let error = site.fails(&["package", text(&site.path(name)), "--movie", "1"]);
        assert!(error.contains(name), "{error}");
    }
    assert!(site.fails(&["package", "missing.mp4", "--movie", "1"]).contains("missing.mp4"));
    let low = demo("240p.mp4");
    let unknown = site.fails(&["package", text(&low), "--movie", "1", "--policy", "weekly"]);
    assert!(unknown.contains("weekly") && unknown.contains("24h"), "{unknown}");
    assert!(
        site.fails(&["package", text(&low), "--movie", "1", "--poster", "missing.jpg"])
            .contains("missing.jpg")
    );
    assert!(site.fails(&["movie", "add", "missing"]).contains("missing"));
    std::fs::create_dir(site.path("broken")).unwrap();
    std::fs::write(site.path("broken/pack.json"), "{}").unwrap();
    assert!(site.fails(&["movie", "add", "broken"]).contains("pack.json"));
    assert!(site.library().is_empty(), "{:?}", site.library());
    // Nothing was added, so there is nothing to list from.
    assert_eq!(site.run(&["movie", "list", "--json"]).status.code(), Some(2));
    assert!(site.fails(&["inspect", "text.mp4"]).contains("text.mp4"));
    let key = "00112233445566778899aabbccddeeff:00112233445566778899aabbccddeeff";
    assert!(
        site.fails(&["decrypt", text(&low), "--key", key, "--output", "out.mp4"]).contains("not encrypted")
    );
    assert!(!site.path("out.mp4").exists());
}

#[test]
fn bad_configuration_is_said_in_words() {
    let site = Site::new();
    let file = site.path("m.toml");
    for (content, word) in [
        ("listen = 5", "listen"),
        ("[devices]\nlimit = 0", "devices.limit"),
        ("colour = \"red\"", "colour"),
        ("public_url = \"here\"", "public_url"),
    ] {
        std::fs::write(&file, content).unwrap();
        let error = site.fails(&["--config", text(&file), "serve"]);
        assert!(error.contains(word), "{error}");
    }
    assert!(site.fails(&["--config", "none.toml", "serve"]).contains("none.toml"));
    assert!(
        site.fails(&["serve", "--listen", "127.0.0.1:0", "--site", "nowhere"]).contains("cargo xtask build")
    );
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    assert!(site.fails(&["serve", "--listen", &address]).contains(&address));
}

/// The real server on a real socket: starts, answers, takes changes of the command line while it runs, stops
/// in order, and finds everything again.
#[test]
fn serving_stopping_and_starting_again() {
    let site = Site::new();
    site.add_user("ada@example.org");
    let server = Running::start(&site);
    assert!(server.request("GET", "/healthz", "", "").starts_with("HTTP/1.1 200 "));
    assert!(server.request("GET", "/readyz", "", "").ends_with("ready\n"));
    let (answer, cookies) = server.sign_in("ada@example.org");
    assert!(answer.starts_with("HTTP/1.1 204 "), "{answer}");
    assert!(server.sign_in("bob@example.org").0.starts_with("HTTP/1.1 401 "));
    site.add_user("bob@example.org");
    assert!(server.sign_in("bob@example.org").0.starts_with("HTTP/1.1 204 "));
    let film = demo("240p.mp4");
    site.ok(&["package", text(&film), "--movie", "60027274", "--title", "Demo film"]);
    assert!(server.request("GET", "/api/library", &cookies, "").contains("Demo film"));
    assert_eq!(server.stop("-INT"), Some(0));

    let server = Running::start(&site);
    let library = server.request("GET", "/api/library", &cookies, "");
    assert!(library.contains("Demo film"), "sessions and films are kept: {library}");
    assert_eq!(server.stop("-TERM"), Some(0));
}

/// Every command that changes an account or device can say so in JSON.
#[test]
fn accounts_in_json() {
    let site = Site::new();
    let added = site.json(&["user", "add", "ada@example.org", "--password", "correct horse", "--json"]);
    assert_eq!(
        (added["email"].as_str(), added["plan"].as_str()),
        (Some("ada@example.org"), Some("unlimited"))
    );
    let changed = site.json(&["user", "passwd", "ada@example.org", "--password", "other horse", "--json"]);
    assert_eq!(changed["email"], "ada@example.org");
    assert_eq!(site.json(&["user", "block", "ada@example.org", "--json"])["disabled"], true);
    assert_eq!(site.json(&["user", "list", "--json"])[0]["disabled"], true);
    assert_eq!(site.json(&["user", "unblock", "ada@example.org", "--json"])["disabled"], false);
    // By the names that they had first.
    assert_eq!(site.json(&["user", "disable", "ada@example.org", "--json"])["disabled"], true);
    assert_eq!(site.json(&["user", "disable", "ada@example.org", "--undo", "--json"])["disabled"], false);
    assert_eq!(site.json(&["device", "list", "--json"]), serde_json::json!([]));
    assert!(site.fails(&["device", "remove", "d-1", "--now"]).contains("d-1"));
    assert!(site.fails(&["movie", "remove", "7"]).contains("no movie 7"));
}

/// A revoked device is gone from every account, whose it was; its keys are on the list until they are
/// reinstated, by the id that it had.
#[tokio::test]
async fn a_revoked_device_is_gone() {
    use server::store::{NewDevice, SqliteStore, Store as _};
    let site = Site::new();
    for name in ["ada", "bob"] {
        site.ok(&["user", "add", &format!("{name}@example.org"), "--password", "correct horse"]);
    }
    let store = SqliteStore::open(&site.path("data").join("matinee.db")).await.unwrap();
    let mut tx = store.begin().await.unwrap();
    for (id, email, key) in
        [("d-1", "ada@example.org", 2), ("d-2", "bob@example.org", 2), ("d-3", "ada@example.org", 3)]
    {
        let device = NewDevice {
            id: id.into(),
            account: tx.account_by_email(email).await.unwrap().unwrap().0.id,
            signing_key: vec![key; 33],
            level: license::KeyLevel::Webcrypto,
            kind: "browser".into(),
            name: "Browser".into(),
            machine: String::new(),
            browser_hash: None,
            sequence: 1,
            registered: 1,
            country: None,
            replaced: 0,
        };
        tx.add_device(&device, 6).await.unwrap();
    }
    tx.commit().await.unwrap();
    store.close().await;

    let revoked = site.json(&["device", "revoke", "d-1", "--note", "published", "--json"]);
    assert_eq!((&revoked["new"], &revoked["removed"]), (&true.into(), &serde_json::json!(["d-1", "d-2"])));
    let left = site.json(&["device", "list", "--json"]);
    assert_eq!((left.as_array().unwrap().len(), &left[0]["device_id"]), (1, &"d-3".into()));
    assert!(site.ok(&["device", "revoked"]).contains("d-1 published"));
    // Once more, by its id although it is gone.
    assert_eq!(site.json(&["device", "revoke", "d-1", "--json"])["new"], false);
    assert!(site.ok(&["device", "reinstate", "d-1"]).contains("trusted again"));
    assert_eq!(site.json(&["device", "revoked", "--json"]), serde_json::json!([]));
    assert!(site.fails(&["device", "revoke", "d-1"]).contains("no device"));
}

/// A key is changed in two steps, and retired only when it verifies.
#[test]
fn keys_are_rotated_and_retired() {
    let site = Site::new();
    site.ok(&["keys", "generate"]);
    let of = |kind: &str| -> Vec<(String, String)> {
        let list = site.json(&["keys", "list", "--json"]);
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        let keys = list.as_array().unwrap().iter().filter(|key| key["kind"] == kind);
        let mut keys: Vec<_> = keys.map(|key| (text(&key["id"]), text(&key["state"]))).collect();
        keys.sort();
        keys
    };
    let pairs = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs.iter().map(|(id, state)| ((*id).to_owned(), (*state).to_owned())).collect()
    };
    site.ok(&["keys", "rotate", "media"]);
    assert_eq!(of("media"), pairs(&[("mv-1", "active"), ("mv-2", "next")]));
    assert!(site.fails(&["keys", "retire", "media", "mv-1"]).contains("active"));
    site.ok(&["keys", "rotate", "media"]);
    assert_eq!(of("media"), pairs(&[("mv-1", "verify-only"), ("mv-2", "active")]));
    site.ok(&["keys", "retire", "media", "mv-1"]);
    assert_eq!(of("media"), pairs(&[("mv-2", "active")]));
    // At once, for every kind; the server still finds a whole set.
    for kind in ["site-ca", "ticket", "common"] {
        site.ok(&["keys", "rotate", kind, "--now", "--json"]);
        assert_eq!(of(kind).iter().filter(|(_, state)| state == "active").count(), 1, "{kind}");
    }
    site.ok(&["keys", "rotate", "signer", "--signs", "matinee-license", "--now"]);
    assert!(site.fails(&["keys", "rotate", "signer", "--now"]).contains("matinee-license"));
    site.ok(&["keys", "retire", "common", "ck-1"]);
    assert_eq!(site.run(&["keys", "rotate", "spare"]).status.code(), Some(2));
}

/// A126: what the factory writes is for the box alone.
#[test]
fn a_box_is_provisioned() {
    let site = Site::new();
    let file = site.path("box.json");
    let arguments =
        ["box", "provision", "--model", "Matinee One", "--serial", "0001", "--output", text(&file), "--json"];
    let done = site.json(&arguments);
    assert_eq!(done["serial"], "0001");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let identity: serde_json::Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert_eq!(identity["controller_url"], "http://localhost:8080/nccp/controller");
    for name in ["certificate", "signing_key", "rsa_key"] {
        assert!(identity[name].as_str().unwrap().len() > 40, "{name}");
    }
    assert!(!done.to_string().contains(identity["signing_key"].as_str().unwrap()));
    // Never over another box.
    assert!(site.fails(&arguments).contains("box.json"));
    let bad = ["box", "provision", "--model", "A;B", "--serial", "1", "--output", text(&file)];
    assert!(site.fails(&bad).contains("model"));
}
