//! What every player of others has to get right on Matinee's DRM module: rows of a table, each written once.
//! A player has all of them in one browser, but for the last one, whose browser's source buffers take 1 MB.

use e2e::{Browser, Server, demo_film, is_soak, repository, serve_players};
use serde_json::json;

use crate::eme::{grant, grant_for, open};
use crate::players::Player;

/// Nothing special: `cenc`.
const PLAIN: u64 = 2;
/// `cbcs`; 4 s are clear, then the key changes every 8 s.
const ROTATED: u64 = 3;
/// Its licenses are to be renewed.
const RENEWED: u64 = 4;
/// Its licenses are soon over.
const SHORT: u64 = 5;

/// In one size, of more than a megabyte.
const LARGE: u64 = 6;

/// The films, and how they are packaged: all sizes, but of the large one.
const FILMS: [(u64, &[&str]); 5] = [
    (PLAIN, &["--scheme", "cenc"]),
    (ROTATED, &["--scheme", "cbcs", "--rotate", "2", "--clear-lead", "4s"]),
    (RENEWED, &["--policy", "renewed"]),
    (SHORT, &["--policy", "short"]),
    (LARGE, &[]),
];

/// A megabyte for each kind of media, and no more.
const SMALL_BUFFERS: [&str; 2] = ["--mse-video-buffer-size-limit-mb=1", "--mse-audio-buffer-size-limit-mb=1"];

/// How much of it there is: every day, and in `cargo xtask soak`.
struct Length {
    /// How fast the film is played.
    rate: u32,
    seeks: u32,
    /// How often the film is let go of and loaded again.
    loads: u32,
    /// The borders between keys at which pictures are looked at.
    borders: &'static [u32],
    /// The policy of the film whose licenses are renewed.
    renewed: &'static str,
    renewals: u32,
}

const EVERY_DAY: Length = Length {
    rate: 4,
    seeks: 20,
    loads: 1,
    borders: &[1, 4, 7],
    // It does not end on a slow machine, either.
    renewed: "validity = \"60s\"\nrenew_after = \"3s\"",
    renewals: 1,
};

const LONG: Length = Length {
    rate: 1,
    seeks: 100,
    loads: 20,
    borders: &[1, 2, 3, 4, 5, 6, 7],
    // The film outlives it.
    renewed: "validity = \"20s\"\nrenew_after = \"8s\"",
    renewals: 4,
};

/// One thing that a player has to get right.
#[derive(Debug, Clone, Copy)]
enum Row {
    /// Ten seconds, pictures of four moments, other sizes by force, the end and again.
    Plays,
    /// Seeks one after the other, of the film that plays.
    Seeks,
    /// The film is let go of and loaded again.
    LoadsAgain,
    /// B65, B99: a clear beginning, a license that comes 4 s late, and keys that change: with the license
    /// that it began with, and the pictures on both sides of the borders are the ones of their time.
    CrossesBorders,
    /// The license is renewed while the film plays.
    Renews,
    /// Two players in a page: one film of either scheme, each with a grant and a license of its own.
    TwoFilms,
    /// A license that is refused: the player's error has our code.
    Refused,
    /// A second device of a viewer who may have one film at a time: the player's error has our code.
    StreamTooMany,
    /// A license that nobody renews: the player says that it is over.
    Expires,
    /// A source buffer of 1 MB: the player is told that it is full, and plays on over what found no room.
    Fills,
}

/// All that one browser has: [`Row::Fills`] has another.
const ROWS: [Row; 9] = [
    Row::Plays,
    Row::Seeks,
    Row::LoadsAgain,
    Row::CrossesBorders,
    Row::Renews,
    Row::TwoFilms,
    Row::Refused,
    Row::StreamTooMany,
    Row::Expires,
];

/// So many times the page asked for a license.
const ASKED: &str =
    "performance.getEntriesByType('resource').filter(e => e.name.endsWith('/license')).length";

/// A player, and what it plays.
struct Seat {
    script: &'static str,
    form: &'static str,
    length: &'static Length,
    server: Server,
    /// Of the API, for grants.
    key: String,
    /// The player's page, and the same page on another site: another device.
    origins: [String; 2],
    browser: Browser,
}

