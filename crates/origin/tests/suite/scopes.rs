//! Configuration scopes: B33, B35, B102 to B105, B108 to B110.

use std::path::PathBuf;
use std::time::Duration;

use cenc::{Level, Scheme};
use origin::scope::{
    Folder, Form, From, Off, Plain, SetWords, Settings, SettingsFile, Strategy, Value, is_ignored, resolve,
};

fn server(text: &str) -> SettingsFile {
    SettingsFile::parse("matinee.toml", text).unwrap()
}

fn folder(path: &str, text: &str) -> SettingsFile {
    SettingsFile::of_folder(path, text).unwrap()
}

fn of(server: &SettingsFile, content: &str, folders: &[&SettingsFile]) -> Result<Settings, Off> {
    let folders: Vec<_> = folders.iter().map(|file| Folder::File(file)).collect();
    resolve(server, Form::Own, &content.parse().unwrap(), &folders, &SetWords::default())
}

fn at(path: &str, line: usize) -> From {
    From::File { path: PathBuf::from(path), line }
}

/// B33, B102: at scope server, the server's table holds for all paths, and what folders say is ignored.
#[test]
fn b102_at_scope_server_folders_say_nothing() {
    for scope in ["", "scope = \"server\"\n"] {
        let text = format!("[encryption.own]\n{scope}common_key = \"k2\"\nscheme = \"cbcs\"\n");
        let server = server(&text);
        let own = folder("films/a/matinee.toml", "[encryption.own]\nenabled = false\ncommon_key = \"k9\"\n");
        let settings = of(&server, "films/a", &[&own]).unwrap();
        assert_eq!(settings.common_key.value.as_deref(), Some("k2"));
        assert_eq!((settings.scheme.value, settings.enabled.value), (Scheme::Cbcs, true));
        assert_eq!(settings.common_key.from, at("matinee.toml", 2 + usize::from(!scope.is_empty())));
        assert!(is_ignored(&server, &own, Form::Own));
        assert!(!is_ignored(&server, &own, Form::Dash), "nothing is said of it");
    }
    // Nobody says anything: encrypted, by the active common key.
    let settings = of(&server(""), "films/a", &[]).unwrap();
    assert!(settings.enabled.value && settings.common_key.value.is_none());
    assert_eq!(settings.content_id.value.as_str(), "films/a");
    assert!(settings.shown().iter().all(|shown| shown.from == From::Default));
}

/// B103: at scope content, no value of the server's holds anywhere; who is covered by no folder is off.
#[test]
fn b103_at_scope_content_the_server_says_nothing() {
    let server = server(
        "[encryption.own]\nscope = \"content\"\ncommon_key = \"k2\"\nscheme = \"cbcs\"\nlevel = \"low\"\nrotate = 5\n\
         clear_lead = \"8s\"\npolicy = \"48h\"\nlicense = \"embedded\"\nupdate_interval = 60\nupdate_strategy = \"force\"\n\
         content_id = \"everything\"\n",
    );
    let empty = folder("films/matinee.toml", "[encryption.own]\n");
    let settings = of(&server, "films/a", &[&empty]).unwrap();
    assert_eq!(settings, of(&self::server(""), "films/a", &[]).unwrap(), "all defaults");
    let off = of(&server, "films/a", &[]).unwrap_err();
    assert!(matches!(&off, Off::Uncovered { form: "own", content } if content == "films/a"), "{off}");
    // Covered by another form alone.
    let dash = folder("films/matinee.toml", "[encryption.dash]\n");
    assert!(matches!(of(&server, "films/a", &[&dash]), Err(Off::Uncovered { .. })));
    // A file that nobody can read covers nothing, and lets nobody above it do so.
    let broken =
        SettingsFile::of_folder("films/a/matinee.toml", "[encryption.own]\nlevel = \"hi\"\n").unwrap_err();
    let folders = [Folder::Broken(&broken), Folder::File(&empty)];
    let off = resolve(&server, Form::Own, &"films/a".parse().unwrap(), &folders, &SetWords::default());
    assert!(
        off.unwrap_err().to_string().starts_with("films/a/matinee.toml: line 3: ")
            || broken.reason.contains("line")
    );
}

/// B104, B109: two folders, two common keys and two policies; the nearest wins whole.
#[test]
fn b104_the_nearest_folder_wins_whole() {
    let server = server("[encryption.own]\nscope = \"content\"\n");
    let all =
        folder("matinee.toml", "[encryption.own]\ncommon_key = \"k1\"\npolicy = \"24h\"\nlevel = \"low\"\n");
    let schools =
        folder("schools/matinee.toml", "\n[encryption.own]\ncommon_key = \"k2\"\npolicy = \"unlimited\"\n");
    let films = of(&server, "films/a", &[&all]).unwrap();
    let school = of(&server, "schools/a", &[&schools, &all]).unwrap();
    let said = |settings: &Settings| {
        (
            settings.common_key.value.clone().unwrap(),
            settings.policy.value.clone().unwrap(),
            settings.level.value,
        )
    };
    assert_eq!(said(&films), ("k1".to_owned(), "24h".to_owned(), Level::Low));
    assert_eq!(said(&school), ("k2".to_owned(), "unlimited".to_owned(), Level::High), "nothing is merged");
    assert_eq!(school.policy.from, at("schools/matinee.toml", 4));
    assert_eq!(school.level.from, From::Default);
}

