//! An origin as docs/origin.md sets it up, and the commands that look at its configuration.

use super::site::{Site, demo, text};
use serde_json::Value;

/// A site with a clear film at `films/a`, and this configuration.
fn site(config: &str) -> Site {
    let site = Site::new();
    let folder = site.path("data/sources/films/a");
    let film = demo("240p.mp4");
    site.ok(&["package", text(&film), "--movie", "7", "--scheme", "none", "--output", text(&folder)]);
    write(&site, "matinee.toml", &format!("[origin]\nsources = \"sources\"\n{config}"));
    site
}

fn write(site: &Site, path: &str, content: &str) {
    std::fs::write(site.path(path), content).unwrap();
}

fn with<'a>(config: &'a str, arguments: &[&'a str]) -> Vec<&'a str> {
    [&["--config", config], arguments].concat()
}

/// From the folder to octets behind a signed URL.
#[test]
fn from_a_folder_to_a_served_film() {
    let site = site("");
    let config = site.path("matinee.toml");
    let run = |arguments: &[&str]| site.ok(&with(text(&config), arguments));
    site.ok(&["keys", "generate"]);
    assert!(run(&["config", "check"]).contains("Looked at 1 contents"));
    assert!(run(&["movie", "add", "--content", "films/a"]).contains("vod/films/a"));
    assert_eq!(std::fs::read_dir(site.path("data/origin")).unwrap().count(), 2, "an index for each file");
    assert!(run(&["movie", "show", "7"]).contains("vod/films/a"));
    let url = run(&["url", "7", "--form", "file"]);
    assert!(url.lines().count() == 2 && url.contains("/s/vod/r"), "{url}");
    assert!(run(&["url", "7", "--form", "dash"]).contains("/s/vod/films/a/stream.mpd?"));
    let retired = site.run(&with(text(&config), &["keys", "retire", "common", "ck-1"]));
    assert_eq!(retired.status.code(), Some(1));
    run(&["movie", "remove", "7"]);
    assert!(site.path("data/sources/films/a/source.json").is_file(), "sources stay");
    for wrong in [
        &["movie", "add", "--content", "films/b"][..],
        &["movie", "add", "--content", "../a"],
        &["movie", "add", "--content", "films/a", "--set", "schools"],
    ] {
        assert_eq!(site.run(&with(text(&config), wrong)).status.code(), Some(1), "{wrong:?}");
    }
    for wrong in [
        &["movie", "add"][..],
        &["movie", "add", "x", "--content", "films/a"],
        &["config", "show", "--set", "a"],
    ] {
        assert_eq!(site.run(wrong).status.code(), Some(2), "{wrong:?}");
    }
}

/// A source that is the first thing in a data folder leaves it to its owner alone; a folder elsewhere makes
/// none.
#[test]
fn a_source_may_be_the_first_thing_in_the_data_folder() {
    use std::os::unix::fs::PermissionsExt as _;
    let site = Site::new();
    let film = demo("240p.mp4");
    let package = ["package", text(&film), "--movie", "7", "--scheme", "none", "--output"];
    site.ok(&[&package[..], &["elsewhere"]].concat());
    assert!(!site.path("data").exists());
    // By a relative path, as one types it: `data` is beside the working folder's files.
    site.ok(&[&package[..], &["data/sources/films/a"]].concat());
    let mode = std::fs::metadata(site.path("data")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    site.add_user("ada@example.org");
    std::fs::set_permissions(site.path("data"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let refused = site.fails(&[&package[..], &["data/sources/films/b"]].concat());
    assert!(refused.contains("others can read this folder"), "{refused}");
}

/// The whole configuration as it is in force, with where each value is from, and without secrets.
#[test]
fn config_show_has_defaults_and_no_secret() {
    let site = Site::new();
    let config = "embedders = [\"https://school.example\"]\n[limits]\nrequests = 77\n[edge]\ntoken = \"bunny\"\n\
                  secrets = [\"s3cret-zone-key\", \"env:ZONE_KEY\"]\n[database]\nurl = \"postgres://a:s3cret@db/films\"\n\
                  [[cdn]]\nid = 1\nname = \"a\"\nbase_url = \"https://a.example\"\n";
    write(&site, "matinee.toml", config);
    let shown = site.ok(&["config", "show", "--json"]);
    assert!(!shown.contains("s3cret"), "{shown}");
    let shown: Value = serde_json::from_str(&shown).unwrap();
    let is = |name: &str, value: Value, from: &str| {
        assert_eq!((&shown[name]["value"], &shown[name]["from"]), (&value, &Value::from(from)), "{name}");
    };
    is("limits.requests", 77.into(), "file");
    assert_eq!(shown["limits.requests"]["line"], 3);
    is("cdn.0.base_url", "https://a.example".into(), "file");
    is("edge.secrets", serde_json::json!(["[redacted]", "env:ZONE_KEY"]), "file");
    assert_eq!(shown["database.url"]["value"], "[redacted]");
    is("storage.url", "file:library".into(), "default");
    is("encryption.hls.scheme", "cenc".into(), "default");
    is("edge.token", "bunny".into(), "file");
    is("log.format", "text".into(), "default");
    is("brand.name", "Matinee".into(), "default");
    is("data", text(&site.path("data")).into(), "command line or environment");
    let table = site.ok(&["config", "show"]);
    assert!(table.lines().any(|line| line.starts_with("drm.ttl") && line.ends_with("default")), "{table}");
    assert!(table.contains("matinee.toml:3") && !table.contains("s3cret"), "{table}");
}

/// What the site is called and looks like is looked at with the rest: settings, files, and what is probably
/// not meant so.
#[test]
fn a_brand_is_checked_and_shown() {
    let site = Site::new();
    let brand = "[brand]\nname = \"Kino\"\nlogo = \"logo.svg\"\n[brand.dark]\naccent = \"#7fd1ff\"\n";
    write(&site, "matinee.toml", brand);
    let wrong = |words: &str| {
        let output = site.run(&["config", "check"]);
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.code() == Some(1) && said.contains(words), "{said}");
    };
    wrong("logo.svg");
    write(&site, "logo.svg", "<svg xmlns=\"http://www.w3.org/2000/svg\"><script/></svg>");
    wrong("brand.logo: logo.svg: it has <script>");
    write(&site, "logo.svg", "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 90 20\"/>");
    let said = site.ok(&["config", "check"]);
    assert!(said.contains("warning  brand: there is no icon"), "{said}");
    let shown: Value = serde_json::from_str(&site.ok(&["config", "show", "--json"])).unwrap();
    for (name, value) in
        [("brand.name", "Kino"), ("brand.short_name", "Kino"), ("brand.dark.accent", "#7fd1ff")]
    {
        assert_eq!(shown[name]["value"], value, "{name}");
    }
    assert_eq!(shown["brand.dark.accent"]["line"], 5);
    write(&site, "matinee.toml", "[brand.dark]\naccent = \"#804040\"\n");
    wrong("brand.dark: accent (#804040) on background");
}

/// A content inside another is not served, and `config check` says so.
#[test]
fn contents_within_contents_are_wrong() {
    let site = site("");
    let config = site.path("matinee.toml");
    let (film, inside) = (demo("240p.mp4"), site.path("data/sources/films/a/extras/b"));
    site.ok(&["package", text(&film), "--movie", "8", "--scheme", "none", "--output", text(&inside)]);
    let wrong = site.run(&with(text(&config), &["config", "check"]));
    let said = String::from_utf8(wrong.stdout).unwrap();
    assert_eq!(wrong.status.code(), Some(1), "{said}");
    let expected = "WRONG    films/a/extras/b is not served: it lies within films/a, which is a content";
    assert!(said.contains(expected), "{said}");
}

/// B102, B103, B110: what holds for a content, with file and line; what is ignored, and what is off.
#[test]
fn b110_config_show_says_where_a_value_is_from() {
    let site = site(
        "[drm]\nupdate_interval = 60\n[encryption.own]\nscope = \"content\"\n[encryption.hls]\nscheme = \"cbcs\"\n",
    );
    let config = site.path("matinee.toml");
    write(
        &site,
        "data/sources/films/matinee.toml",
        "[encryption.own]\nlevel = \"low\"\n[encryption.hls]\nlevel = \"low\"\n",
    );
    let show = |path: &str| -> Value {
        site.json(&with(text(&config), &["config", "show", "--path", path, "--json"]))
    };
    let shown = show("films/a");
    let own = &shown["forms"]["own"]["settings"];
    assert_eq!((&own["level"]["value"], &own["level"]["line"]), (&"low".into(), &2.into()));
    assert!(own["level"]["file"].as_str().unwrap().ends_with("sources/films/matinee.toml"));
    assert_eq!((&own["scheme"]["value"], &own["scheme"]["file"]), (&"cenc".into(), &Value::Null));
    assert_eq!((&own["update_interval"]["value"], &own["update_interval"]["line"]), (&60.into(), &4.into()));
    let hls = &shown["forms"]["hls"]["settings"];
    assert_eq!((&hls["scheme"]["value"], &hls["level"]["value"]), (&"cbcs".into(), &"high".into()));
    let off = &show("other/b")["forms"]["own"];
    assert!(off["served"] == false && off["reason"].as_str().unwrap().contains("no folder"), "{off}");
    let table = site.ok(&with(text(&config), &["config", "show", "--path", "films/a"]));
    assert!(table.contains("sources/films/matinee.toml:2"), "{table}");
    let all: Value = site.json(&with(text(&config), &["config", "show", "--json"]));
    assert_eq!(all["encryption.own.scope"]["line"], 6);

    let report: Value = site.json(&with(text(&config), &["config", "check", "--json"]));
    let warnings = report["warnings"].to_string();
    assert!(warnings.contains("[encryption.hls] is ignored"), "{warnings}");
    // One line for a file, whatever is in it.
    write(&site, "data/sources/films/a/matinee.toml", "[encryption.dash]\n[encryption.hls]\n");
    let report: Value = site.json(&with(text(&config), &["config", "check", "--json"]));
    let warnings = report["warnings"].as_array().unwrap();
    let of_film: Vec<_> =
        warnings.iter().filter(|said| said.as_str().unwrap().contains("films/a/matinee.toml")).collect();
    assert_eq!(of_film.len(), 1, "{of_film:?}");
    assert!(of_film[0].as_str().unwrap().contains("[encryption.dash], [encryption.hls] are ignored"));
    write(&site, "data/sources/films/matinee.toml", "[encryption.own]\nscheme = \"rot13\"\n");
    let wrong = site.run(&with(text(&config), &["config", "check"]));
    assert_eq!(wrong.status.code(), Some(1));
    let said = String::from_utf8(wrong.stdout).unwrap();
    assert!(said.contains("WRONG") && said.contains("matinee.toml: line 2"), "{said}");
}

/// B111: every sample of a configuration in the documents loads.
#[test]
fn b111_samples_in_documents_load() {
    let docs = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let mut count = 0;
    for entry in std::fs::read_dir(docs).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "md") {
            continue;
        }
        let document = std::fs::read_to_string(&path).unwrap();
        for sample in document.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap()) {
            load(sample).unwrap_or_else(|error| panic!("{}: {error}\n{sample}", path.display()));
            count += 1;
        }
    }
    assert!(count >= 10, "{count}");
}

