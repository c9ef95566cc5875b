//! Pictures of the pages in their states: wide and on a phone, dark and light, from left to right and from
//! right to left.
//!
//! They go to `target/screenshots`, for people to look at, and are compared with small ones in
//! `crates/e2e/screenshots`: the mean colours of blocks, so that the smoothing of letters does not count, but
//! a line that is elsewhere does. Another machine's fonts make other lines; there nothing is compared, and
//! the run says so. Where none are committed, it fails.
//!
//! `MATINEE_SCREENSHOTS`: `all` for every state, `update` to write the small ones anew (`cargo xtask
//! screenshots`); without it the most important states.

use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use e2e::{Browser, MOVIE, Server, TITLE, repository};
use serde_json::{Value, json};

use crate::accessibility::CAPTION_STYLE;
use crate::embedding::{CAPTIONED, package_captioned};

/// Pixels of a small picture's width.
const SMALL: u32 = 160;
/// How far the mean colour of a block of 4 × 4 small pixels may be from the committed one, of 255.
const BLOCK: f64 = 32.0;
/// The same for the mean over all blocks.
const WHOLE: f64 = 4.0;
/// How often a page is looked at again that does not look as it did.
const LOOKS: u32 = 100;
const LANGUAGES: [&str; 2] = ["en", "ar"];
const SIZES: [(&str, u32, u32); 2] = [("wide", 1280, 800), ("phone", 390, 844)];
const SCHEMES: [&str; 2] = ["dark", "light"];

/// What differs from run to run: times of day, the film's picture, what is buffered, numbers.
const HIDE: &str = "
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(`.devices .facts, .session-list .facts, .statistics dd, .stage video, .rail .buffered, .bubble, .resumed,
        .live-stand .when, .playing, .note, .wait { visibility: hidden !important }
        * { caret-color: transparent !important }`);
    document.adoptedStyleSheets = [sheet];
    return true";

/// Nothing loads or moves any more.
const STILL: &str = "
    await document.fonts.ready;
    const frame = () => new Promise(requestAnimationFrame);
    await frame(); await frame();
    for (const animation of document.getAnimations()) animation.cancel();
    const shown = [...document.images].filter(image => image.loading !== 'lazy' || image.getBoundingClientRect().top < innerHeight);
    return document.fonts.status === 'loaded' && shown.every(image => image.complete)";

/// Widths of some words in the fonts that a page has on this machine.
const FONTS: &str = "
    const canvas = new OffscreenCanvas(8, 8).getContext('2d');
    const sans = getComputedStyle(document.body).fontFamily;
    const width = (font, text) => { canvas.font = font; return canvas.measureText(text).width.toFixed(1) };
    return [width(`100px ${sans}`, 'Films, protected and at home. 0123456789'), width(`650 100px ${sans}`, 'Settings'),
        width(`100px ${sans}`, 'أفلام محمية، وفي بيتك.'), width('100px ui-monospace, monospace', 'ABCD-1234')].join(' ')";

/// Makes a small picture of one, and compares it with another small one, where there is one.
const COMPARE: &str = "
    const [shot, reference, width] = arguments;
    const read = text => createImageBitmap(new Blob([Uint8Array.from(atob(text), c => c.charCodeAt(0))]));
    const draw = (bitmap, width, height) => {
        const canvas = new OffscreenCanvas(width, height);
        const context = canvas.getContext('2d', { willReadFrequently: true });
        context.imageSmoothingQuality = 'high';
        context.drawImage(bitmap, 0, 0, width, height);
        return canvas;
    };
    const large = await read(shot);
    const small = draw(large, width, Math.round(width * large.height / large.width));
    const bytes = new Uint8Array(await (await small.convertToBlob({ type: 'image/webp', quality: 0.85 })).arrayBuffer());
    const made = btoa(String.fromCharCode(...bytes));
    if (!reference) return { made };
    const before = await read(reference);
    if (before.width !== small.width || before.height !== small.height) return { made, worst: 255, whole: 255, at: [0, 0] };
    const SIDE = 4;
    const [one, two] = [small, draw(before, before.width, before.height)].map(canvas =>
        canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data);
    let [worst, at, sum, count] = [0, [0, 0], 0, 0];
    for (let y = 0; y < small.height; y += SIDE) for (let x = 0; x < small.width; x += SIDE) {
        let off = 0;
        for (let channel = 0; channel < 3; channel++) {
            let [difference, pixels] = [0, 0];
            for (let j = y; j < Math.min(y + SIDE, small.height); j++) for (let i = x; i < Math.min(x + SIDE, small.width); i++) {
                const place = 4 * (j * small.width + i) + channel;
                difference += one[place] - two[place];
                pixels++;
            }
            off = Math.max(off, Math.abs(difference / pixels));
        }
        sum += off; count++;
        if (off > worst) [worst, at] = [off, [x, y]];
    }
    const scale = large.width / small.width;
    return { made, worst, whole: sum / count, at: at.map(place => Math.round(place * scale)) }";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extent {
    Important,
    All,
    Update,
}

