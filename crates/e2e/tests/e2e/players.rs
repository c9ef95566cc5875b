//! Players that are not Matinee's, on a page of another site: they play the film by DASH and HLS.

use std::path::Path;

use e2e::{Browser, Picture, Server, demo_film, eventually, pictures_of_ladder, repository, serve_players};
use serde_json::Value;

use crate::live::{Encoder, create};

/// A film's number and its scheme; the others' policy gives keys.
const FILMS: [(u64, &str); 3] = [(1, "none"), (2, "cenc"), (3, "cbcs")];

/// A server with the demo film, clear and protected, in two languages with subtitles; `interop` is the policy
/// of the protected ones.
async fn server(interop: &str) -> Server {
    let mut server = Server::start_public("roles = [\"control\", \"edge\"]").await;
    std::fs::write(server.data().join("policies.toml"), format!("[open]\ninterop = {interop}\n")).unwrap();
    let folder = repository().join("media/demo");
    let file = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    for (number, scheme) in FILMS {
        let number = number.to_string();
        let mut package =
            vec!["package", "--movie", &number, "--title", "Film", "--scheme", scheme, "--policy", "open"];
        let (sound, german) = (file("240p.mp4"), file("sound.de.m4a"));
        package.extend(["--audio", "lang=en,default", &sound, "--audio", "lang=de,role=dub", &german]);
        let (subtitles, english) = (file("subtitles.de.vtt"), file("subtitles.en.vtt"));
        package.extend(["--subtitles", "lang=en", &english, "--subtitles", "lang=de", &subtitles]);
        let film = demo_film();
        package.extend(film.iter().map(|film| film.to_str().unwrap()));
        server.run(&package);
    }
    // For the policy.
    assert!(server.stop());
    server.restart().await;
    server
}

/// The German sound's name in URLs.
fn german(server: &Server, number: u64) -> String {
    let packs = std::fs::read_dir(server.data().join("library")).unwrap();
    let packs = packs.map(|pack| pack.unwrap().path()).filter(|pack| pack.join("pack.json").is_file());
    let read = |pack: &Path| pack::Pack::from_json(&std::fs::read(pack.join("pack.json")).unwrap()).unwrap();
    let pack = packs.map(|pack| read(&pack)).find(|pack| pack.movie_id == number).unwrap();
    pack.representations.iter().find(|r| r.language == "de").unwrap().downloadable_id.clone()
}

/// One player in one page.
pub(crate) struct Player<'a> {
    pub(crate) browser: &'a Browser,
    pub(crate) name: String,
    /// Scripts can read its pictures.
    pub(crate) is_clear: bool,
}