/// B105: encryption is switched on and off by folder, and by form.
#[test]
fn b105_encryption_by_folder_and_form() {
    let server = server("[encryption.own]\nscope = \"content\"\n[encryption.hls]\nenabled = false\n");
    let trailer = folder("trailers/matinee.toml", "[encryption.own]\nenabled = false\n");
    assert!(!of(&server, "trailers/a", &[&trailer]).unwrap().enabled.value);
    let film = folder("films/matinee.toml", "[encryption.own]\nenabled = true\n");
    assert!(of(&server, "films/a", &[&film]).unwrap().enabled.value);
    let form = |form| {
        resolve(&server, form, &"films/a".parse().unwrap(), &[Folder::File(&film)], &SetWords::default())
    };
    assert!(!form(Form::Hls).unwrap().enabled.value && form(Form::Dash).unwrap().enabled.value);
}

/// B35, B108: what a client set says goes over both, at either scope.
#[test]
fn b108_client_sets_say_it_last() {
    let word = |value: &str| Some(Value { value: value.to_owned(), from: at("matinee.toml", 9) });
    let set = SetWords { common_key: word("schools"), policy: word("school") };
    let film = folder("films/matinee.toml", "[encryption.own]\ncommon_key = \"k2\"\nlevel = \"low\"\n");
    for scope in ["server", "content"] {
        let server = server(&format!("[encryption.own]\nscope = \"{scope}\"\npolicy = \"48h\"\n"));
        let path = "films/a".parse().unwrap();
        let settings = resolve(&server, Form::Own, &path, &[Folder::File(&film)], &set).unwrap();
        assert_eq!(
            settings.common_key,
            Value { value: Some("schools".to_owned()), from: at("matinee.toml", 9) }
        );
        assert_eq!(settings.policy.value.as_deref(), Some("school"));
        // Who covers nothing still covers nothing.
        let off = resolve(&server, Form::Own, &path, &[], &set);
        assert_eq!(off.is_err(), scope == "content");
    }
}

/// B110: every setting is shown with its value, and with file and line.
#[test]
fn b110_every_setting_is_shown() {
    let server = server(
        "[encryption.own]\nenabled = true\nscheme = \"cbcs\"\ncommon_key = \"k2\"\ncontent_id = \"all\"\nlevel = \"medium\"\n\
         rotate = \"5m\"\nclear_lead = 8\npolicy = \"48h\"\nlicense = \"embedded-browser\"\nupdate_interval = \"1h\"\n\
         update_strategy = \"force\"\n",
    );
    let settings = of(&server, "films/a", &[]).unwrap();
    assert_eq!(settings.update_strategy.value, Some(Strategy::Force));
    assert_eq!(settings.update_interval.value, Some(Duration::from_secs(3600)));
    let shown = settings.shown();
    let lines: Vec<_> = shown.iter().map(|shown| shown.from.clone()).collect();
    assert_eq!(lines, (2..=12).map(|line| at("matinee.toml", line)).collect::<Vec<_>>());
    let values: Vec<_> = shown.iter().map(|shown| shown.value.to_string()).collect();
    assert_eq!(
        values,
        ["true", "cbcs", "k2", "all", "medium", "5m", "8", "48h", "embedded-browser", "3600", "force"]
    );
    assert_eq!(shown[9].value, Plain::Seconds(3600));
}

/// Wrong words are refused with their line.
#[test]
fn mistakes_have_lines() {
    for (text, said) in [
        ("[encryption.own]\nschema = \"cenc\"\n", "line 2"),
        ("[encryption.own]\nscheme = \"none\"\n", "line 2"),
        ("[encryption.own]\n\nlevel = 3\n", "line 3"),
        ("[encryption.own]\nrotate = 0\n", "line 2, encryption.own.rotate: must be at least one segment"),
        ("[encryption.own]\nrotate = \"often\"\n", "must be a number of segments"),
        ("[encryption.own]\nclear_lead = \"25h\"\n", "encryption.own.clear_lead: must be at most 24h"),
        ("[encryption.own]\nupdate_interval = 0\n", "must be 1s to 1 year"),
        ("[encryption.own]\nlicense = \"embed\"\n", "must be server, embedded"),
        ("[encryption.own]\ncontent_id = \"a b\"\n", "line 2"),
        ("[encryption.rtmp]\n", "line 1"),
        ("[site]\n", "line 1"),
        ("[encryption.own]\nscope = \"content\"\n", "only the server's configuration has a scope"),
    ] {
        let error = SettingsFile::of_folder("a/matinee.toml", text).unwrap_err().to_string();
        assert!(error.starts_with("a/matinee.toml: ") && error.contains(said), "{text}: {error}");
    }
}