impl Extent {
    fn asked() -> Self {
        match std::env::var("MATINEE_SCREENSHOTS").as_deref() {
            Ok("update") => Self::Update,
            Ok("all") => Self::All,
            _ => Self::Important,
        }
    }
}

/// A page or a state of one.
struct State {
    name: &'static str,
    /// Its address, where it is a page.
    path: String,
    /// A script that says when it is there.
    there: &'static str,
    is_important: bool,
}

fn state(name: &'static str, path: &str, there: &'static str, is_important: bool) -> State {
    State { name, path: path.to_owned(), there, is_important }
}

/// Takes the pictures and notes what is not as it was.
struct Studio<'a> {
    browser: &'a Browser,
    extent: Extent,
    made: PathBuf,
    references: PathBuf,
    is_comparable: bool,
    wrong: Vec<String>,
    count: usize,
}

impl<'a> Studio<'a> {
    /// On a page of the site.
    async fn new(browser: &'a Browser, extent: Extent) -> Self {
        let (made, references) =
            (repository().join("target/screenshots"), repository().join("crates/e2e/screenshots"));
        std::fs::create_dir_all(&made).unwrap();
        let here: String = browser.eval(FONTS).await;
        let file = references.join("fonts.txt");
        if extent == Extent::Update {
            std::fs::create_dir_all(&references).unwrap();
            for old in std::fs::read_dir(&references).unwrap() {
                let old = old.unwrap().path();
                if old.extension().is_some_and(|ending| ending == "webp") {
                    std::fs::remove_file(old).unwrap();
                }
            }
            std::fs::write(&file, format!("{here}\n")).unwrap();
        }
        let committed = std::fs::read_to_string(&file).ok();
        let is_comparable = committed.as_deref().is_some_and(|fonts| fonts.trim() == here);
        let mut wrong = Vec::new();
        match committed {
            _ if is_comparable => {}
            Some(fonts) => eprintln!(
                "SKIPPED: screenshots are not compared, for the fonts here are others than those that the committed ones \
                 were made with (widths {here}, there {})",
                fonts.trim()
            ),
            None => wrong.push(format!("there is no {}: none are committed", file.display())),
        }
        Self { browser, extent, made, references, is_comparable, wrong, count: 0 }
    }

    fn wants(&self, state: &State) -> bool {
        state.is_important || self.extent != Extent::Important
    }

    /// Goes to a page, in the language that the device keeps, and takes its pictures.
    async fn visit(&mut self, site: &str, language: &str, state: &State) {
        if !self.wants(state) {
            return;
        }
        self.browser.open(&format!("{site}{}", state.path)).await;
        self.shoot(language, state).await;
    }

