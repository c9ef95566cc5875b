//! The study's table "What happens if you try to break the security?", row by row, by the words of its left
//! column. (Visiting from elsewhere is in `activation.rs` and `crates/server/tests/http/regions.rs`.)

use std::process::Command;

use e2e::{Browser, MOVIE, Server, Stage, TITLE, Viewing, eventually};
use serde_json::Value;
use shaper::Kind;

const PLAYS: &str = "return document.querySelector('video')?.currentTime > 0.5";

fn devices(server: &Server) -> Vec<String> {
    server.devices().into_iter().map(|device| device.id).collect()
}

async fn registered(server: &Server, count: usize) {
    eventually(&format!("{count} devices"), || async { (devices(server).len() == count).then_some(()) })
        .await;
}

/// "Share account credentials: only up to 6 devices will be allowed." "Attempt to authorize more than 6
/// devices: authorization will be rejected, and movie won't play." A37, A53. A50: each browser is a device,
/// on one machine, too.
#[tokio::test]
async fn sharing_credentials_ends_at_six_devices() {
    let server = Server::start().await;
    let mut last = None;
    for number in 1..=6 {
        let browser = Browser::start().await;
        browser.sign_in(&server).await;
        registered(&server, number).await;
        last = Some(browser);
    }
    let sixth = last.unwrap();
    sixth.film(TITLE).await.click().await.unwrap();
    sixth.until("the sixth device to play", PLAYS).await;
    sixth.quit().await;

    let seventh = Browser::start().await;
    seventh.sign_in(&server).await;
    seventh.open(&format!("{}/watch?movieid={MOVIE}", server.url())).await;
    seventh.says("Device Limit Reached").await;
    let video =
        "const v = document.querySelector('video'); return !v || (v.readyState === 0 && v.currentTime === 0)";
    assert!(seventh.eval::<bool>(video).await, "no picture");
    assert_eq!(devices(&server).len(), 6);
    seventh.quit().await;
}

/// "Playback from an unauthorized device: the device will be authorized automatically", without a word to the
/// viewer. A52.
#[tokio::test]
async fn an_unauthorized_device_is_authorized_by_playing() {
    let server = Server::start().await;
    let browser = Browser::start().await;
    browser.sign_in(&server).await;
    registered(&server, 1).await;
    let [first] = devices(&server).try_into().unwrap();
    server.run(&["device", "remove", &first, "--now"]);
    assert!(devices(&server).is_empty());
    browser.open(&format!("{}/watch?movieid={MOVIE}", server.url())).await;
    browser.until("the film to play", PLAYS).await;
    assert_eq!(devices(&server).len(), 1);
    browser.quit().await;
}

/// "De-authorize a device after playback starts: device will play movies for 12 hours, then be
/// re-authorized." That the ticket ends by the server's clock is the server's tests' to show; here the device
/// believes that it has. A54, A55.
#[tokio::test]
async fn a_deauthorized_device_plays_on_and_is_authorized_again_when_its_ticket_has_ended() {
    let server = Server::start().await;
    let browser = Browser::start().await;
    browser.sign_in(&server).await;
    browser.film(TITLE).await.click().await.unwrap();
    browser.until("the film to play", PLAYS).await;
    let [first] = devices(&server).try_into().unwrap();
    server.run(&["device", "remove", &first]);
    // A new start, with a new license: the ticket is still good, and nothing is registered for it.
    browser.driver().refresh().await.unwrap();
    browser.until("the film to play again", PLAYS).await;
    assert!(devices(&server).is_empty(), "the slot is free");

    let end =
        "for (const name of Object.keys(localStorage).filter(n => n.startsWith('matinee.registration.'))) {
        const kept = JSON.parse(localStorage[name]);
        localStorage[name] = JSON.stringify({ ...kept, expiration: 1, renewal: 1 });
    } return true";
    assert!(browser.eval::<bool>(end).await);
    browser.driver().refresh().await.unwrap();
    browser.until("the film to play once more", PLAYS).await;
    assert_eq!(devices(&server).len(), 1, "authorized again");
    browser.quit().await;
}