impl Seat {
    /// `None` where the players are not installed.
    async fn take(script: &'static str, form: &'static str, length: &'static Length) -> Option<Self> {
        let origin = serve_players()?;
        let origins = [origin.clone(), origin.replace("127.0.0.1", "localhost")];
        let mut server = Server::start_public(&format!("embedders = {origins:?}")).await;
        let policies = format!(
            "[renewed]\n{}\ncheck = \"continuous\"\n[short]\nvalidity = \"5s\"\ncheck = \"continuous\"\n",
            length.renewed
        );
        std::fs::write(server.data().join("policies.toml"), policies).unwrap();
        let sound = repository().join("media/demo/240p.mp4");
        for (film, options) in FILMS {
            let number = film.to_string();
            let mut package = vec!["package", "--movie", &number, "--title", "Film"];
            package.extend(["--audio", "lang=en,default", sound.to_str().unwrap()]);
            package.extend(options);
            let files = demo_film();
            let from = if film == LARGE { files.len() - 1 } else { 0 };
            package.extend(files[from..].iter().map(|file| file.to_str().unwrap()));
            server.run(&package);
        }
        // For the policies.
        assert!(server.stop());
        server.restart().await;
        let key = server.run(&["apikey", "create", "site", "--scope", "grants"]).trim().to_owned();
        let browser = Browser::start().await;
        Some(Self { script, form, length, server, key, origins, browser })
    }

