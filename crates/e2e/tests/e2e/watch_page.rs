//! The watch page as a viewer uses it.

use e2e::{Browser, MOVIE, Server, TITLE, eventually, free_port, messages};

const TIME: &str = "document.querySelector('video')?.currentTime";

/// A21, A22: the film resumes where it was left, after a reload as after a visit to the library, which shows
/// how far it was seen; “Start over” goes to its beginning.
#[tokio::test]
async fn the_film_goes_on_where_it_was_left() {
    let server = Server::start().await;
    let browser = Browser::start().await;
    browser.sign_in(&server).await;
    browser.film(TITLE).await.click().await.unwrap();
    browser.until("the film to play", &format!("return {TIME} > 0.2")).await;
    browser.says("1:00").await; // its length
    let offered = "return [...document.querySelectorAll('button')].some(b => b.innerText === 'Start over')";
    let resumed: bool = browser.eval(offered).await;
    assert!(!resumed, "nothing to go on from");

    let _: bool = browser.eval("document.querySelector('video').currentTime = 40; return true").await;
    browser
        .until("the seek", &format!("return {TIME} > 40.2 && !document.querySelector('video').seeking"))
        .await;
    browser.driver().refresh().await.unwrap();
    browser.until("the film to go on", &format!("return {TIME} > 39.5 && {TIME} < 50")).await;
    browser.says("Resuming at 0:4").await;

    browser.driver().back().await.unwrap();
    browser.says("Stopped at 0:4").await;
    let seen: String =
        browser.eval("return document.querySelector('.seen').style.getPropertyValue('--seen')").await;
    let seen: f64 = seen.parse().unwrap();
    assert!((0.65..0.85).contains(&seen), "{seen}");
    browser.film(TITLE).await.click().await.unwrap();
    browser.until("the film to go on again", &format!("return {TIME} > 39.5")).await;
    browser.button("Start over").await.click().await.unwrap();
    browser.until("the beginning", &format!("return {TIME} > 0 && {TIME} < 5")).await;
    browser
        .until("the offer to go", &format!("return !({}) || null", offered.trim_start_matches("return ")))
        .await;

    // What the server knows is what the last position was, after the page has gone as well.
    browser.open(&format!("{}/library", server.url())).await;
    eventually("the resume position", || async {
        let movies = "return fetch('/api/library').then(a => a.json()).then(l => l.movies)";
        let movies: serde_json::Value = browser.eval(movies).await;
        let film = movies.as_array()?.iter().find(|film| film["movie_id"] == MOVIE)?.clone();
        film["position"].as_f64().filter(|position| *position < 10.0)
    })
    .await;
    browser.quit().await;
}

/// Whoever comes by a film's address (a link, a reload, an embed) loads the player alone, and the site when
/// the film is left, by its link or a step back. A click within the site loads nothing.
#[tokio::test]
async fn a_film_by_its_address_loads_the_player_alone() {
    // What the page has asked for, by the first time: the apps, and the film.
    const LOADED: &str = "performance.getEntriesByType('resource').sort((a, b) => a.startTime - b.startTime)
        .map(e => e.name.includes('/s/') ? 'film' : e.name.match(/\\/(matinee|matinee_watch)_bg-/)?.[1])
        .filter((name, at, all) => name && all.indexOf(name) === at)";
    let server = Server::start().await;
    let browser = Browser::start().await;
    browser.sign_in(&server).await;
    let loaded = async || browser.eval::<Vec<String>>(&format!("return {LOADED}")).await;
    let plays = format!("return {TIME} > 0.2");
    // The site's files come behind the film's, once that plays.
    let has_player_alone = |loaded: &[String]| {
        let at = |name: &str| loaded.iter().position(|other| other == name);
        loaded[0] == "matinee_watch"
            && at("matinee").is_none_or(|site| at("film").is_some_and(|film| film < site))
    };
    browser.open(&format!("{}/watch?movieid={MOVIE}", server.url())).await;
    browser.until("the film to play", &plays).await;
    let apps = loaded().await;
    assert!(has_player_alone(&apps), "{apps:?}");

    let _: bool =
        browser.eval("window.left = false; document.querySelector('a.leave').click(); return true").await;
    browser.arrives_at("/library").await;
    browser.film(TITLE).await;
    assert_eq!(loaded().await[0], "matinee");
    let _: bool = browser.eval("window.kept = true; return true").await;
    browser.film(TITLE).await.click().await.unwrap();
    browser.until("the film to play after a click", &plays).await;
    assert!(browser.eval::<bool>("return window.kept === true && window.left === undefined").await);
    assert!(!loaded().await.contains(&"matinee_watch".to_owned()));

    browser.driver().refresh().await.unwrap();
    browser.until("the film to play after a reload", &plays).await;
    let apps = loaded().await;
    assert!(has_player_alone(&apps), "{apps:?}");
    browser.driver().back().await.unwrap();
    browser.arrives_at("/library").await;
    browser.film(TITLE).await;
    assert_eq!(loaded().await[0], "matinee");

    browser.open(&format!("{}/embed?movie={MOVIE}", server.url())).await;
    browser.until("the embed's app", &format!("return {LOADED}.includes('matinee_watch')")).await;
    assert_eq!(loaded().await, ["matinee_watch"]);
    browser.quit().await;
}

