//! What only time shows: runs in `cargo xtask soak`.

use std::time::{Duration, Instant};

use e2e::{Browser, Server, Stage, Viewing, is_soak};
use shaper::{Fault, Kind, Link, Rule};

use crate::buffers::cap;
use crate::live::{Encoder, create, frames, time, until};

/// How often the film of a minute is watched.
const ROUNDS: u32 = 10;

/// A70, and flat memory: ten minutes of play at 3 Mb/s and 80 ms, the film again and again, with URLs that
/// live for 60 s and source buffers that take 24 s: no stall, no refused request, no error, and the page's
/// processes are no larger at the end than after the second round, but for a quarter.
#[tokio::test]
#[ignore = "needs the machine for itself"]
async fn ten_minutes_with_short_urls_and_small_buffers() {
    if !is_soak() {
        println!("skipped: ten minutes long; `cargo xtask soak` runs it");
        return;
    }
    let stage = Stage::start(1, "[edge]\nurl_life = 60\n").await;
    let browser = Browser::start().await;
    browser.before_each_page(&cap(24.0)).await;
    let viewing = Viewing::new(&browser, &stage).await;
    stage.set_link(Link::new(3.0, 80));
    viewing.open().await;
    let started = Instant::now();
    let mut sizes = Vec::new();
    for round in 1..=ROUNDS {
        viewing.until("the middle", "v.currentTime > 30 && v.currentTime < 45").await;
        viewing.until("the end", "v.ended").await;
        let sight = viewing.sight().await;
        assert!(sight.stalls.is_empty() && sight.alert.is_none(), "round {round}: {sight:?}");
        sizes.push(browser.memory());
        let _: bool = viewing.video("v.currentTime = 0; v.play(); return true").await;
    }
    assert!(started.elapsed() > Duration::from_secs(50) * ROUNDS, "it played in real time");
    let media = stage.requests(Kind::Media);
    let refused: Vec<_> = media.iter().filter(|exchange| matches!(exchange.status, Some(400..))).collect();
    assert!(refused.is_empty(), "{refused:?}");
    let mut ends: Vec<&str> = media.iter().filter_map(|exchange| exchange.query.split('&').nth(1)).collect();
    ends.sort_unstable();
    ends.dedup();
    assert!(ends.len() as u32 >= ROUNDS, "URLs that end at {ends:?}");
    println!("octets of the page's processes after each round: {sizes:?}");
    assert!(sizes[sizes.len() - 1] * 4 <= sizes[1] * 5, "{sizes:?}");
    browser.quit().await;
}

/// Minutes that an event with keys that change every ten seconds is followed, unless
/// `MATINEE_ROTATION_MINUTES` says another number; an hour is 360 keys.
const MINUTES: u32 = 10;

/// B85: an event whose key changes every ten seconds is followed for minutes or an hour without a wait.
#[tokio::test]
#[ignore = "needs the machine for itself"]
async fn b85_a_key_every_ten_seconds_for_long() {
    if !is_soak() {
        println!("skipped: ten minutes long; `cargo xtask soak` runs it");
        return;
    }
    let said = std::env::var("MATINEE_ROTATION_MINUTES").ok();
    let minutes = said.map_or(MINUTES, |said| said.parse().expect("MATINEE_ROTATION_MINUTES: a number"));
    let server = Server::start_public("").await;
    let folder = server.data().join("live/school");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("application.toml"), "[encryption]\nrotate = \"10s\"\n").unwrap();
    let created = create(&server, "Lecture 10", &[]);
    let Some(_encoder) = Encoder::start(created["urls"]["http"].as_str().unwrap()) else { return };
    let browser = Browser::start().await;
    browser.before_each_page(COUNT_WAITS).await;
    browser.sign_in(&server).await;
    browser.film("Lecture 10").await.send_keys("\u{E007}").await.unwrap();
    until(&browser, "the event to begin", "v.currentTime > 0 && !v.paused && v.readyState > 2").await;
    // It may begin on a machine that has still to wake up.
    let first = time(&browser).await;
    until(&browser, "ten seconds of it", &format!("v.currentTime > {first} + 10")).await;
    let (began, shown) = (time(&browser).await, frames(&browser).await);
    for minute in 1..=minutes {
        let then = began + 60.0 * f64::from(minute);
        until(&browser, &format!("minute {minute}"), &format!("v.currentTime > {then}")).await;
        let waits = waits_from(&browser, began).await;
        println!("minute {minute}: waits at {waits:?}");
    }
    let waits = waits_from(&browser, began).await;
    let at_borders: Vec<_> = waits.iter().filter(|at| is_border(**at)).collect();
    assert!(at_borders.is_empty(), "it waited where keys change: {at_borders:?}");
    // Whatever else the machine does.
    assert!(waits.len() <= minutes as usize, "it waited at {waits:?}");
    // Not a slide show, either.
    let count = frames(&browser).await - shown;
    assert!(count > u64::from(minutes) * 60 * 12, "{count} pictures in {minutes} minutes");
    browser.quit().await;
}

