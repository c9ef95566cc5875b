//! Policies in a real browser: renewal, displays, forced updates, picture height, the player's release, kept
//! licenses.

use e2e::{Browser, MOVIE, Server, Stage, Viewing, eventually, free_port};
use serde_json::Value;

/// What the page can see of the displays becomes `window.extended`: false, true, or undefined.
const DISPLAYS: &str = "window.extended = false;
    Object.defineProperty(screen, 'isExtended', { configurable: true, get: () => window.extended });";

async fn set_display(browser: &Browser, extended: &str) {
    let script =
        format!("window.extended = {extended}; screen.dispatchEvent(new Event('change')); return true");
    let _: bool = browser.eval(&script).await;
}

/// Renewal: a film under a license of 20 s, looked at continuously, plays on without a stall, because the
/// player gets the next license in time; when it gets none any more, the film ends with the license, in words
/// (B14's other side).
#[tokio::test]
#[ignore = "needs the machine for itself"]
async fn licenses_are_renewed_without_a_stall() {
    let stage = Stage::start(0, "").await;
    stage.server.set_policy("validity = \"20s\"\nrenew_after = \"8s\"\ncheck = \"continuous\"").await;
    let browser = Browser::start().await;
    let viewing = Viewing::new(&browser, &stage).await;
    viewing.click().await;
    viewing.until("26 s", "v.currentTime > 26").await;
    let sight = viewing.sight().await;
    assert!(sight.stalls.is_empty(), "{sight:?}");

    stage.server.set_policy("key_level = \"box\"").await;
    let alert = viewing.alert().await;
    assert!(alert.contains("license has ended"), "{alert}");
    browser.quit().await;
}

/// B56, B57, B58, B59, B60: with `required` a second display pauses the film in words until it is gone; where
/// there is one, or nobody knows, the film does not begin. `best_available` plays all the same.
#[tokio::test]
async fn b56_b60_displays_are_watched() {
    let stage = Stage::start(0, "").await;
    stage.server.set_policy("output.digital = \"required\"").await;
    let browser = Browser::start().await;
    browser.before_each_page(DISPLAYS).await;
    let viewing = Viewing::new(&browser, &stage).await;
    viewing.click().await;

    set_display(&browser, "true").await;
    viewing.until("the pause", "v.paused").await;
    browser.says("one display only").await;
    let before: f64 = viewing.video("v.play().catch(() => 0); return v.currentTime").await;
    // Back in the buffer nothing is lost; ahead nothing is decrypted: both wait.
    viewing.until("the pause to hold", "v.paused").await;
    set_display(&browser, "false").await;
    viewing.until("the film to go on", &format!("!v.paused && v.currentTime > {before} + 5")).await;
    let hidden = "return !document.body.innerText.includes('one display only')";
    browser.until("the words to go", hidden).await;

    for (extended, plays) in [("true", false), ("undefined", false), ("true", true)] {
        if plays {
            stage.server.set_policy("output.digital = \"best_available\"").await;
        }
        browser.before_each_page(&format!("window.extended = {extended}")).await;
        viewing.load().await;
        if plays {
            viewing.plays().await;
        } else {
            let alert = viewing.alert().await;
            assert!(alert.contains("second display"), "{extended}: {alert}");
        }
    }
    browser.quit().await;
}

/// B15, B78: an operator's change reaches the running player with its next report: a lower picture is
/// adopted, a player that may not play any more stops.
#[tokio::test]
async fn b15_changed_rules_are_adopted_or_stop_the_film() {
    let stage = Stage::start(0, "[drm]\nupdate_strategy = \"force\"").await;
    stage.server.set_policy("validity = \"24h\"").await;
    let browser = Browser::start().await;
    let viewing = Viewing::new(&browser, &stage).await;
    viewing.click().await;
    viewing.until("a higher picture", "v.videoHeight > 240").await;

    stage.server.set_policy("validity = \"24h\"\nmax_height.webcrypto = 240").await;
    // A pause is reported at once.
    let report = "v.pause(); return v.play().then(() => true, () => true)";
    let _: bool = viewing.video(report).await;
    viewing.until("the lower picture", "v.videoHeight == 240 && !v.paused").await;

    stage.server.set_policy("key_level = \"box\"").await;
    let _: bool = viewing.video(report).await;
    let alert = viewing.alert().await;
    assert!(alert.contains("keeps its keys better"), "{alert}");
    browser.quit().await;
}