impl Player<'_> {
    /// Runs what the page calls a player's act.
    pub(crate) async fn act(&self, script: &str) {
        let script = format!(
            "try {{ act.{script} }} catch (error) {{ window.trouble ??= '{} ' + error }} return true",
            script.replace('\'', "")
        );
        let _: bool = self.browser.eval(&script).await;
    }

    /// Waits until an expression is true.
    pub(crate) async fn until(&self, what: &str, condition: &str) {
        let script = format!("return window.trouble ?? ({condition})");
        let value = self.browser.until(&format!("{what} ({})", self.name), &script).await;
        assert_eq!(value, Value::Bool(true), "{}: while waiting for {what}", self.name);
    }

    /// Seeks to a frame and makes sure that it is shown: of a clear film octet for octet; of a protected one,
    /// whose pictures the browser gives to no script, by its time.
    pub(crate) async fn shows(&self, frame: u32) {
        let fps = f64::from(demo_film::FPS);
        if self.is_clear {
            let picture = Picture::at(self.browser, frame).await;
            assert_eq!(picture.frame, Some(frame), "{}", self.name);
            let expected = &pictures_of_ladder()[&picture.height][frame as usize];
            assert_eq!(&picture.sha256, expected, "frame {frame} at {}p: {}", picture.height, self.name);
            return;
        }
        let time = (f64::from(frame) + 0.5) / fps;
        // What comes first may be a picture of before the seek.
        let seek = format!(
            "video.pause(); window.shown = null;
             const look = (_, m) => {{ window.shown = m.mediaTime; video.requestVideoFrameCallback(look); }};
             video.requestVideoFrameCallback(look); video.currentTime = {time}; return true"
        );
        let _: bool = self.browser.eval(&seek).await;
        let there = format!(
            "!video.seeking && video.readyState >= 2 && window.shown !== null && Math.round(window.shown * {fps}) === {frame}"
        );
        self.until(&format!("frame {frame}"), &there).await;
    }

    /// Ten seconds, seeks and two heights.
    async fn watches(&self, url: &str) {
        self.until("the player", "window.ready === true").await;
        self.act(&format!("load('{url}')")).await;
        self.until("a picture", "video.readyState >= 2").await;
        let _: bool = self.browser.eval("video.playbackRate = 4; video.play(); return true").await;
        self.until("ten seconds of film", "video.currentTime > 10").await;
        self.shows(30 * demo_film::FPS).await;
        for height in [240, 720] {
            let _: bool = self.browser.eval("video.playbackRate = 1; video.play(); return true").await;
            self.act(&format!("height({height})")).await;
            self.until("the other size", &format!("video.videoHeight == {height}")).await;
        }
        self.shows(5 * demo_film::FPS).await;
    }

    /// That, another sound and subtitles.
    async fn plays(&self, url: &str, german: &str) {
        self.watches(url).await;
        self.act("sound('de')").await;
        let _: bool = self.browser.eval("video.play(); return true").await;
        let asked =
            format!("performance.getEntriesByType('resource').some(e => e.name.includes('/{german}.mp4'))");
        self.until("the German sound", &format!("{asked} && video.currentTime > 8")).await;
        // Not sought: dash.js gives up subtitles that are on their way when the film is sought.
        self.act("subtitles('de')").await;
        let shown = format!(
            "[...video.textTracks].filter(t => t.mode == 'showing').flatMap(t => [...t.activeCues ?? []])
            .some(c => {:?}.includes(c.text))",
            german_words()
        );
        self.until("a German subtitle", &shown).await;
    }
}

/// What the German subtitles say.
fn german_words() -> Vec<String> {
    let text = std::fs::read_to_string(repository().join("media/demo/subtitles.de.vtt")).unwrap();
    let words = text.lines().skip(1).filter(|line| !line.is_empty() && !line.contains("-->"));
    words.map(str::to_owned).collect()
}

/// A player plays each film in each form.
async fn all_play(script: &str, interop: &str, plays: &[(&str, &[u64])]) {
    let Some(origin) = serve_players() else {
        eprintln!("SKIPPED: MATINEE_PLAYERS is not set: cargo xtask test sets it where npm is");
        return;
    };
    let server = server(interop).await;
    let browser = Browser::start().await;
    for (form, numbers) in plays {
        for &number in *numbers {
            let url = server.run(&["url", &number.to_string(), "--form", form]);
            let scheme = FILMS.iter().find(|film| film.0 == number).unwrap().1;
            browser.open(&format!("{origin}/page.html?{script}")).await;
            let _: bool = browser.eval("performance.setResourceTimingBufferSize(10000); return true").await;
            let name = format!("{script}, {form}, {scheme}");
            let player = Player { browser: &browser, name, is_clear: scheme == "none" };
            player.plays(url.trim(), &german(&server, number)).await;
            let keys =
                "return performance.getEntriesByType('resource').some(e => e.name.includes('/interop/'))";
            let keys: bool = browser.eval(keys).await;
            assert_eq!(keys, scheme != "none", "keys are asked for by {}", player.name);
        }
    }
    browser.quit().await;
}

/// B99: Shaka Player by DASH with ClearKey, and by HLS with keys that the playlist names.
#[tokio::test]
async fn b99_shaka_player() {
    all_play("shaka", "{ clearkey = true, hls_keys = true }", &[("dash", &[1, 2, 3]), ("hls", &[1, 2, 3])])
        .await;
}

/// B98, B99: hls.js, with ClearKey.
#[tokio::test]
async fn b98_hls_js() {
    all_play("hls", "{ clearkey = true }", &[("hls", &[1, 2, 3])]).await;
}