/// "Access video files directly (via web): content will be DRM protected, and only a player with a valid
/// license will play." Whoever has a URL has octets: without the URL's signature not even these, and without
/// the key no picture in them. A71, B23.
#[tokio::test]
async fn files_fetched_directly_show_no_picture() {
    let stage = Stage::start(1, "").await;
    let browser = Browser::start().await;
    let viewing = Viewing::new(&browser, &stage).await;
    viewing.open().await;
    let taken = stage.requests(Kind::Media);
    let taken = taken.first().unwrap();
    let site = stage.media().address();
    let whole = taken.path.split("/range/").next().unwrap();
    let get = async |path: &str| {
        let answer = reqwest::get(format!("http://{site}{path}")).await.unwrap();
        (answer.status().as_u16(), answer.bytes().await.unwrap())
    };
    assert_eq!(get(whole).await.0, 403, "without the signature");
    let (status, octets) = get(&format!("{whole}?{}", taken.query)).await;
    assert_eq!(status, 200, "{whole}?{}", taken.query);

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("taken.mp4");
    std::fs::write(&file, &octets).unwrap();
    let hashes = Command::new("ffmpeg")
        .args(["-v", "quiet", "-i"])
        .arg(&file)
        .args(["-map", "0:v:0", "-pix_fmt", "yuv420p", "-f", "framehash", "-hash", "sha256", "-"])
        .output()
        .unwrap();
    let hashes = String::from_utf8(hashes.stdout).unwrap();
    let pictures = e2e::pictures_of_ladder();
    let shown = hashes.lines().filter_map(|line| line.rsplit(", ").next()).filter(|hash| hash.len() == 64);
    let known = shown.filter(|hash| pictures.values().flatten().any(|picture| picture == hash)).count();
    assert_eq!(known, 0, "pictures of the film in the file as it is on the web");
    browser.quit().await;
}

/// "Somehow acquire the DRM license key: the key will be valid for just a single device; no other device will
/// accept it." A100, A101, A106, B2.
#[tokio::test]
async fn another_devices_license_is_not_accepted() {
    // Notes the license that comes; gives the one that was put in its place.
    const HOOK: &str = r"
        const real = window.fetch;
        const element = /(<(?:\w+:)?licensedata>)([^<]+)(<\/)/;
        window.fetch = async (...all) => {
            const answer = await real(...all);
            const url = String(all[0]?.url ?? all[0]);
            if (!url.includes('/nccp/controller')) return answer;
            const text = await answer.text();
            const found = text.match(element);
            if (found) window.license = found[2];
            const stolen = localStorage.stolen;
            const shown = found && stolen ? text.replace(element, (_, a, b, c) => a + stolen + c) : text;
            if (shown !== text) window.swapped = true;
            return new Response(shown, { status: answer.status, headers: answer.headers });
        };";
    let server = Server::start().await;
    let owner = Browser::start().await;
    owner.before_each_page(HOOK).await;
    owner.sign_in(&server).await;
    registered(&server, 1).await;
    owner.open(&format!("{}/watch?movieid={MOVIE}", server.url())).await;
    owner.until("the film to play", PLAYS).await;
    let license = owner.until("the license", "return window.license ?? null").await;
    let license = license.as_str().unwrap().to_owned();
    owner.quit().await;
    assert!(license.len() > 100, "{license}");

    let thief = Browser::start().await;
    thief.before_each_page(HOOK).await;
    thief.sign_in(&server).await;
    registered(&server, 2).await;
    let _: bool = thief.eval(&format!("localStorage.stolen = {}; return true", Value::from(license))).await;
    thief.open(&format!("{}/watch?movieid={MOVIE}", server.url())).await;
    let words = "const text = document.querySelector('[role=alert]')?.innerText; return /license/i.test(text) && text";
    thief.until("an alert about the license", words).await;
    assert!(thief.eval::<bool>("return window.swapped === true").await);
    // The playhead may stand where the account's other device left it; no picture was decoded.
    let pictures = "return document.querySelector('video')?.getVideoPlaybackQuality().totalVideoFrames ?? 0";
    assert_eq!(thief.eval::<u64>(pictures).await, 0);
    thief.quit().await;
}

/// A12: a script in the page that nobody meant to be there reaches no other host, starts no other worker, and
/// makes no markup of text.
#[tokio::test]
async fn a12_the_page_talks_to_its_own_servers_only() {
    let server = Server::start().await;
    let elsewhere = Server::start().await;
    let browser = Browser::start().await;
    browser.sign_in(&server).await;
    browser.film(TITLE).await.click().await.unwrap();
    browser.until("the film to play", PLAYS).await;
    let script = format!(
        "const violated = [];
        document.addEventListener('securitypolicyviolation', event => violated.push(event.effectiveDirective));
        const refused = [];
        const trying = async (name, act) => {{ try {{ await act(); }} catch {{ refused.push(name); }} }};
        const worker = document.querySelector('meta[name=matinee-app]').content;
        await trying('fetch', () => fetch('{}/healthz', {{ mode: 'no-cors' }}));
        document.querySelector('meta[name=matinee-worker]').content = worker;
        await trying('worker', () => new Worker(worker));
        await trying('markup', () => {{ document.body.innerHTML = '<b>bold</b>'; }});
        await trying('policy', () => trustedTypes.createPolicy('own', {{ createHTML: text => text }}));
        await trying('own', () => fetch('/healthz'));
        while (violated.length < 4) await new Promise(go => setTimeout(go, 20));
        return [refused, violated.sort()];",
        elsewhere.url()
    );
    let [refused, violated]: [Vec<String>; 2] = browser.eval(&script).await;
    assert_eq!(refused, ["fetch", "worker", "markup", "policy"]);
    assert_eq!(
        violated,
        ["connect-src", "require-trusted-types-for", "require-trusted-types-for", "trusted-types"]
    );
    browser.quit().await;
}