/// Where the picture waited for the film, from this time on.
async fn waits_from(browser: &Browser, from: f64) -> Vec<f64> {
    let all: Vec<f64> = browser.eval("return window.waits").await;
    all.into_iter().filter(|at| *at >= from).collect()
}

/// Whether a key changes there, every ten seconds: the picture stops with the last one under the key before,
/// or where what follows has just begun.
fn is_border(at: f64) -> bool {
    let since = at % 10.0;
    !(0.5..9.75).contains(&since)
}

/// Keeps where the picture waits for the film after it has begun. The element's events do not bubble.
const COUNT_WAITS: &str = "
    window.waits = [];
    document.addEventListener('waiting', ({ target }) => {
        if (!target.seeking && target.currentTime > 0) window.waits.push(target.currentTime);
    }, true);";

/// Refuses licenses, with all that goes to the controller.
fn stop_licenses(stage: &Stage) {
    for path in ["/license", "/nccp/controller"] {
        stage.site.add_rule(Rule::new(path, Fault::Status(503)));
    }
}

/// B85: keys change every ten seconds. A license server that is away for 15 is not noticed; one that is away
/// for longer is, that is said, and the picture goes on when it is back.
#[tokio::test]
#[ignore = "needs the machine for itself"]
async fn b85_a_license_server_that_is_away_in_the_middle_of_an_event() {
    if !is_soak() {
        println!("skipped: three minutes long; `cargo xtask soak` runs it");
        return;
    }
    let stage = Stage::start(0, "").await;
    let folder = stage.server.data().join("live/school");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("application.toml"), "[encryption]\nrotate = \"10s\"\n").unwrap();
    let created = create(&stage.server, "Lecture 12", &[]);
    // The encoder does not come through the proxy.
    let url = created["urls"]["http"].as_str().unwrap().replace(&stage.url(), &stage.server.url());
    let Some(_encoder) = Encoder::start(&url) else { return };
    let browser = Browser::start().await;
    browser.before_each_page(COUNT_WAITS).await;
    browser.sign_in_at(&stage.url()).await;
    browser.film("Lecture 12").await.send_keys("\u{E007}").await.unwrap();
    until(&browser, "the event to begin", "v.currentTime > 0 && !v.paused && v.readyState > 2").await;
    let plays = async |seconds: f64| {
        let then = time(&browser).await + seconds;
        until(&browser, &format!("{then}"), &format!("v.currentTime > {then}")).await;
    };
    plays(10.0).await;
    let began = time(&browser).await;
    // At other moments of a period each time.
    for _ in 0..3 {
        stop_licenses(&stage);
        plays(15.0).await;
        stage.clear_rules();
        plays(13.0).await;
    }
    let waits = waits_from(&browser, began).await;
    let at_borders: Vec<_> = waits.iter().filter(|at| is_border(**at)).collect();
    assert!(at_borders.is_empty(), "it waited where keys change: {at_borders:?} of {waits:?}");
    let refused = stage.site.exchanges().iter().filter(|exchange| exchange.status == Some(503)).count();
    assert!(refused > 0, "nobody asked for a license meanwhile");
    // For so long that no key is left.
    stop_licenses(&stage);
    browser.says("Trying again").await;
    let stopped = time(&browser).await;
    stage.clear_rules();
    until(&browser, "it to go on", &format!("v.currentTime > {stopped} + 15 && !v.paused")).await;
    browser.quit().await;
}

/// B85: who comes half a second before a key changes, in that moment, or half a second after it plays over
/// the border and the next one.
#[tokio::test]
#[ignore = "needs the machine for itself"]
async fn b85_joins_at_borders() {
    if !is_soak() {
        println!("skipped: three minutes long; `cargo xtask soak` runs it");
        return;
    }
    let server = Server::start_public("").await;
    let folder = server.data().join("live/school");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("application.toml"), "[encryption]\nrotate = \"10s\"\n").unwrap();
    let created = create(&server, "Lecture 13", &[]);
    let Some(_encoder) = Encoder::start(created["urls"]["http"].as_str().unwrap()) else { return };
    let browser = Browser::start().await;
    browser.sign_in(&server).await;
    browser.film("Lecture 13").await.send_keys("\u{E007}").await.unwrap();
    until(&browser, "the event to begin", "v.currentTime > 0 && !v.paused && v.readyState > 2").await;
    for offset in [-0.5, -0.25, 0.0, 0.25, 0.5, -0.4, 0.1, 0.4] {
        // The page that is there tells where the event is.
        let wanted = ((time(&browser).await / 10.0).floor() + 1.0) * 10.0 + offset;
        until(&browser, "a border", &format!("v.currentTime >= {wanted}")).await;
        browser.open(&browser.address().await).await;
        until(&browser, "the event to begin again", "v.currentTime > 0 && !v.paused && v.readyState > 2")
            .await;
        let then = time(&browser).await + 12.0;
        until(&browser, "the next border", &format!("v.currentTime > {then}")).await;
    }
    browser.quit().await;
}
