//! Sessions of the shim `eme.js`: keys that change, licenses that are renewed and that are kept.

use e2e::{Browser, Server, demo_film, repository, serve_players};
use serde_json::{Value, json};

use crate::eme::{grant, open};
use crate::players::Player;

/// The film's number.
const FILM: u64 = 2;

/// A server with the demo film under these rules, packaged with these options on top, that lets players'
/// pages have the frame; the pages' origin; and a grant for the film. `None` where the players are not
/// installed.
async fn film(rules: &str, options: &[&str]) -> Option<(Server, String, String)> {
    let origin = serve_players()?;
    let mut server = Server::start_public(&format!("embedders = [\"{origin}\"]")).await;
    std::fs::write(server.data().join("policies.toml"), format!("[own]\n{rules}\n")).unwrap();
    let (number, sound) = (FILM.to_string(), repository().join("media/demo/240p.mp4"));
    let mut package = vec!["package", "--movie", &number, "--title", "Film", "--policy", "own"];
    package.extend(["--audio", "lang=en,default", sound.to_str().unwrap()]);
    package.extend(options);
    let files = demo_film();
    package.extend(files.iter().map(|file| file.to_str().unwrap()));
    server.run(&package);
    // For the policy.
    assert!(server.stop());
    server.restart().await;
    let key = server.run(&["apikey", "create", "site", "--scope", "grants"]).trim().to_owned();
    let grant = grant(&server, &key, FILM, &origin).await;
    Some((server, origin, grant))
}

/// Shaka Player with the film in it.
async fn shaka<'a>(browser: &'a Browser, server: &Server, origin: &str, grant: &str) -> Player<'a> {
    open(browser, origin, server, "shaka", FILM, grant).await;
    let _: bool = browser.eval("performance.setResourceTimingBufferSize(10000); return true").await;
    let player = Player { browser, name: "shaka".to_owned(), is_clear: true };
    player.until("the player", "window.ready === true").await;
    let url = server.run(&["url", &FILM.to_string(), "--form", "dash"]);
    player.act(&format!("load('{}')", url.trim())).await;
    player.until("a picture", "video.readyState >= 2").await;
    player
}

/// So many times the page asked for a license.
const ASKED: &str =
    "performance.getEntriesByType('resource').filter(e => e.name.endsWith('/license')).length";

/// B65, B99: the first segment is clear, the key changes every 8 s, and Shaka Player plays over all borders
/// with the license that it began with; the pictures on both sides of them are the ones of their time, octet
/// for octet.
#[tokio::test]
async fn b65_another_player_plays_a_rotated_film_over_its_borders() {
    let Some((server, origin, grant)) = film("", &["--rotate", "2", "--clear-lead", "4s"]).await else {
        eprintln!("SKIPPED: MATINEE_PLAYERS is not set: cargo xtask test sets it where npm is");
        return;
    };
    let browser = Browser::start().await;
    let player = shaka(&browser, &server, &origin, &grant).await;
    let _: bool = browser.eval("video.playbackRate = 4; video.play(); return true").await;
    player.until("it to play what is protected", "video.currentTime > 6").await;
    let begun: u64 = browser.eval(&format!("return {ASKED}")).await;
    player.until("the end", "video.ended").await;
    for border in (1..8).map(|period| period * 2 * 4 * demo_film::FPS) {
        player.shows(border - 1).await;
        player.shows(border).await;
    }
    let asked: u64 = browser.eval(&format!("return {ASKED}")).await;
    assert!(begun > 0 && asked == begun, "{begun} licenses at first, {asked} at the end");
    browser.quit().await;
}

/// A license of 20 s that is looked at all the time: the shim asks for the next one (`license-renewal`),
/// Shaka Player brings it, and the film goes on past the end of the first.
#[tokio::test]
#[ignore = "needs the machine for itself"]
async fn another_player_renews_its_license() {
    let rules = "validity = \"20s\"\nrenew_after = \"8s\"\ncheck = \"continuous\"";
    let Some((server, origin, grant)) = film(rules, &[]).await else {
        eprintln!("SKIPPED: MATINEE_PLAYERS is not set");
        return;
    };
    let browser = Browser::start().await;
    let player = shaka(&browser, &server, &origin, &grant).await;
    let begun: u64 = browser.eval(&format!("video.play(); return {ASKED}")).await;
    player.until("26 s", "video.currentTime > 26").await;
    let asked: u64 = browser.eval(&format!("return {ASKED}")).await;
    assert!(asked >= begun + 2, "{begun} licenses at first, {asked} after 26 s");
    browser.quit().await;
}

/// Shaka Player with the film, until it says what is wrong.
async fn trouble(browser: &Browser, server: &Server, origin: &str, grant: &str) -> String {
    open(browser, origin, server, "shaka", FILM, grant).await;
    browser.until("the player", "return window.ready ?? window.trouble ?? null").await;
    let url = server.run(&["url", &FILM.to_string(), "--form", "dash"]);
    let _: bool = browser.eval(&format!("act.load('{}'); video.play(); return true", url.trim())).await;
    let trouble = browser.until("the player's error", "return window.trouble ?? null").await;
    trouble.as_str().unwrap_or_default().to_owned()
}