    fn player(&self, row: Row) -> Player<'_> {
        Player { browser: &self.browser, name: format!("{}, {row:?}", self.script), is_clear: true }
    }

    fn url(&self, film: u64) -> String {
        self.server.run(&["url", &film.to_string(), "--form", self.form]).trim().to_owned()
    }

    async fn grant(&self, film: u64) -> String {
        grant(&self.server, &self.key, film, &self.origins[0]).await
    }

    /// The player's page for a film, with this grant and what its address has beside it.
    async fn open(&self, film: u64, grant: &str) {
        open(&self.browser, &self.origins[0], &self.server, self.script, film, grant).await;
        self.browser.until("the page", "return window.ready ?? window.trouble ?? null").await;
        let _: bool = self.browser.eval("performance.setResourceTimingBufferSize(10000); return true").await;
    }

    async fn load(&self, player: &Player<'_>, film: u64) {
        player.act(&format!("load('{}')", self.url(film))).await;
        player.until("a picture", "video.readyState >= 2").await;
    }

    /// Opens the film with this grant, and waits for what the player says is wrong.
    async fn trouble(&self, row: Row, film: u64, grant: &str) -> String {
        self.open(film, grant).await;
        self.player(row).act(&format!("load('{}')", self.url(film))).await;
        let what = format!("the error of {} ({row:?})", self.script);
        let trouble = self.browser.until(&what, "return window.trouble ?? null").await;
        trouble.as_str().unwrap_or_default().to_owned()
    }

    async fn run(&self, script: &str) {
        let _: bool = self.browser.eval(&format!("{script}; return true")).await;
    }

    async fn asked(&self) -> u64 {
        self.browser.eval(&format!("return {ASKED}")).await
    }

    async fn hold(&self, row: Row) {
        let player = self.player(row);
        match row {
            Row::Plays => self.plays(&player).await,
            Row::Seeks => self.seeks(&player).await,
            Row::LoadsAgain => self.loads_again(&player).await,
            Row::CrossesBorders => self.crosses_borders(&player).await,
            Row::Renews => self.renews(&player).await,
            Row::TwoFilms => self.two_films(&player).await,
            Row::Refused => {
                for grant in [self.grant(ROTATED).await, "a-1.x".to_owned()] {
                    let trouble = self.trouble(row, PLAIN, &grant).await;
                    assert!(trouble.contains("GRANT_INVALID"), "{}, {grant}: {trouble}", self.script);
                }
            }
            Row::StreamTooMany => self.stream_too_many(row).await,
            Row::Expires => {
                let trouble = self.trouble(row, SHORT, &self.grant(SHORT).await).await;
                // Shaka Player says it by a number.
                let is_said = trouble.to_lowercase().contains("expired") || trouble.contains("Shaka 6014");
                assert!(is_said, "{}: {trouble}", self.script);
            }
            Row::Fills => self.fills(&player).await,
        }
    }

    async fn plays(&self, player: &Player<'_>) {
        // Its page is not told: the film is the one that the init data names.
        let told = if self.script == "videojs" { 0 } else { PLAIN };
        self.open(told, &self.grant(PLAIN).await).await;
        self.load(player, PLAIN).await;
        let rate = self.length.rate;
        self.run(&format!("video.playbackRate = {rate}; video.play()")).await;
        player.until("ten seconds of film", "video.currentTime > 10").await;
        for second in [30, 5, 50] {
            player.shows(second * demo_film::FPS).await;
        }
        for height in [240, 720] {
            self.run("video.playbackRate = 1; video.play()").await;
            player.act(&format!("height({height})")).await;
            player.until("the other size", &format!("video.videoHeight == {height}")).await;
        }
        player.shows(20 * demo_film::FPS).await;
        self.run(&format!("video.currentTime = 58; video.playbackRate = {rate}; video.play()")).await;
        player.until("the end", "video.ended").await;
        // The page notes where it was when it had sought: the rest of the film may be over before anybody
        // looks.
        self.run(
            "video.playbackRate = 1;
             video.addEventListener('seeked', () => window.again = video.currentTime, { once: true });
             video.currentTime = 0; video.play()",
        )
        .await;
        player
            .until(
                "it to play again",
                "!video.ended && window.again < 5 && video.currentTime > window.again + 1",
            )
            .await;
    }

    async fn seeks(&self, player: &Player<'_>) {
        let most = self.length.seeks;
        self.run(&format!(
            "window.sought = 0;
             const next = () => {{
                 if (window.sought < {most}) video.currentTime = (window.sought * 37 + 11) % 58;
             }};
             video.addEventListener('seeked', () => {{ window.sought += 1; next(); }});
             video.play(); next()"
        ))
        .await;
        player.until("the seeks", &format!("window.sought >= {most}")).await;
        player.shows(40 * demo_film::FPS).await;
    }

    async fn loads_again(&self, player: &Player<'_>) {
        for load in 1..=self.length.loads {
            player.act("unload()").await;
            player.until("the film to be let go of", "video.readyState === 0").await;
            self.load(player, PLAIN).await;
            player.shows(load % 50 * demo_film::FPS).await;
        }
    }

    async fn crosses_borders(&self, player: &Player<'_>) {
        self.open(ROTATED, &format!("{}&late=4000", self.grant(ROTATED).await)).await;
        self.load(player, ROTATED).await;
        self.run(&format!("video.playbackRate = {}; video.play()", self.length.rate)).await;
        player.until("it to play what is protected", "video.currentTime > 6").await;
        let begun = self.asked().await;
        for border in self.length.borders {
            let frame = border * 8 * demo_film::FPS;
            player.shows(frame - 1).await;
            player.shows(frame).await;
        }
        let asked = self.asked().await;
        assert!(begun > 0 && asked == begun, "{}: {begun} licenses, then {asked}", self.script);
    }

    async fn renews(&self, player: &Player<'_>) {
        self.open(RENEWED, &self.grant(RENEWED).await).await;
        self.load(player, RENEWED).await;
        self.run("video.play()").await;
        let begun = self.asked().await;
        let (renewals, seconds) = (self.length.renewals, 8 * (self.length.renewals - 1));
        let renewed = format!("{ASKED} >= {} && video.currentTime > {seconds}", begun + u64::from(renewals));
        player.until("the license to be renewed", &renewed).await;
        player.shows(45 * demo_film::FPS).await;
    }

    async fn two_films(&self, player: &Player<'_>) {
        self.open(PLAIN, &self.grant(PLAIN).await).await;
        self.load(player, PLAIN).await;
        let (url, grant) = (self.url(ROTATED), self.grant(ROTATED).await);
        player.act(&format!("second('{url}', {ROTATED}, '{grant}')")).await;
        self.run("video.play()").await;
        player.until("both to play", "video.currentTime > 3 && window.second?.currentTime > 3").await;
        let decoded = "window.second.getVideoPlaybackQuality().totalVideoFrames > 20";
        player.until("the second's pictures", decoded).await;
        player.shows(20 * demo_film::FPS).await;
    }

    async fn stream_too_many(&self, row: Row) {
        let mut grants = Vec::new();
        for origin in &self.origins {
            let subject = json!({"subject": "u-8", "movies": [PLAIN], "origin": origin, "streams": 1});
            grants.push(grant_for(&self.server, &self.key, subject).await);
        }
        // Frames of one Matinee in pages of two sites are two devices, in one browser, too.
        open(&self.browser, &self.origins[1], &self.server, "none", PLAIN, &grants[1]).await;
        self.browser.until("the shim", "return window.ready ?? window.trouble ?? null").await;
        self.run(
            "const wanted = { initDataTypes: ['keyids'], videoCapabilities: [{ contentType: 'video/mp4; codecs=\"avc1.42E01E\"' }] };
             const access = await navigator.requestMediaKeySystemAccess('org.matinee.drm', [wanted]);
             const session = (await access.createMediaKeys()).createSession();
             const message = new Promise(done => session.onmessage = done);
             await session.generateRequest('keyids', new Uint8Array([123, 125]));
             await session.update(await matinee.fetch((await message).message))",
        )
        .await;
        let trouble = self.trouble(row, PLAIN, &grants[0]).await;
        assert!(trouble.contains("STREAM_LIMIT"), "{}: {trouble}", self.script);
    }

    async fn fills(&self, player: &Player<'_>) {
        // Another browser is another device.
        let members = json!({"subject": "u-9", "movies": [LARGE], "origin": self.origins[0]});
        self.open(LARGE, &grant_for(&self.server, &self.key, members).await).await;
        self.run(COUNT_FULL).await;
        // It would have the whole film.
        player.act("ahead(60)").await;
        self.load(player, LARGE).await;
        // Before it plays video.js asks for one segment.
        self.run("video.play()").await;
        player.until("a full buffer", "window.full > 0").await;
        let from = if self.length.rate > 1 { 28 } else { 0 };
        let rate = self.length.rate;
        self.run(&format!("video.currentTime = {from}; video.playbackRate = {rate}; video.play()")).await;
        player.until("the end", "video.ended").await;
    }
}

