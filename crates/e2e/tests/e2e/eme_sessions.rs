//! Sessions of the shim `eme.js`: licenses that are kept.

use e2e::{Browser, Server, demo_film, repository, serve_players};
use serde_json::{Value, json};

use crate::eme::{grant, open};

/// The film's number.
const FILM: u64 = 2;

/// A server with the demo film under these rules that lets players' pages have the frame; the pages' origin;
/// and a grant for the film. `None` where the players are not installed.
async fn film(rules: &str) -> Option<(Server, String, String)> {
    let origin = serve_players()?;
    let mut server = Server::start_public(&format!("embedders = [\"{origin}\"]")).await;
    std::fs::write(server.data().join("policies.toml"), format!("[own]\n{rules}\n")).unwrap();
    let (number, sound) = (FILM.to_string(), repository().join("media/demo/240p.mp4"));
    let mut package = vec!["package", "--movie", &number, "--title", "Film", "--policy", "own"];
    package.extend(["--audio", "lang=en,default", sound.to_str().unwrap()]);
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

/// So many times the page asked for a license.
const ASKED: &str =
    "performance.getEntriesByType('resource').filter(e => e.name.endsWith('/license')).length";

/// A session of the type `persistent-license`: what was licensed once is loaded by the session's name without
/// asking, until it is removed. And what the standard has MediaKeys say of HDCP.
#[tokio::test]
async fn a_license_is_kept_loaded_and_removed() {
    let Some((server, origin, grant)) = film("persistent = true").await else {
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