/// A license of 8 s that nobody renews ends while the film plays, and Shaka Player says so by its own code
/// (6014, or the module's where the license was over before it came).
#[tokio::test]
async fn a_license_that_ends_is_the_players_error() {
    let Some((server, origin, grant)) = film("validity = \"8s\"\ncheck = \"continuous\"", &[]).await else {
        eprintln!("SKIPPED: MATINEE_PLAYERS is not set");
        return;
    };
    let browser = Browser::start().await;
    let trouble = trouble(&browser, &server, &origin, &grant).await;
    assert!(trouble.contains("6014") || trouble.contains("LICENSE_EXPIRED"), "{trouble}");
    browser.quit().await;
}

/// A second browser of a viewer who may have one film at a time: Shaka Player's error has our code.
#[tokio::test]
async fn a_stream_too_many_is_the_players_error_with_our_code() {
    let Some((server, origin, _)) = film("", &[]).await else {
        eprintln!("SKIPPED: MATINEE_PLAYERS is not set");
        return;
    };
    let key = server.run(&["apikey", "create", "one", "--scope", "grants"]).trim().to_owned();
    let body =
        json!({"subject": "u-7", "movies": [FILM], "origin": origin, "expires_in": 3600, "streams": 1});
    let post = reqwest::Client::new().post(format!("{}/api/grants", server.url())).bearer_auth(key);
    let answer = post.json(&body).send().await.unwrap().error_for_status().unwrap();
    let grant = answer.json::<Value>().await.unwrap()["grant"].as_str().unwrap().to_owned();
    let first = Browser::start().await;
    shaka(&first, &server, &origin, &grant).await;
    let second = Browser::start().await;
    let trouble = trouble(&second, &server, &origin, &grant).await;
    assert!(trouble.contains("STREAM_LIMIT"), "{trouble}");
    for browser in [first, second] {
        browser.quit().await;
    }
}

/// A session of the type `persistent-license`: what was licensed once is loaded by the session's name without
/// asking, until it is removed. And what the standard has MediaKeys say of HDCP.
#[tokio::test]
async fn a_license_is_kept_loaded_and_removed() {
    let Some((server, origin, grant)) = film("persistent = true", &[]).await else {
        eprintln!("SKIPPED: MATINEE_PLAYERS is not set");
        return;
    };
    let browser = Browser::start().await;
    // The film is the one that the grant is for.
    open(&browser, &origin, &server, "none", 0, &grant).await;
    browser.until("the shim", "return window.ready ?? window.trouble ?? null").await;
    let keys = "const wanted = { initDataTypes: ['keyids'], sessionTypes: ['persistent-license'],
            videoCapabilities: [{ contentType: 'video/mp4; codecs=\"avc1.42E01E\"' }] };
         const access = await navigator.requestMediaKeySystemAccess('org.matinee.drm', [wanted]);
         const keys = await access.createMediaKeys();";
    let kept: Value = browser
        .eval(&format!(
            "{keys}
             const session = keys.createSession('persistent-license');
             const message = new Promise(done => session.onmessage = done);
             await session.generateRequest('keyids', new Uint8Array([123, 125]));
             await session.update(await matinee.fetch((await message).message));
             const statuses = [...session.keyStatuses.values()];
             await session.close();
             return [session.sessionId, statuses.length > 0, statuses.every(status => status === 'usable'),
                 await session.closed]"
        ))
        .await;
    assert_eq!(kept, json!(["matinee-2", true, true, "closed-by-application"]));

    // It is written while the page goes on.
    let load = format!(
        "{keys}
         const session = keys.createSession('persistent-license');
         const before = {ASKED};
         if (!await session.load('matinee-2')) return null;
         return [session.sessionId, session.keyStatuses.size > 0, {ASKED} - before]"
    );
    let loaded = browser.until("the license to be kept", &load).await;
    assert_eq!(loaded, json!(["matinee-2", true, 0]));

    let removed: Value = browser
        .eval(&format!(
            "{keys}
             const session = keys.createSession('persistent-license');
             await session.load('matinee-2');
             await session.remove();
             const statuses = [...session.keyStatuses.values()];
             const other = keys.createSession('persistent-license');
             return [statuses.length > 0, statuses.every(status => status === 'released'), await other.load('matinee-2')]"
        ))
        .await;
    assert_eq!(removed, json!([true, true, false]));

    let policy: Value = browser
        .eval(&format!(
            "{keys}
             const said = policy => keys.getStatusForPolicy(policy).catch(error => error.name);
             return [await said({{ minHdcpVersion: '1.4' }}), await said({{}}), await keys.setServerCertificate(new Uint8Array(1))]"
        ))
        .await;
    assert_eq!(policy, json!(["NotSupportedError", "TypeError", false]));
    browser.quit().await;
}
