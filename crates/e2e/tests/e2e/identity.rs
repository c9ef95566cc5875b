//! The device's identity: lost, and refused.

use e2e::{Browser, MOVIE, Server, Stage, TITLE};
use shaper::Kind;

const PLAYS: &str = "return document.querySelector('video')?.currentTime > 0";

/// Id and slot of the account's devices.
fn devices(server: &Server) -> Vec<(String, u64)> {
    server.devices().into_iter().map(|device| (device.id, device.slot.unwrap())).collect()
}

/// Takes away all that the site's pages have stored but cookies, as a browser does that runs out of space.
async fn evict(browser: &Browser, site: &str) {
    // A page without a worker, so that nobody holds the database.
    browser.open(&format!("{site}/healthz")).await;
    let script = "const gone = name => new Promise((resolve, reject) => {
            const request = indexedDB.deleteDatabase(name);
            request.onsuccess = resolve; request.onerror = reject;
        });
        const all = (await indexedDB.databases()).map(found => found.name);
        for (const name of all) await gone(name);
        localStorage.clear();
        return all.includes('matinee-drm')";
    assert!(browser.eval::<bool>(script).await, "there was a database");
}

/// A browser that lost its keys is the same device in the same slot; the same browser again within twelve
/// hours takes a new one. One that only lost its registration keeps its keys, and nobody individualizes. A36,
/// A47, A58.
#[tokio::test]
async fn lost_storage_recovers_into_its_own_slot() {
    let stage = Stage::start(0, "").await;
    let individualized = || stage.requests(Kind::Individualize).len();
    let browser = Browser::start().await;
    browser.sign_in_at(&stage.url()).await;
    browser.film(TITLE).await.click().await.unwrap();
    browser.until("the film to play", PLAYS).await;
    let first = devices(&stage.server);
    assert_eq!(first.len(), 1);

    let film = format!("{}/watch?movieid={MOVIE}", stage.url());
    browser.open(&format!("{}/healthz", stage.url())).await;
    let script =
        "const keys = Object.keys(localStorage).filter(key => key.startsWith('matinee.registration.'));
        keys.forEach(key => localStorage.removeItem(key)); return keys.length";
    assert_eq!(browser.eval::<u32>(script).await, 1);
    browser.open(&film).await;
    browser.until("the film to play, registered again", PLAYS).await;
    assert_eq!(devices(&stage.server), first);
    assert_eq!(individualized(), 1);

    evict(&browser, &stage.url()).await;
    browser.open(&film).await;
    browser.until("the film to play, with other keys", PLAYS).await;
    assert_eq!(devices(&stage.server), first);
    assert_eq!(individualized(), 2);

    evict(&browser, &stage.url()).await;
    browser.open(&film).await;
    browser.until("the film to play, in another slot", PLAYS).await;
    let now = devices(&stage.server);
    assert_eq!((now.len(), now[0] == first[0]), (2, true), "{now:?}");
    browser.quit().await;
}

/// A106: revoked keys get no license any more, whoever has them; other devices play on.
#[tokio::test]
async fn a_revoked_device_gets_no_license_and_others_do() {
    let mut server = Server::start().await;
    let [one, other] = [Browser::start().await, Browser::start().await];
    one.sign_in(&server).await;
    one.film(TITLE).await.click().await.unwrap();
    one.until("the film to play", PLAYS).await;
    let [(revoked, _)] = devices(&server).try_into().unwrap();
    server.run(&["device", "revoke", &revoked, "--note", "keys were published"]);
    let list = server.run(&["device", "revoked"]);
    assert!(list.contains(&revoked) && list.contains("keys were published"), "{list}");
    // A running server reads the list in its own time only.
    assert!(server.stop());
    server.restart().await;

    one.open(&format!("{}/watch?movieid={MOVIE}", server.url())).await;
    let alert =
        one.until("an alert", "return document.querySelector('[role=alert]')?.innerText || false").await;
    println!("the viewer reads: {alert}");
    let pictures = "return document.querySelector('video')?.getVideoPlaybackQuality().totalVideoFrames ?? 0";
    assert_eq!(one.eval::<u64>(pictures).await, 0);
    one.quit().await;

    other.sign_in(&server).await;
    other.film(TITLE).await.click().await.unwrap();
    other.until("the film to play", PLAYS).await;
    other.quit().await;
}