    /// Takes pictures of what is there.
    async fn shoot(&mut self, language: &str, state: &State) {
        if !self.wants(state) {
            return;
        }
        let browser = self.browser;
        let cdp = browser.driver().cdp();
        // Those of phones fade away some time after the page has come.
        cdp.send_raw("Emulation.setScrollbarsHidden", json!({ "hidden": true })).await.unwrap();
        for (size, width, height) in SIZES {
            let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": size == "phone" });
            cdp.send_raw("Emulation.setDeviceMetricsOverride", metrics).await.unwrap();
            for scheme in SCHEMES {
                let features = json!({ "features": [
                    { "name": "prefers-color-scheme", "value": scheme },
                    { "name": "prefers-reduced-motion", "value": "reduce" },
                ] });
                cdp.send_raw("Emulation.setEmulatedMedia", features).await.unwrap();
                browser.until(&format!("{} in {language}", state.name), state.there).await;
                let _: bool = browser.eval(HIDE).await;
                browser.until("what loads and moves", STILL).await;
                self.take(&format!("{}-{size}-{scheme}-{language}", state.name)).await;
            }
        }
    }

    async fn take(&mut self, name: &str) {
        self.count += 1;
        let mut difference = self.look(name).await;
        // What is loaded may still have to be painted: it looks as it did sooner or later, or never.
        for _ in 0..LOOKS {
            if difference.is_none() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
            difference = self.look(name).await;
        }
        self.wrong.extend(difference);
    }

    /// Takes one picture, and says how it differs.
    async fn look(&self, name: &str) -> Option<String> {
        let driver = self.browser.driver();
        let shot = driver.screenshot_as_png_base64().await.unwrap();
        std::fs::write(self.made.join(format!("{name}.png")), STANDARD.decode(&shot).unwrap()).unwrap();
        let file = self.references.join(format!("{name}.webp"));
        let update = self.extent == Extent::Update;
        if !update && !self.is_comparable {
            return None;
        }
        let reference = if update { None } else { read(&file) };
        if !update && reference.is_none() {
            return Some(format!("{name}: there is no {}", file.display()));
        }
        let arguments = vec![json!(shot), json!(reference), json!(SMALL)];
        let found: Value = driver.execute(COMPARE, arguments).await.unwrap().convert().unwrap();
        if update {
            std::fs::write(&file, STANDARD.decode(found["made"].as_str().unwrap()).unwrap()).unwrap();
            return None;
        }
        let (worst, whole) = (found["worst"].as_f64().unwrap(), found["whole"].as_f64().unwrap());
        (worst > BLOCK || whole > WHOLE).then(|| {
            format!(
                "{name}: {worst:.0} of at most {BLOCK} at {}, {whole:.1} of at most {WHOLE} in all",
                found["at"]
            )
        })
    }

    fn judge(self) {
        println!("{} screenshots in {}", self.count, self.made.display());
        assert!(
            self.wrong.is_empty(),
            "{} screenshots are not like those in {}; look at them in {}, and where they are right: cargo xtask screenshots --update\n{}",
            self.wrong.len(),
            self.references.display(),
            self.made.display(),
            self.wrong.join("\n")
        );
    }
}

fn read(file: &Path) -> Option<String> {
    std::fs::read(file).ok().map(|octets| STANDARD.encode(octets))
}

async fn speak(browser: &Browser, language: &str) {
    let keep = format!("localStorage.setItem('matinee.language', '\"{language}\"'); return true");
    let _: bool = browser.eval(&keep).await;
}