/// B76: the player's release on a whitelist is the one that the site serves (to whoever comes by the film's
/// address), or nothing plays.
#[tokio::test]
async fn b76_only_the_listed_release_plays() {
    let stage = Stage::start(0, "").await;
    let browser = Browser::start().await;
    let viewing = Viewing::new(&browser, &stage).await;
    let release: String = browser
        .eval(&format!(
            "return (async () => {{
                const page = await (await fetch('/watch?movieid={MOVIE}')).text();
                const [, address] = page.match(/name=\"matinee-app\" content=\"([^\"]+)\"/);
                const app = await (await fetch(address)).arrayBuffer();
                const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', app));
                return Array.from(hash, b => b.toString(16).padStart(2, '0')).join('');
            }})()"
        ))
        .await;
    let (first, rest) = release.split_at(1);
    let other = format!("{}{rest}", if first == "0" { "1" } else { "0" });
    for (release, plays) in [(&release, true), (&other, false)] {
        let rules = format!("players = [{{ origin = \"{}\", release = \"{release}\" }}]", stage.url());
        stage.server.set_policy(&rules).await;
        if plays {
            viewing.open().await;
        } else {
            viewing.load().await;
            let alert = viewing.alert().await;
            assert!(alert.contains("do not allow this player"), "{alert}");
        }
    }
    browser.quit().await;
}

/// Licenses that were asked for so far.
async fn licenses(port: u16) -> u64 {
    let numbers =
        reqwest::get(format!("http://127.0.0.1:{port}/metrics")).await.unwrap().text().await.unwrap();
    let lines = numbers.lines().filter(|line| line.contains("matinee_messages_total{message=\"license\""));
    lines.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
}

/// Waits until the browser keeps so many licenses.
async fn keeps(browser: &Browser, count: u64) {
    let script = "return (async () => {
        const request = indexedDB.open('matinee-drm');
        const database = await new Promise((done, failed) => { request.onsuccess = () => done(request.result); request.onerror = failed });
        const keys = database.transaction('state').objectStore('state').getAllKeys();
        await new Promise((done, failed) => { keys.onsuccess = done; keys.onerror = failed });
        database.close();
        return keys.result.filter(key => String(key).startsWith('license/')).length;
    })()";
    eventually(&format!("{count} kept licenses"), || async {
        (browser.eval::<Value>(script).await.as_u64() == Some(count)).then_some(())
    })
    .await;
}

/// A persistent license is used at the next start without asking for one, even where none would be given any
/// more (B6); it goes when it has ended, and with its device.
#[tokio::test]
async fn persistent_licenses_are_kept_until_they_end() {
    let port = free_port();
    let stage = Stage::start(0, &format!("[metrics]\nlisten = \"127.0.0.1:{port}\"")).await;
    let rules = "validity = \"30s\"\npersistent = true";
    stage.server.set_policy(rules).await;
    let browser = Browser::start().await;
    let viewing = Viewing::new(&browser, &stage).await;
    viewing.click().await;
    keeps(&browser, 1).await;
    let asked = licenses(port).await;
    stage.server.set_policy("key_level = \"box\"").await;
    viewing.open().await;
    viewing.until("some of the film", "v.currentTime > 1").await;
    assert_eq!(licenses(port).await, asked, "by the license that was kept");

    // What has started goes on past the license's end; the next start needs another.
    let _: bool = viewing.video("v.currentTime = 0; return true").await;
    viewing.until("31 s", "v.currentTime > 31").await;
    viewing.load().await;
    let alert = viewing.alert().await;
    assert!(alert.contains("keeps its keys better"), "{alert}");
    keeps(&browser, 0).await;

    stage.server.set_policy("persistent = true").await;
    viewing.open().await;
    keeps(&browser, 1).await;
    stage.server.run(&["device", "remove", &stage.server.devices()[0].id, "--now"]);
    stage.server.set_policy("key_level = \"box\"").await;
    let _: bool = viewing.video("v.pause(); return true").await;
    keeps(&browser, 0).await;
    browser.quit().await;
}

/// `matinee policy list` of a running site's data shows its own policies.
#[tokio::test]
async fn b9_own_policies_are_listed() {
    let server = Server::start().await;
    server.set_policy("validity = \"90m\"").await;
    let list = server.run(&["policy", "list"]);
    assert!(list.contains("validity 1h 30m from issue"), "{list}");
}
