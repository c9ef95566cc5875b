//! An event, from an encoder to the page that shows it, and to the film that is left of it. The encoder is a
//! real ffmpeg; where there is none, these tests say so and pass.

use std::process::{Child, Command, Stdio};

use e2e::{Browser, MOVIE, Picture, Server, eventually, free_port, repository};
use serde_json::{Value, json};

use crate::embedding::{self, FILM, Site};

/// An encoder that sends the demo film, over and over, in real time, until it is dropped.
pub(crate) struct Encoder(Child);

impl Encoder {
    /// `None` where there is no ffmpeg.
    pub(crate) fn start(url: &str) -> Option<Self> {
        let source = repository().join("media/demo/240p.mp4");
        let mut ffmpeg = Command::new("ffmpeg");
        ffmpeg.args(["-v", "error", "-re", "-stream_loop", "-1", "-i"]).arg(source);
        let gop = (2 * demo_film::FPS).to_string();
        ffmpeg.args([
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
            "-tune",
            "zerolatency",
            "-g",
            &gop,
            "-keyint_min",
            &gop,
        ]);
        ffmpeg.args([
            "-sc_threshold",
            "0",
            "-threads",
            "1",
            "-pix_fmt",
            "yuv420p",
            "-c:a",
            "aac",
            "-b:a",
            "48k",
            "-f",
            "mp4",
        ]);
        ffmpeg.args(["-movflags", "+frag_keyframe+empty_moov+default_base_moof", "-frag_duration", "500000"]);
        ffmpeg.arg(format!("{url}/live.mp4")).stdin(Stdio::null());
        match ffmpeg.spawn() {
            Ok(child) => Some(Self(child)),
            Err(error) => {
                eprintln!("SKIPPED: ffmpeg is not there: {error}");
                None
            }
        }
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) fn create(server: &Server, title: &str, more: &[&str]) -> Value {
    let arguments = ["live", "create", "lecture", "--app", "school", "--title", title, "--json"];
    serde_json::from_str(&server.run(&[&arguments[..], more].concat())).unwrap()
}

/// Waits until an expression of the video element `v` is true, or the page says that it cannot go on.
pub(crate) async fn until(browser: &Browser, what: &str, condition: &str) {
    let script = format!(
        "const v = document.querySelector('video'); if (v && ({condition})) return true; \
         return document.querySelector('[role=alert]')?.innerText || false"
    );
    let value = browser.until(what, &script).await;
    assert_eq!(value, Value::Bool(true), "while waiting for {what}");
}

pub(crate) async fn time(browser: &Browser) -> f64 {
    browser.eval("return document.querySelector('video').currentTime").await
}

pub(crate) async fn frames(browser: &Browser) -> u64 {
    browser.eval("return document.querySelector('video').getVideoPlaybackQuality().totalVideoFrames").await
}

/// Where the button that leads to what is live says that the viewer is.
const AT_LIVE: &str = "document.querySelector('.go-live')?.getAttribute('aria-disabled') === 'true'";
const BEHIND: &str = "document.querySelector('.go-live')?.getAttribute('aria-disabled') === 'false'";

/// Whether the page has fetched parts of segments (`{rep}/{number}.{part}.m4s`) of both, and waited for one
/// in the index.
const PARTS: &str = r"
    const names = performance.getEntriesByType('resource').map(entry => entry.name);
    const asked = form => names.some(name => form.test(name));
    return asked(/\/v[^/]*\/\d+\.\d+\.m4s/) && asked(/\/a-[^/]*\/\d+\.\d+\.m4s/)
        && asked(/\/index\.json\?.*wait=\d+\.\d+/);";

/// Keeps the position at which the next film begins to play, in `window.beginsAt`. The element's events do
/// not bubble.
const NOTE_THE_BEGINNING: &str = "
    let isNext = false;
    document.addEventListener('loadedmetadata', () => { isNext = true; }, true);
    document.addEventListener('playing', ({ target }) => {
        if (isNext) window.beginsAt ??= target.currentTime;
    }, true);
    return true;";

/// B80, B84: whoever comes early waits, and sees it begin; goes back in it and to what is live again; and
/// when it has ended it is a film.
#[tokio::test]
async fn an_event_is_waited_for_followed_and_becomes_a_film() {
    let server = Server::start_public("").await;
    let created = create(&server, "Lecture 7", &["--starts", "1h"]);
    let browser = Browser::start().await;
    browser.sign_in(&server).await;
    // More than the usual 250: what is asked for in the end is looked for there.
    browser.eval::<bool>("performance.setResourceTimingBufferSize(2000); return true;").await;
    browser.says("Begins ").await;
    // By keyboard: the list is drawn anew from time to time.
    browser.film("Lecture 7").await.send_keys("\u{E007}").await.unwrap();
    browser.says("This event has not begun yet.").await;
    let Some(encoder) = Encoder::start(created["urls"]["http"].as_str().unwrap()) else { return };

    // It begins by itself.
    until(&browser, "the event to begin", "v.currentTime > 0 && !v.paused && v.readyState > 2").await;
    until(&browser, "it to be live", &format!("v.duration === Infinity && {AT_LIVE}")).await;
    browser.until("pictures and sound in parts", PARTS).await;
    browser.until("the badge", "return document.querySelector('.live-badge')?.textContent === 'LIVE'").await;
    let (began, shown) = (time(&browser).await, frames(&browser).await);
    until(&browser, "ten seconds of it", &format!("v.currentTime > {began} + 10")).await;
    let counted = format!("v.getVideoPlaybackQuality().totalVideoFrames > {shown} + 50");
    until(&browser, "pictures to be shown", &counted).await;
    let number = Picture::numbered(&browser).await;
    eventually("the picture to go on", || async {
        (Picture::numbered(&browser).await > number).then_some(())
    })
    .await;

    // Back, and to what is live again. The rail has times of day.
    browser.button("Skip back 10 seconds").await.click().await.unwrap();
    until(&browser, "to be behind", &format!("!v.seeking && {BEHIND}")).await;
    let there = time(&browser).await;
    until(&browser, "what was", &format!("v.currentTime > {there} + 1 && {BEHIND}")).await;
    let place: String =
        browser.eval("return document.querySelector('.seek input').getAttribute('aria-valuetext')").await;
    assert!(place.contains(" behind") && place.contains(':'), "{place}");
    browser.button("Go live").await.click().await.unwrap();
    until(&browser, "to be live again", &format!("!v.seeking && {AT_LIVE} && v.currentTime > {there} + 4"))
        .await;
    let live = time(&browser).await;
    until(&browser, "it to go on", &format!("v.currentTime > {live} + 1")).await;

    // It ends, and is a film.
    server.run(&["live", "end", "lecture", "--app", "school"]);
    drop(encoder);
    browser.says("This event has ended.").await;
    // Where the film begins is noted in the page: it may be over before it is looked at.
    let _: bool = browser.eval(NOTE_THE_BEGINNING).await;
    browser.button("Watch from the beginning").await.click().await.unwrap();
    let plays = "isFinite(v.duration) && v.duration > 10 && typeof window.beginsAt === 'number'";
    until(&browser, "the film", plays).await;
    let begins: f64 = browser.eval("return window.beginsAt").await;
    assert!(begins < began + 5.0, "from its beginning: {begins}");
    browser.open(&format!("{}/library", server.url())).await;
    browser.film("Lecture 7").await;
    let badges: u64 = browser.eval("return document.querySelectorAll('.live-badge').length").await;
    assert_eq!(badges, 0, "it is a film like any other");
}

/// B85, C21: in a page of another site, too: keys that change every four seconds are not noticed, an encoder
/// that is gone is said, and goes on when it is back.
#[tokio::test]
async fn an_event_in_a_page_of_another_site_is_interrupted_and_goes_on() {
    let port = free_port();
    let (server, key) = embedding::server(&[port]).await;
    let folder = server.data().join("live/school");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("application.toml"), "[encryption]\nrotate = \"4s\"\n").unwrap();
    let created = create(&server, "Lecture 8", &[]);
    let movie = created["movie_id"].as_u64().unwrap();
    // Without a public URL of its own the server has told one that only it knows.
    let path = created["urls"]["http"].as_str().unwrap().split_once("/ingest/").unwrap().1.to_owned();
    let url = format!("{}/ingest/{path}", server.url());
    let members = json!({"origin": embedding::origin(port), "movies": [movie]});
    let token = embedding::grant(&server, &key, members).await;
    let page = embedding::example(&server, &token).replace(&format!("\"{MOVIE}\""), &format!("\"{movie}\""));
    let site = Site::serve(port, page, String::new()).await;
    let browser = Browser::start().await;
    browser.open(&site.url()).await;
    embedding::inside(&browser, "button").await.click().await.unwrap();
    let state = |state: &str| format!("return window.failed ?? {FILM}.live?.state === '{state}'");
    assert_eq!(browser.until("the event to be waited for", &state("waiting")).await, json!(true));

    let Some(encoder) = Encoder::start(&url) else { return };
    let plays = format!(
        "return window.failed ?? ({FILM}.currentTime > 0 && {FILM}.live?.atLive && {FILM}.duration === Infinity)"
    );
    assert_eq!(browser.until("the event to play in the page", &plays).await, json!(true));
    let began: f64 = browser.eval(&format!("return {FILM}.currentTime")).await;
    let borders = format!("return window.failed ?? {FILM}.currentTime > {began} + 10");
    assert_eq!(browser.until("two changes of the key", &borders).await, json!(true));

    drop(encoder);
    assert_eq!(browser.until("the interruption", &state("interrupted")).await, json!(true));
    let stopped: f64 = browser.eval(&format!("return {FILM}.live.end")).await;
    let Some(_encoder) = Encoder::start(&url) else { return };
    assert_eq!(browser.until("it to be live again", &state("live")).await, json!(true));
    let goes_on = format!("return window.failed ?? {FILM}.currentTime > {stopped} + 1");
    assert_eq!(browser.until("it to go on", &goes_on).await, json!(true));
}
