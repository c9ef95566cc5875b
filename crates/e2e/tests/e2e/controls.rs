//! The player's controls in a browser: by mouse and key, and what the browser and the system hear of it.

use e2e::{Browser, Stage, TITLE, Viewing};
use serde_json::json;

use crate::switching::choose;

const KEY: &str = "const press = key => document.body.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));";

/// Two clicks on the picture are full screen, and the film goes on; two more lead back. The browser is told
/// here which click is the second one: by itself it goes by time.
#[tokio::test]
async fn a_double_click_is_full_screen() {
    let stage = Stage::start(0, "").await;
    let browser = Browser::start().await;
    let viewing = Viewing::new(&browser, &stage).await;
    viewing.click().await;
    let click = async |count: u32| {
        for kind in ["mousePressed", "mouseReleased"] {
            let event = json!({ "type": kind, "x": 640, "y": 400, "button": "left", "clickCount": count });
            browser.driver().cdp().send_raw("Input.dispatchMouseEvent", event).await.unwrap();
        }
    };
    for expected in [true, false] {
        click(1).await;
        click(2).await;
        viewing.until("full screen, or back", &format!("!!document.fullscreenElement == {expected}")).await;
        viewing.until("the film to play", "!v.paused").await;
    }
    click(1).await;
    viewing.until("the pause", "v.paused").await;
    browser.quit().await;
}

/// The system hears of title and state, and what it asks for is done.
#[tokio::test]
async fn the_system_hears_of_the_film() {
    // Nothing can press a media key here: the handlers are noted as the page sets them.
    const HOOK: &str = "
        window.handlers = {};
        const set = MediaSession.prototype.setActionHandler;
        MediaSession.prototype.setActionHandler = function (action, handler) { handlers[action] = handler; return set.call(this, action, handler) };";
    let stage = Stage::start(0, "").await;
    let browser = Browser::start().await;
    browser.before_each_page(HOOK).await;
    let viewing = Viewing::new(&browser, &stage).await;
    viewing.open().await;
    let session = "navigator.mediaSession";
    viewing.until("the title", &format!("{session}.metadata?.title == '{TITLE}'")).await;
    viewing.until("the state", &format!("{session}.playbackState == 'playing'")).await;
    viewing
        .until(
            "all actions",
            "['play', 'pause', 'stop', 'seekbackward', 'seekforward', 'seekto'].every(a => handlers[a])",
        )
        .await;
    let _: bool = viewing.video("handlers.pause({}); return true").await;
    viewing.until("the pause", &format!("v.paused && {session}.playbackState == 'paused'")).await;
    let _: bool = viewing.video("handlers.seekto({ seekTime: 30 }); return true").await;
    viewing.until("the place", "Math.abs(v.currentTime - 30) < 0.1 && !v.seeking").await;
    let _: bool = viewing.video("handlers.seekbackward({}); return true").await;
    viewing.until("ten seconds before", "Math.abs(v.currentTime - 20) < 0.1 && !v.seeking").await;
    let _: bool = viewing.video("handlers.play({}); return true").await;
    viewing.until("the film to go on", "!v.paused && v.currentTime > 20.2").await;
    browser.quit().await;
}

/// The chosen quality is there again at the next visit; so is the data saver, which says that it is what
/// limits.
#[tokio::test]
async fn the_quality_is_kept() {
    let stage = Stage::start(0, "").await;
    let browser = Browser::start().await;
    let viewing = Viewing::new(&browser, &stage).await;
    viewing.open().await;
    choose(&viewing, "240").await;
    viewing.until("the small picture", "v.videoHeight == 240").await;
    viewing.open().await;
    viewing.until("the small picture at once", "v.videoHeight == 240").await;
    let open = "document.querySelector('button[title=Settings]').click(); return true";
    let checked = |name: &str| {
        format!(
            "return document.querySelector('[aria-label=Quality] [aria-checked=true]')?.textContent.startsWith('{name}')"
        )
    };
    let _: bool = browser.eval(open).await;
    browser.until("the choice", &checked("240p")).await;
    let _: bool = browser.eval(open).await;
    crate::switching::set(&viewing, "Quality", "Data saver").await;
    viewing.open().await;
    let _: bool = browser.eval(open).await;
    browser.until("the data saver", &checked("Data saver")).await;
    let height: u32 = viewing.video("return v.videoHeight").await;
    assert!(height <= 480, "{height}");
    browser.quit().await;
}

/// The numbers are shown by a key, and name the host without what opens its files.
#[tokio::test]
async fn the_numbers_are_shown_by_a_key() {
    let stage = Stage::start(1, "").await;
    let browser = Browser::start().await;
    let viewing = Viewing::new(&browser, &stage).await;
    viewing.open().await;
    let _: bool = browser.eval(&format!("{KEY} press('i'); return true")).await;
    let shown = "document.querySelector('section[aria-label=Statistics]')?.innerText";
    let host = stage.media().address().to_string();
    let port = host.rsplit(':').next().unwrap();
    browser.until("the host", &format!("return {shown}?.includes(':{port}')")).await;
    browser.until("the codec", &format!("return {shown}?.includes('avc1')")).await;
    let text: String = browser.eval(&format!("return {shown}")).await;
    assert!(!text.contains("/s/") && !text.contains('?'), "{text}");
    let _: bool = browser.eval(&format!("{KEY} press('i'); return true")).await;
    browser.until("them to go", "return !document.querySelector('section[aria-label=Statistics]')").await;
    browser.quit().await;
}

/// Without a network the film plays on from the buffer, says so once nothing is left, and goes on by itself.
#[tokio::test]
async fn offline_the_film_waits_and_goes_on_by_itself() {
    let stage = Stage::start(0, "").await;
    let browser = Browser::start().await;
    let viewing = Viewing::new(&browser, &stage).await;
    viewing.open().await;
    let network = |offline: bool| {
        let arguments =
            json!({ "offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1 });
        let cdp = browser.driver().cdp();
        async move { cdp.send_raw("Network.emulateNetworkConditions", arguments).await.unwrap() }
    };
    network(true).await;
    viewing.until("no network", "!navigator.onLine").await;
    // A place that is not there.
    let _: bool = viewing.video("v.currentTime = 55; v.play(); return true").await;
    browser.says("You are offline.").await;
    assert_eq!(viewing.sight().await.alert, None);
    network(false).await;
    viewing.until("the film to go on", "!v.seeking && v.currentTime > 55.2").await;
    browser.quit().await;
}

/// The page about a code needs no session, and an alert leads to it.
#[tokio::test]
async fn codes_have_pages_without_a_session() {
    let stage = Stage::start(0, "").await;
    let browser = Browser::start().await;
    browser.open(&format!("{}/help/MEDIA_UNREACHABLE", stage.url())).await;
    browser.says("No media server can be reached").await;
    browser.sign_in_at(&stage.url()).await;
    browser.open(&format!("{}/watch?movieid=999", stage.url())).await;
    browser.says("No such title").await;
    let link = "return document.querySelector('.details a')?.getAttribute('href')";
    assert_eq!(browser.until("the link", link).await, "/help/MOVIE_UNKNOWN");
    browser.button("Copy details").await;
    browser.quit().await;
}
