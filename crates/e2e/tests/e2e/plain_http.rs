//! Sites that are no secure context to the browser, and browsers without SIMD: there the DRM module's second
//! build serves.

use e2e::{Browser, MOVIE, Server, Stage, TITLE, Viewing};
use shaper::{Fault, Kind, Rule};

/// A name that is no loopback address to the browser.
const HOST: &str = "tv.lan";
const RESOLVE: &str = "--host-resolver-rules=MAP tv.lan 127.0.0.1";

fn key_levels(server: &Server) -> Vec<String> {
    server.devices().into_iter().map(|device| device.key_level).collect()
}

/// Names of the DRM module's files that were asked for.
fn modules(stage: &Stage) -> Vec<String> {
    let assets = stage.requests(Kind::Asset).into_iter().map(|exchange| exchange.path);
    let mut names: Vec<String> = assets
        .filter_map(|path| Some(path.strip_prefix("/assets/")?.rsplit_once('-')?.0.to_owned()))
        .filter(|name| name.starts_with("decryptor") && name != "decryptor-worker")
        .collect();
    names.sort();
    names.dedup();
    names
}

/// A page of a LAN, by plain http: no `crypto.subtle`. The film plays, encrypted as ever, with keys of level
/// `software`, and a reload finds the identity again. A86, A90, A95, C5.
#[tokio::test]
async fn a_film_plays_on_a_plain_http_page_of_the_lan() {
    let stage = Stage::start_at(HOST, "").await;
    let browser = Browser::start_with(&[RESOLVE]).await;
    let viewing = Viewing::new(&browser, &stage).await;
    let insecure: bool = browser.eval("return !isSecureContext && crypto.subtle === undefined").await;
    assert!(insecure, "{} must be no secure context", stage.url());
    viewing.click().await;
    viewing.play(4.0, None, 4.0).await;
    let decoded: u64 = viewing.video("return v.getVideoPlaybackQuality().totalVideoFrames").await;
    assert!(decoded > 0);
    assert_eq!(modules(&stage), ["decryptor_compat", "decryptor_compat_bg"]);
    assert_eq!(key_levels(&stage.server), ["software"]);
    assert_eq!(stage.requests(Kind::Individualize).len(), 1);

    viewing.open().await;
    assert_eq!(stage.requests(Kind::Individualize).len(), 1, "found again");
    assert_eq!(key_levels(&stage.server).len(), 1);
    let log = stage.server.log().0;
    assert!(log.contains("plain http: for trusted networks only"), "{log}");
    browser.quit().await;
}

/// A89: octets that are not the module's are refused before they run, where scripts cannot hash, too.
#[tokio::test]
async fn an_altered_module_is_refused_before_it_runs() {
    let stage = Stage::start_at(HOST, "").await;
    let fault = Fault::Corrupt { offset: 1000, length: 1 };
    stage.site.add_rule(Rule::new("/assets/decryptor_compat_bg-*", fault));
    let browser = Browser::start_with(&[RESOLVE]).await;
    browser.sign_in_at(&stage.url()).await;
    browser.open(&format!("{}/watch?movieid={MOVIE}", stage.url())).await;
    browser.says("The protection module is out of date").await;
    assert!(stage.requests(Kind::Individualize).is_empty());
    assert!(key_levels(&stage.server).is_empty());
    browser.quit().await;
}

/// A processor without the instructions that WebAssembly's SIMD needs: the second build, although there is
/// `crypto.subtle`. A10.
#[tokio::test]
async fn a_film_plays_without_simd() {
    let stage = Stage::start(0, "").await;
    let browser = Browser::start_with(&["--js-flags=--no-enable-sse4-1"]).await;
    let viewing = Viewing::new(&browser, &stage).await;
    let simd = "const probe = [0,97,115,109,1,0,0,0,1,4,1,96,0,0,3,2,1,0,10,23,1,21,0,253,12,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,26,11];
        return WebAssembly.validate(new Uint8Array(probe))";
    if browser.eval::<bool>(simd).await {
        println!("not run: this browser's SIMD cannot be taken away by a flag");
        return browser.quit().await;
    }
    viewing.click().await;
    viewing.play(4.0, None, 4.0).await;
    assert_eq!(modules(&stage), ["decryptor_compat", "decryptor_compat_bg"]);
    assert_eq!(key_levels(&stage.server), ["software"]);
    browser.quit().await;
}

/// The ordinary case beside these: localhost is a secure context, and the small module serves.
#[tokio::test]
async fn localhost_gets_the_module_with_webcrypto() {
    let stage = Stage::start(0, "").await;
    let browser = Browser::start().await;
    browser.sign_in_at(&stage.url()).await;
    browser.film(TITLE).await.click().await.unwrap();
    browser.until("the film to play", "return document.querySelector('video')?.currentTime > 0").await;
    assert_eq!(modules(&stage), ["decryptor", "decryptor_bg"]);
    assert_eq!(key_levels(&stage.server), ["webcrypto"]);
    assert!(!stage.server.log().0.contains("plain http"));
    browser.quit().await;
}
