#![cfg(test)]
//! Requirements that the tree itself shows: which crates are used, and what lies where.

use std::path::{Path, PathBuf};

use crate::project::Project;

fn root() -> PathBuf {
    Project::find().unwrap().root
}

/// The names in a manifest's `[dependencies]`, those with a table of their own and those of one target
/// included.
fn dependencies(manifest: &str) -> Vec<String> {
    let path = root().join(manifest);
    let manifest: toml::Table = std::fs::read_to_string(path).unwrap().parse().unwrap();
    let of_targets = manifest.get("target").and_then(toml::Value::as_table);
    let tables =
        of_targets.into_iter().flat_map(|targets| targets.values().filter_map(toml::Value::as_table));
    let tables = tables.chain([&manifest]).filter_map(|table| table.get("dependencies")?.as_table());
    tables.flat_map(|table| table.keys().cloned()).collect()
}

fn uses(manifest: &str, names: &[&str]) {
    let found = dependencies(manifest);
    for name in names {
        assert!(found.iter().any(|found| found == name), "{manifest} has no {name}");
    }
}

/// C2, C3, C4: in the app and in the module.
#[test]
fn c2_c3_c4_the_browser_is_called_by_wasm_bindgen_web_sys_and_js_sys() {
    for manifest in ["Cargo.toml", "crates/decryptor/Cargo.toml"] {
        uses(manifest, &["js-sys", "wasm-bindgen", "web-sys"]);
    }
}

/// Both apps are made of the same: what they depend on is compiled once for both.
#[test]
fn the_players_app_depends_on_what_the_site_does() {
    let [site, player] = ["Cargo.toml", "crates/watch/Cargo.toml"].map(|manifest| {
        let text = std::fs::read_to_string(root().join(manifest)).unwrap();
        text.parse::<toml::Table>().unwrap()["dependencies"].clone()
    });
    assert_eq!(site, player, "crates/watch/Cargo.toml has the root's dependencies word for word");
}

/// C8: messages to the worker.
#[test]
fn c8_worker_messages_go_by_serde_wasm_bindgen() {
    let page =
        ["Cargo.toml", "crates/web-player/Cargo.toml"].into_iter().filter(|file| root().join(file).is_file());
    assert!(page.map(dependencies).any(|found| found.iter().any(|name| name == "serde-wasm-bindgen")));
}

/// C9, C10: the app is made of these.
#[test]
fn c9_c10_the_app_is_made_with_yew_and_gloo() {
    uses("Cargo.toml", &["gloo", "yew"]);
}

/// C11, C23: what the top level must have.
#[test]
fn c11_c23_the_top_level_is_as_asked() {
    for file in ["Cargo.toml", "README.md", "webdriver.json", "src/lib.rs"] {
        assert!(root().join(file).is_file(), "{file}");
    }
    for folder in ["src", "www", "pkg", "tests"] {
        assert!(root().join(folder).is_dir(), "{folder}");
    }
}

/// B39: there is one edition. The only choice when it is compiled is where the site's files lie.
#[test]
fn b39_there_is_one_edition() {
    let manifest: toml::Table =
        std::fs::read_to_string(root().join("crates/cli/Cargo.toml")).unwrap().parse().unwrap();
    let features = manifest["features"].as_table().unwrap();
    assert_eq!(features.keys().collect::<Vec<_>>(), ["embed-site"]);
}

/// A109: what reports are protected by is documented.
#[test]
fn a109_the_threat_model_says_how_reports_travel() {
    let text = std::fs::read_to_string(root().join("docs/threat-model.md")).unwrap();
    let line = text.lines().find(|line| line.contains("logblob")).unwrap();
    assert!(line.contains("TLS alone"), "{line}");
}

/// C20: the page that the server gives out loads the app.
#[test]
fn c20_the_page_loads_the_app() {
    let page = std::fs::read_to_string(root().join("www/index.html")).unwrap();
    for part in [r#"<script type="module" src="{{boot_js}}">"#, "{{app_wasm}}", r#"<div id="app">"#] {
        assert!(page.contains(part), "{part}");
    }
    let loader = std::fs::read_to_string(root().join("www/boot.js")).unwrap();
    assert!(loader.contains("\"./matinee.js\""), "the loader names the app's module");
    for page in ["watch", "embed"] {
        let page = std::fs::read_to_string(root().join(format!("www/{page}.html"))).unwrap();
        assert!(page.contains("{{watch_wasm}}") && page.contains("content=\"player\""), "{page}");
        assert!(!page.contains("href=\"{{app_wasm}}\""), "the player does not wait for the site");
    }
    assert!(loader.contains("\"./matinee_watch.js\""), "and the player's");
}

/// C22: what ships and was written by hand is Rust, but for the loaders, of the page, its language, the DRM
/// module and its frame, and the media source beside that module.
#[test]
fn c22_only_the_loaders_and_the_workers_media_source_are_javascript() {
    fn scripts(folder: &Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.ends_with("www/examples") {
                // For pages of other sites; they do not ship.
            } else if path.is_dir() {
                scripts(&path, found);
            } else if path
                .extension()
                .is_some_and(|ending| ["js", "mjs", "ts"].iter().any(|script| ending == *script))
            {
                found.push(path.file_name().unwrap().to_string_lossy().into_owned());
            }
        }
    }
    let mut found = Vec::new();
    ["src", "www"].iter().for_each(|folder| scripts(&root().join(folder), &mut found));
    found.sort();
    assert_eq!(
        found,
        ["boot.js", "cdm-worker.js", "cdm.js", "decryptor-worker.js", "language.js", "media-source.js"]
    );
}