/// Counts how often the player is told that a source buffer is full.
const COUNT_FULL: &str = "
    window.full = 0;
    const append = SourceBuffer.prototype.appendBuffer;
    SourceBuffer.prototype.appendBuffer = function (bytes) {
        try {
            return append.call(this, bytes);
        } catch (error) {
            window.full += error.name === 'QuotaExceededError';
            throw error;
        }
    }";

/// A player has all rows, one after the other.
async fn holds(script: &'static str, form: &'static str, length: &'static Length) {
    let Some(mut seat) = Seat::take(script, form, length).await else {
        eprintln!("SKIPPED: MATINEE_PLAYERS is not set: cargo xtask test sets it where npm is");
        return;
    };
    for row in ROWS {
        seat.hold(row).await;
        println!("{script}: {row:?}");
    }
    let devices = seat.server.devices();
    let of_viewer = devices.iter().filter(|device| device.email == "subject:u-7").count();
    assert_eq!(of_viewer, 1, "{devices:?}");
    // How they go on with less room than they want is each player's own affair: one each day, all in the
    // soak.
    if script == "shaka" || length.rate == 1 {
        let small = Browser::start_with(&SMALL_BUFFERS).await;
        std::mem::replace(&mut seat.browser, small).quit().await;
        seat.hold(Row::Fills).await;
    }
    seat.browser.quit().await;
}

/// B65, B99: Shaka Player by DASH.
#[tokio::test]
async fn b99_shaka_player_on_the_drm_module() {
    holds("shaka", "dash", &EVERY_DAY).await;
}

/// B98: hls.js.
#[tokio::test]
async fn b98_hls_js_on_the_drm_module() {
    holds("hls", "hls", &EVERY_DAY).await;
}

/// B99: dash.js.
#[tokio::test]
async fn b99_dash_js_on_the_drm_module() {
    holds("dash", "dash", &EVERY_DAY).await;
}

/// B99: video.js with contrib-eme, by DASH.
#[tokio::test]
async fn b99_video_js_on_the_drm_module() {
    holds("videojs", "dash", &EVERY_DAY).await;
}

/// The same at the film's own speed, with many more seeks, and licenses that the film outlives.
#[tokio::test]
#[ignore = "needs the machine for itself"]
async fn players_of_others_for_long() {
    if !is_soak() {
        println!("skipped: a quarter of an hour long; `cargo xtask soak` runs it");
        return;
    }
    for (script, form) in [("shaka", "dash"), ("hls", "hls"), ("dash", "dash"), ("videojs", "dash")] {
        holds(script, form, &LONG).await;
    }
}