/// A19: that the film plays is reported once, after its first picture, and its last position when the page is
/// left. A107: where it is, is logged every minute.
#[tokio::test]
async fn a19_a107_what_the_player_reports() {
    // Notes the reports with the pictures shown by then. A minute of the page's timers is half a second here.
    const HOOK: &str = "
        const real = { fetch: window.fetch, beacon: navigator.sendBeacon, interval: window.setInterval };
        window.reports = [];
        const note = (kind, text) => {
            const { event, position } = JSON.parse(text);
            const v = document.querySelector('video');
            reports.push({ kind, event, position: position ?? null, pictures: v?.getVideoPlaybackQuality().totalVideoFrames ?? 0 });
        };
        window.fetch = async (...all) => {
            const request = new Request(...all);
            if (new URL(request.url).pathname === '/playerevent') note('fetch', await request.clone().text());
            return real.fetch.call(window, request);
        };
        // What a beacon says cannot be read from a page that is going away, but when it is made.
        window.Blob = class extends Blob { constructor(parts, options) { super(parts, options); this.said = parts?.[0] } };
        navigator.sendBeacon = function (url, body) {
            if (url === '/playerevent') localStorage.farewell = body.said;
            return real.beacon.call(navigator, url, body);
        };
        window.setInterval = (act, wait, ...rest) => real.interval.call(window, act, wait === 60000 ? 500 : wait, ...rest);";
    let metrics = free_port();
    let server = Server::start_with(&format!("[metrics]\nlisten = \"127.0.0.1:{metrics}\"\n")).await;
    let browser = Browser::start().await;
    browser.before_each_page(HOOK).await;
    browser.sign_in(&server).await;
    browser.film(TITLE).await.click().await.unwrap();
    browser.until("the film to play", &format!("return {TIME} > 0.5")).await;
    eventually("three logs", || async { (messages(metrics, "logblob").await >= 3).then_some(()) }).await;
    let _: bool = browser.eval("document.querySelector('video').pause(); return true").await;
    browser.until("the pause", "return document.querySelector('video').paused").await;
    let _: bool = browser.eval("document.querySelector('video').play(); return true").await;
    browser.until("play again", "return !document.querySelector('video').paused").await;
    let reports: serde_json::Value = browser.eval("return reports").await;
    let of = |event: &str| {
        let reports = reports.as_array().unwrap().iter();
        reports.filter(|report| report["event"] == event).cloned().collect::<Vec<_>>()
    };
    let [playing] = &of("playing")[..] else { panic!("{reports}") };
    assert!(playing["pictures"].as_u64().unwrap() > 0, "{reports}");
    assert_eq!(of("ready").len(), 1, "{reports}");
    assert!(of("error").is_empty(), "{reports}");

    browser.open(&format!("{}/healthz", server.url())).await;
    let farewell = browser.until("the last report", "return localStorage.farewell ?? null").await;
    let farewell: serde_json::Value = serde_json::from_str(farewell.as_str().unwrap()).unwrap();
    assert_eq!(farewell["event"], "hide");
    assert!(farewell["position"].as_f64().unwrap() > 0.5, "{farewell}");
    browser.quit().await;
}

/// Keys: digits jump, `?` lists the keys and its dialog has the keyboard until it is closed.
#[tokio::test]
async fn digits_jump_and_the_help_helps() {
    let server = Server::start().await;
    let browser = Browser::start().await;
    browser.sign_in(&server).await;
    browser.film(TITLE).await.click().await.unwrap();
    browser.until("the film to play", &format!("return {TIME} > 0.2")).await;
    let press = |keys: &'static str| {
        let chain = browser.driver().action_chain().send_keys(keys);
        async move { chain.perform().await.unwrap() }
    };
    press("5").await;
    browser.until("the middle", &format!("return {TIME} >= 30 && {TIME} < 36")).await;
    press("?").await;
    browser.says("Jump to a tenth of the film").await;
    press("9").await;
    press("\u{e00c}").await; // Escape
    browser.until("the help to go", "return !document.querySelector('dialog[open]')").await;
    let time: f64 = browser.eval(&format!("return {TIME}")).await;
    assert!(time < 50.0, "a dialog keeps the keys for itself: {time}");
    let _: bool = browser
        .eval(
            "window.notes = []; const note = document.querySelector('.note');
             new MutationObserver(() => notes.push(note.innerText)).observe(note, { childList: true, characterData: true, subtree: true });
             return true",
        )
        .await;
    press("m").await;
    browser.until("the note", "return notes.some(note => note.includes('Sound off'))").await;
    browser.quit().await;
}
