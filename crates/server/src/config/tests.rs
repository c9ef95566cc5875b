//! What the file may say, and how it is told what it may not.

use super::*;

#[test]
fn defaults_follow_the_port() {
    let config = Config::parse("").unwrap();
    assert_eq!(config.public_url, "http://localhost:8080");
    assert_eq!(config.public_host(), "localhost:8080");
    let overrides = Overrides { listen: Some("0.0.0.0:9000".parse().unwrap()), ..Overrides::default() };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("m.toml");
    std::fs::write(&file, "data = \"/srv/films\"\n[devices]\nlimit = 3\n").unwrap();
    let config = Config::load(Some(&file), overrides).unwrap();
    assert_eq!(config.public_url, "http://localhost:9000");
    assert_eq!((config.devices.limit, config.data.to_str()), (3, Some("/srv/films")));
}

#[test]
fn streams_follow_the_plan_and_else_the_device_limit() {
    let config = "[devices]\nlimit = 3\n[plans.duo]\nstreams = 2\n[plans.free]\nstreams = 0\n[plans.plain]";
    let config = Config::parse(config).unwrap();
    for (plan, streams) in [("duo", Some(2)), ("free", None), ("plain", Some(3)), ("another", Some(3))] {
        assert_eq!(config.streams_of(plan), streams, "{plan}");
    }
}

#[test]
fn errors_name_the_line_and_not_its_value() {
    for text in [
        "listen = \"127.0.0.1:80\"\ndatabase = \"postgres://u:s3cret, expected x@h\"",
        "[database]\nurl = postgres://u:s3cret@h",
        "[database]\nurl = \"postgres://u:s3cret@h",
        "[database]\nconnections = \"s3cret\"",
        "[log]\nformat = \"s3cret\"",
        "\nlisten = \"s3cret\"",
    ] {
        let error = Config::parse(text).unwrap_err().to_string();
        assert!(error.contains(": line 2") && !error.contains("s3cret"), "{text}: {error}");
    }
}

#[test]
fn plain_http_is_told_from_what_browsers_trust() {
    for (url, plain) in [
        ("http://localhost:8080", false),
        ("http://films.localhost", false),
        ("http://127.0.0.1:8080", false),
        ("http://[::1]:8080", false),
        ("https://films.example.org", false),
        ("http://tv.lan:8080", true),
        ("http://192.168.1.20:8080", true),
        ("http://[fd00::1]", true),
        ("http://localhost.example.org", true),
    ] {
        let config = Config::parse(&format!("public_url = \"{url}\"")).unwrap();
        assert_eq!(config.is_plain_http(), plain, "{url}");
    }
}

#[test]
fn nonsense_is_said_in_words() {
    for (text, word) in [
        ("public_url = \"localhost\"", "public_url"),
        ("public_url = \"http://a/\"", "public_url"),
        ("public_url = \"http://a/b\"", "origin"),
        ("public_url = \"https://Films.example.org\"", "lower case"),
        ("public_url = \"https://films.example.org:443\"", "own port"),
        ("public_url = \"http://a; script-src *\"", "public_url"),
        ("roles = [\"sight\"]", "individualize"),
        ("rolls = []", "rolls"),
        ("[devices]\nlimit = 0", "devices.limit"),
        ("[devices]\nremovals_days = 0", "devices.removals_days"),
        ("[devices]\nnetworks_per_hour = 31", "devices.networks_per_hour"),
        ("[plans.\"two words\"]\nstreams = 2", "plans"),
        ("[plans.gold]\nstreams = 1001", "streams"),
        ("[plans.gold]\nstream = 2", "streams"),
        ("[limits]\nconnections_per_address = 0", "connections_per_address"),
        ("[boxes]\nlisten = \"127.0.0.1:0\"\n[limits]\nconnections = 1", "at least as many"),
        ("[[cdn]]\nid = 1\nname = \"a\"\nbase_url = \"x\"", "cdn.base_url"),
        ("[drm]\nlicense_url = \"https://licenses.example.org\"", "drm.license_url"),
        (
            "public_url = \"https://films.example.org\"\n[drm]\nlicense_url = \"http://films.example.org/license\"",
            "drm.license_url",
        ),
    ] {
        let error = Config::parse(text).unwrap_err().to_string();
        assert!(error.contains(word) && !error.contains('\n'), "{text}: {error}");
    }
}