/// As what it is: a folder's file, a live application's, a ladder, policies, or the server's file.
fn load(sample: &str) -> Result<(), String> {
    let site = Site::new();
    let first = sample.lines().next().unwrap_or_default();
    let said = |output: std::process::Output| match output.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()),
    };
    if sample.starts_with("[[rung]]") {
        return sample.parse::<toml::Table>().map(|_| ()).map_err(|error| error.to_string());
    }
    for folder in ["data/sources/films", "data/live/school"] {
        std::fs::create_dir_all(site.path(folder)).unwrap();
    }
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    std::fs::set_permissions(site.path("data"), private).unwrap();
    let config = site.path("matinee.toml");
    let is_folder = first.starts_with("# sources/");
    let is_server = ["# matinee.toml", "[[cdn]]"].contains(&first)
        || ["public_url", "embedders"].iter().any(|setting| sample.contains(setting));
    let is_live = first.starts_with("# live/");
    let place = match (is_folder, is_server, is_live) {
        (true, ..) => "data/sources/films/matinee.toml",
        (_, true, _) => "matinee.toml",
        (.., true) => "data/live/school/application.toml",
        _ => "data/policies.toml",
    };
    std::fs::write(&config, "[origin]\nsources = \"sources\"\n[encryption.own]\nscope = \"content\"\n")
        .unwrap();
    write(&site, place, sample);
    if is_live {
        // An event is made by its application's settings.
        let event = ["live", "create", "lecture", "--app", "school", "--title", "A lecture"];
        return said(site.run(&with(text(&config), &event)));
    }
    // To check it is to ask the bucket, which the documents made up.
    let verb = if sample.contains("s3://") { "show" } else { "check" };
    said(site.run(&with(text(&config), &["config", verb])))
}