/// B24, B98: hls.js, with AES-128 over whole segments that an origin makes.
#[tokio::test]
async fn b24_hls_js_and_whole_segments() {
    let Some(origin) = serve_players() else {
        eprintln!("SKIPPED: MATINEE_PLAYERS is not set: cargo xtask test sets it where npm is");
        return;
    };
    let roles = "roles = [\"control\", \"edge\", \"origin\"]\n[origin]\nsources = \"sources\"";
    let mut server = Server::start_public(roles).await;
    std::fs::write(server.data().join("policies.toml"), "[open]\ninterop = { hls_keys = true }\n").unwrap();
    let folder = server.data().join("sources/films/a");
    let mut package = vec!["package", "--movie", "4", "--title", "Film", "--scheme", "none"];
    package.extend(["--output", folder.to_str().unwrap()]);
    let film = demo_film();
    package.extend(film.iter().map(|film| film.to_str().unwrap()));
    server.run(&package);
    server.run(&["movie", "add", "--content", "films/a", "--movie", "4", "--policy", "open"]);
    // For the policy.
    assert!(server.stop());
    server.restart().await;
    let browser = Browser::start().await;
    browser.open(&format!("{origin}/page.html?hls")).await;
    let _: bool = browser.eval("performance.setResourceTimingBufferSize(10000); return true").await;
    let player = Player { browser: &browser, name: "hls, AES-128".to_owned(), is_clear: true };
    player.watches(server.run(&["url", "4", "--form", "hls-aes128"]).trim()).await;
    let keys =
        "return performance.getEntriesByType('resource').some(e => e.name.includes('/interop/hls-key/'))";
    let keys: bool = browser.eval(keys).await;
    assert!(keys, "it did not ask for keys");
    browser.quit().await;
}

/// B99: dash.js, with ClearKey.
#[tokio::test]
async fn b99_dash_js() {
    all_play("dash", "{ clearkey = true }", &[("dash", &[1, 2, 3])]).await;
}

/// B84: players of others follow an event while it goes on: by HLS with parts and by DASH.
#[tokio::test]
async fn b84_an_event_in_other_players() {
    let Some(origin) = serve_players() else {
        eprintln!("SKIPPED: MATINEE_PLAYERS is not set: cargo xtask test sets it where npm is");
        return;
    };
    let server = Server::start_public("").await;
    let folder = server.data().join("live/school");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("application.toml"), "[encryption]\nenabled = false\n").unwrap();
    let created = create(&server, "Lecture 14", &[]);
    let Some(_encoder) = Encoder::start(created["urls"]["http"].as_str().unwrap()) else { return };
    let show = ["live", "show", "lecture", "--app", "school", "--json"];
    let shown = eventually("the event to begin", || async {
        let shown: Value = serde_json::from_str(&server.run(&show)).unwrap();
        (shown["state"] == "live").then_some(shown)
    })
    .await;
    let browser = Browser::start().await;
    let all = [("hls", "hls"), ("dash", "dash"), ("shaka", "hls"), ("shaka", "dash")];
    // Each form by one player; by all of them in `cargo xtask soak`.
    let most = if std::env::var_os("MATINEE_SOAK").is_some() { all.len() } else { 2 };
    for (script, form) in all.into_iter().take(most) {
        let name = format!("{script}, {form}, live");
        let player = Player { browser: &browser, name, is_clear: true };
        let began = eventually("a picture", || async {
            browser.open(&format!("{origin}/page.html?{script}")).await;
            player.until("the player", "window.ready === true").await;
            player.act(&format!("load('{}')", shown["urls"][form].as_str().unwrap())).await;
            let came: Value =
                browser.until("a picture", "return window.trouble ?? (video.readyState >= 2)").await;
            // An event has begun before a first segment is whole, which hls.js takes for an error.
            let is_early = came.as_str().is_some_and(|trouble| trouble.contains("levelEmptyError"));
            (!is_early).then_some(came)
        });
        assert_eq!(began.await, Value::Bool(true), "{}", player.name);
        let _: bool = browser.eval("video.play(); return true").await;
        player.until("it to play", "!video.paused && video.currentTime > 0").await;
        let began: f64 = browser.eval("return video.currentTime").await;
        player.until("four seconds of it", &format!("video.currentTime > {began} + 4")).await;
    }
    browser.quit().await;
}
