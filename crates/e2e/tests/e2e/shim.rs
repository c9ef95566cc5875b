//! The shim `eme.js` alone, in a browser: beside it a frame that stands in for `/cdm`, whose licenses are
//! ClearKey's.
//!
//! W3C's web-platform-tests are not part of this repository, and no package registry has them: `cargo xtask
//! wpt --suite FOLDER` runs their cases of Encrypted Media Extensions from a checkout.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use e2e::{Browser, demo_film, repository, serve_pages};
use serde::Deserialize;

/// What became of one case.
#[derive(Debug, Deserialize)]
struct Case {
    name: String,
    passed: bool,
    message: String,
}

/// The system ids of Widevine, which the suite's media name, and of Matinee, which the shim looks for.
const WIDEVINE: [u8; 16] =
    [0xed, 0xef, 0x8b, 0xa9, 0x79, 0xd6, 0x4a, 0xce, 0xa3, 0xc8, 0x27, 0xdc, 0xd5, 0x1d, 0x21, 0xed];
const MATINEE: [u8; 16] = *b"matinee\x80\x80\0drm\0\0\x01";

/// Files of the suite whose cases are known to fail; docs/eme.md says why.
const KNOWN: [&str; 4] = [
    "clearkey-mp4-playback-persistent-license-events.html",
    "clearkey-mp4-playback-temporary-multikey-sequential.html",
    "clearkey-mp4-playback-temporary-multikey-sequential-readyState.html",
    "clearkey-mp4-unique-origin.html",
];

/// Folders whose files are served, the first that has one.
type Folders = Arc<Vec<PathBuf>>;

/// The shim, as `cargo xtask` joins it, and what installs it.
fn shim(pages: &Path) -> Vec<u8> {
    let read =
        |file: PathBuf| std::fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    [read(repository().join("pkg/eme/eme.js")), read(pages.join("shim.js"))].concat()
}

/// A file, changed where the suite has to meet the shim.
async fn file(State(folders): State<Folders>, uri: Uri) -> Response {
    let (path, pages) = (uri.path().trim_start_matches('/'), &folders[0]);
    if path.split('/').any(|part| part == "..") {
        return StatusCode::NOT_FOUND.into_response();
    }
    let found = folders.iter().find_map(|folder| std::fs::read(folder.join(path)).ok());
    let body = match path {
        "eme-shim.js" => shim(pages),
        "resources/testharnessreport.js" => {
            [shim(pages), std::fs::read(pages.join("report.js")).unwrap()].concat()
        }
        _ => {
            let Some(mut found) = found else { return StatusCode::NOT_FOUND.into_response() };
            if path.ends_with(".mp4") {
                while let Some(at) = found.windows(16).position(|window| window == WIDEVINE) {
                    found[at..at + 16].copy_from_slice(&MATINEE);
                }
            }
            // Windows that a case opens have no harness, so they are given the shim here.
            if path.starts_with("encrypted-media/resources/") {
                let text = String::from_utf8_lossy(&found);
                found = text.replacen("<head>", "<head><script src=/eme-shim.js></script>", 1).into_bytes();
            }
            found
        }
    };
    let kind = match path.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("mp4") => "video/mp4",
        _ => "application/octet-stream",
    };
    ([(header::CONTENT_TYPE, kind)], body).into_response()
}

/// Serves these folders behind the pages of this test; the origin.
fn serve(further: &[&Path]) -> String {
    let mut folders = vec![repository().join("crates/e2e/www/shim")];
    folders.extend(further.iter().map(|folder| folder.to_path_buf()));
    let address = serve_pages(Router::new().fallback(file).with_state(Arc::new(folders)));
    format!("http://127.0.0.1:{}", address.port())
}

/// What players rely on, and the standard says: errors, order of events, a source buffer of 1 MB.
#[tokio::test]
async fn the_shim_keeps_to_the_standard() {
    let media = tempfile::tempdir().unwrap();
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-i"]).arg(&demo_film()[2]).args(["-map", "0:v:0", "-c", "copy"]);
    ffmpeg
        .args(["-movflags", "empty_moov+default_base_moof+frag_keyframe"])
        .arg(media.path().join("film.mp4"));
    assert!(ffmpeg.status().unwrap().success());
    let origin = serve(&[media.path()]);
    let browser = Browser::start().await;
    browser.open(&format!("{origin}/own.html")).await;
    let results = browser.until("the cases to end", "return window.results ?? null").await;
    let results: Vec<Case> = serde_json::from_value(results).unwrap();
    let failed: Vec<&Case> = results.iter().filter(|case| !case.passed).collect();
    assert!(results.len() >= 10 && failed.is_empty(), "{failed:#?}");
    browser.quit().await;
}

/// W3C's cases for ClearKey, on the shim, which answers to that name; usage records are not part of the
/// standard any more.
#[tokio::test]
#[ignore = "takes a checkout of the web-platform-tests, which `cargo xtask wpt` names"]
async fn w3c_web_platform_tests() {
    let Some(suite) = std::env::var_os("MATINEE_WPT").map(PathBuf::from) else {
        eprintln!(
            "SKIPPED: MATINEE_WPT names no checkout of the web-platform-tests: cargo xtask wpt --suite FOLDER"
        );
        return;
    };
    let folder = std::fs::read_dir(suite.join("encrypted-media")).expect("encrypted-media in the suite");
    let names = folder.map(|file| file.unwrap().file_name().into_string().unwrap());
    let is_case = |name: &String| {
        name.starts_with("clearkey-") && name.ends_with(".html") && !name.contains("usage-record")
    };
    let mut names: Vec<String> = names.filter(is_case).collect();
    names.sort();
    let origin = serve(&[&suite]);
    let browser = Browser::start().await;
    let mut results = BTreeMap::<String, Vec<Case>>::new();
    // A few at a time: what a page waits for has to be within the patience of one wait.
    for names in names.chunks(6) {
        browser.open(&format!("{origin}/run.html?cases={}", names.join(","))).await;
        let ended = browser.until("the cases to end", "return window.results").await;
        results.extend(serde_json::from_value::<BTreeMap<String, Vec<Case>>>(ended).unwrap());
    }
    browser.quit().await;
    let (mut passed, mut all) = (0, 0);
    for (name, cases) in &results {
        let good = cases.iter().filter(|case| case.passed).count();
        println!("{name}: {good} of {}", cases.len());
        (passed, all) = (passed + good, all + cases.len());
        // Today's suite has files for https under names that say so.
        let known = if KNOWN.contains(&name.replace(".https", "").as_str()) { "known" } else { "NEW" };
        for case in cases.iter().filter(|case| !case.passed) {
            println!("  {known}: {}: {}", case.name, case.message);
        }
    }
    println!("{passed} of {all} passed");
    assert!(passed > 0 && passed * 10 >= all * 9, "{passed} of {all} passed");
}