/// Every page looks as it did, in both directions, schemes and sizes.
#[tokio::test]
async fn pages_look_as_they_did() {
    let (server, browser) = (Server::start_public("").await, Browser::start().await);
    let site = server.url();
    let film = format!("/film/{MOVIE}");
    let link = server.run(&[
        "share",
        "create",
        "--movie",
        &MOVIE.to_string(),
        "--until",
        "1h",
        "--password",
        "open sesame",
        "--devices",
        "1",
    ]);
    let share = link.lines().find_map(|line| line.trim().strip_prefix(site.as_str())).unwrap_or_default();
    browser.open(&format!("{site}/login")).await;
    browser.button("Sign in").await;
    let mut studio = Studio::new(&browser, Extent::asked()).await;

    let outside = [
        state("login", "/login", "return document.querySelector('.ticket') !== null", true),
        state("help", "/help/NETWORK", "return document.querySelector('.help') !== null", false),
        state(
            "not-found",
            "/nothing",
            "return document.querySelector('main.trouble h1')?.innerText ? true : null",
            true,
        ),
        state(
            "share-password",
            share,
            "return document.querySelector('input[type=password]') !== null",
            false,
        ),
    ];
    for language in LANGUAGES {
        speak(&browser, language).await;
        for state in outside.iter().filter(|state| !state.path.is_empty()) {
            studio.visit(&site, language, state).await;
        }
    }

    speak(&browser, "en").await;
    browser.sign_in(&server).await;
    browser.film(TITLE).await;
    // The device has its place before it is in any list.
    let kept = "return Object.keys(localStorage).some(key => key.startsWith('matinee.registration.'))";
    browser.until("the registration", kept).await;
    let inside = [
        state("library", "/library", "return document.querySelector('.film') !== null", true),
        state("film", &film, "return document.querySelector('.film-page') !== null", true),
        state("devices", "/devices", "return document.querySelector('.devices li') !== null", false),
        state("account", "/account", "return document.querySelector('.session-list li') !== null", false),
        state("activate", "/activate", "return document.querySelector('.box-code') !== null", false),
    ];
    let remove = state("devices-remove", "", "return document.querySelector('dialog.ask')?.open", false);
    for language in LANGUAGES {
        speak(&browser, language).await;
        for state in &inside {
            studio.visit(&site, language, state).await;
            if state.name == "devices" && studio.wants(&remove) {
                let _: bool = browser.eval("document.querySelector('.remove').click(); return true").await;
                studio.shoot(language, &remove).await;
            }
        }
    }

    // Last, for the library shows what was begun.
    let paused = "const video = document.querySelector('video');
        return video.paused && !video.seeking && video.readyState >= 2 && document.querySelector('.controls:not(.idle)') !== null";
    let watch = format!("/watch?movieid={MOVIE}");
    let press =
        "document.body.dispatchEvent(new KeyboardEvent('keydown', { bubbles: true, cancelable: true, key: ";
    let player = [
        (
            state("watch-settings", "", "return document.querySelector('[role=menu]') !== null", false),
            "document.querySelector('.controls [aria-haspopup=menu]').click(); return true".to_owned(),
        ),
        // The settings close by the button that opened them.
        (
            state("watch-statistics", "", "return document.querySelector('.statistics dt') !== null", false),
            format!(
                "document.querySelector('.controls [aria-haspopup=menu]').click(); {press}'i' }})); return true"
            ),
        ),
        (
            state("watch-keys", "", "return document.querySelector('dialog.key-help')?.open", false),
            format!("{press}'i' }})); {press}'?' }})); return true"),
        ),
    ];
    let plays = "return document.querySelector('video')?.currentTime > 0.2";
    let rest =
        "const video = document.querySelector('video'); video.pause(); video.currentTime = 30; return true";
    for language in LANGUAGES {
        speak(&browser, language).await;
        browser.open(&format!("{site}{watch}")).await;
        browser.until("the film to play", plays).await;
        let _: bool = browser.eval(rest).await;
        studio.shoot(language, &state("watch", "", paused, true)).await;
        for (state, open) in &player {
            if studio.wants(state) {
                let _: bool = browser.eval(open).await;
                studio.shoot(language, state).await;
            }
        }
    }
    let looks = state("watch-captions", "", CAPTION_STYLE, false);
    if studio.wants(&looks) {
        package_captioned(&server);
        for language in LANGUAGES {
            speak(&browser, language).await;
            browser.open(&format!("{site}/watch?movieid={CAPTIONED}")).await;
            browser.until("the film to play", plays).await;
            let _: bool = browser.eval(rest).await;
            browser.until("the film to rest", paused).await;
            studio.shoot(language, &looks).await;
        }
    }
    let error = state(
        "watch-error",
        &watch,
        "return document.querySelector('[role=alert]')?.innerText ? true : null",
        false,
    );
    if studio.wants(&error) {
        server.set_policy("key_level = \"box\"").await;
        for language in LANGUAGES {
            speak(&browser, language).await;
            studio.visit(&site, language, &error).await;
        }
    }
    studio.judge();
    browser.quit().await;
}
