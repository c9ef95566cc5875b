//! What assistive techniques meet: axe-core on every page, in both colour schemes. It sees what a machine can
//! see of WCAG 2.2 to level AA, and whether headings begin with one of the first level and skip none.

use std::path::Path;

use e2e::{Browser, MOVIE, Server, TITLE, free_port};
use serde_json::{Value, json};

use crate::embedding::{CAPTIONED, FILM, Site, example, grant, inside, origin, package_captioned, server};
use crate::{eme, frameworks, live};

/// Opens the dialog for the looks of captions, by the settings. True when it is there.
pub(crate) const CAPTION_STYLE: &str = "
    if (document.querySelector('.caption-style')?.open) return true;
    const item = [...document.querySelectorAll('[role=menuitem]')].pop();
    if (item) item.click();
    else [...document.querySelectorAll('.controls [aria-haspopup=menu]')].pop()?.click();
    return null";

/// The key Tab (W3C WebDriver, 17.4.2).
const TAB: &str = "\u{E004}";

/// Leads the focus to each control that can be seen, and gives those that do not show it or have lost their
/// borders.
const FORCED: &str = "
    const wrong = [];
    const is_drawn = (style, line) => style[line + 'Style'] !== 'none' && parseFloat(style[line + 'Width']) > 0;
    const name = of => `${of.tagName} ${of.className} ${of.getAttribute('aria-label') ?? of.textContent}`.trim();
    const visible = of => of.checkVisibility({ opacityProperty: true, visibilityProperty: true });
    let count = 0;
    for (const control of document.querySelectorAll('a[href], button, input, select')) {
        if (control.disabled || control.tabIndex < 0 || !visible(control)) continue;
        control.focus({ preventScroll: true });
        if (document.activeElement !== control) continue;
        count += 1;
        const styles = [null, '::after'].map(part => getComputedStyle(control, part));
        if (!styles.some(style => is_drawn(style, 'outline'))) wrong.push(`${name(control)}: the focus is not seen`);
    }
    document.activeElement.blur();
    if (count < 5) wrong.push(`only ${count} controls`);
    const framed = '.button, .go, .queue, select, input:not([type=range], [type=checkbox])';
    for (const control of document.querySelectorAll(framed)) {
        if (visible(control) && !is_drawn(getComputedStyle(control), 'borderTop')) wrong.push(`${name(control)}: no border`);
    }
    return wrong";

/// Looks at pages of one browser, and notes what is wrong with them.
struct Inspector<'a> {
    browser: &'a Browser,
    axe: String,
    wrong: Vec<String>,
}

impl<'a> Inspector<'a> {
    /// `None` where axe-core is not installed.
    async fn new(browser: &'a Browser) -> Option<Self> {
        let Some(folder) = std::env::var_os("MATINEE_PLAYERS") else {
            eprintln!("SKIPPED: MATINEE_PLAYERS is not set: cargo xtask test sets it where npm is");
            return None;
        };
        let axe =
            std::fs::read_to_string(Path::new(&folder).join("node_modules/axe-core/axe.min.js")).unwrap();
        // Other tests look at the policies; here a script that no page has is to run in all of them.
        let enabled = json!({ "enabled": true });
        browser.driver().cdp().send_raw("Page.setBypassCSP", enabled).await.unwrap();
        Some(Self { browser, axe, wrong: Vec::new() })
    }

    /// Looks at what the driver is in, a page or a frame, once for each scheme.
    async fn look(&mut self, page: &str) {
        for scheme in ["dark", "light"] {
            let features = json!({ "features": [
                { "name": "prefers-color-scheme", "value": scheme }, { "name": "prefers-reduced-motion", "value": "reduce" },
            ] });
            self.browser.driver().cdp().send_raw("Emulation.setEmulatedMedia", features).await.unwrap();
            // Not while colours change.
            self.browser
                .until(
                    "the scheme's colours",
                    "const frame = () => new Promise(requestAnimationFrame);
                     await frame(); await frame();
                     return document.getAnimations().every(a => !(a instanceof CSSTransition))",
                )
                .await;
            if !self.browser.eval::<bool>("return Boolean(window.axe)").await {
                self.browser.driver().execute(self.axe.as_str(), vec![]).await.unwrap();
            }
            // What a player of others draws is not ours to mend.
            let found: Vec<String> = self
                .browser
                .eval(
                    "const found = await axe.run({ exclude: ['.video-js'] }, {
                        iframes: false,
                        preload: false,
                        resultTypes: ['violations'],
                        runOnly: { type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] },
                        rules: { 'page-has-heading-one': { enabled: true }, 'heading-order': { enabled: true } },
                     });
                     return found.violations.flatMap(({ id, nodes }) =>
                        nodes.map(({ target, html, failureSummary }) => `${id}: ${target}: ${html}: ${failureSummary}`))",
                )
                .await;
            self.wrong.extend(found.into_iter().map(|found| format!("{page}, {scheme}: {found}")));
        }
    }

    /// The same once a script gives something.
    async fn look_when(&mut self, page: &str, script: &str) {
        self.browser.until(&format!("{page} to be there"), script).await;
        self.look(page).await;
    }

    /// Looks whether the page needs no scrolling to the side at 400 % of 1280 × 1024 (WCAG 2.2, 1.4.10), and
    /// an open menu is there whole.
    async fn zoom(&mut self, page: &str) {
        let cdp = self.browser.driver().cdp();
        let small = json!({ "width": 320, "height": 256, "deviceScaleFactor": 1, "mobile": false });
        cdp.send_raw("Emulation.setDeviceMetricsOverride", small).await.unwrap();
        self.browser.until("the small page", "return innerWidth === 320").await;
        let is_whole = "
            const menu = document.querySelector('[role=menu]')?.getBoundingClientRect();
            return document.documentElement.scrollWidth <= innerWidth && (!menu || menu.left >= 0 && menu.right <= innerWidth)";
        if !self.browser.eval::<bool>(is_whole).await {
            self.wrong.push(format!("{page}: wider than the screen at 400 %"));
        }
        cdp.send_raw("Emulation.clearDeviceMetricsOverride", json!({})).await.unwrap();
        self.browser.until("the page as it was", "return innerWidth > 320").await;
    }

    /// Looks whether all controls show the focus, and those with borders have them, where the system's
    /// colours stand for the page's (CSS Color Adjustment 1, `forced-colors`): shadows and grounds are gone
    /// there.
    async fn forced_colours(&mut self, page: &str) {
        let cdp = self.browser.driver().cdp();
        let features = json!({ "features": [
            { "name": "forced-colors", "value": "active" }, { "name": "prefers-reduced-motion", "value": "reduce" },
        ] });
        cdp.send_raw("Emulation.setEmulatedMedia", features).await.unwrap();
        let forced = "return matchMedia('(forced-colors: active)').matches";
        self.browser.until("the system's colours", forced).await;
        // Who has a keyboard in hand sees the focus, wherever a script leads it.
        let tab = self.browser.driver().action_chain().send_keys(TAB);
        tab.perform().await.unwrap();
        let found: Vec<String> = self.browser.eval(FORCED).await;
        self.wrong.extend(found.into_iter().map(|found| format!("{page}, forced colours: {found}")));
        let usual = json!({ "features": [] });
        cdp.send_raw("Emulation.setEmulatedMedia", usual).await.unwrap();
    }

    /// Prints the list.
    fn judge(self) {
        assert!(self.wrong.is_empty(), "{} violations:\n{}", self.wrong.len(), self.wrong.join("\n"));
    }
}

/// The pages of the site, and the player in what a viewer meets of it.
#[tokio::test]
async fn the_sites_pages_have_no_violations() {
    let browser = Browser::start().await;
    let Some(mut inspector) = Inspector::new(&browser).await else { return };
    let server = Server::start_public("").await;
    let url = server.url();
    browser.open(&format!("{url}/login")).await;
    browser.button("Sign in").await;
    inspector.look("login").await;
    inspector.zoom("login").await;

    browser.sign_in(&server).await;
    browser.film(TITLE).await;
    inspector.look("library").await;
    inspector.zoom("library").await;
    inspector.forced_colours("library").await;
    let film = format!("film/{MOVIE}");
    for (page, there) in [
        ("devices", "return document.querySelector('.devices li') !== null"),
        ("account", "return document.querySelector('.session-list li') !== null"),
        ("activate?code=ABC234", "return document.querySelector('.box-code')?.value === 'ABC234'"),
        ("nothing", "return document.querySelector('h1')?.textContent === 'Page not found'"),
        ("help/NETWORK", "return document.querySelector('.help') !== null"),
        (&*film, "return document.querySelector('.film-page .credits') !== null"),
    ] {
        browser.open(&format!("{url}/{page}")).await;
        inspector.look_when(page, there).await;
        inspector.zoom(page).await;
    }
    browser.open(&format!("{url}/devices")).await;
    let ask = "document.querySelector('.remove')?.click(); return document.querySelector('dialog.ask')?.open ?? null";
    inspector.look_when("devices, a removal", ask).await;
    browser.open(&format!("{url}/devices")).await;
    let rename = "
        const dialog = document.querySelector('dialog[aria-labelledby=rename-title]');
        if (!dialog) document.querySelector('.rename')?.click();
        return dialog?.open ?? null";
    inspector.look_when("devices, another name", rename).await;

    let link =
        server.run(&["share", "create", "--movie", &MOVIE.to_string(), "--until", "1h", "--devices", "1"]);
    let plays = "return document.querySelector('video')?.currentTime > 0.2";
    let movie = MOVIE.to_string();
    let closed = ["share", "create", "--movie", &movie, "--until", "1h", "--password", "open sesame"];
    let closed = server.run(&closed);
    let closed = closed.lines().map(str::trim).find(|line| line.starts_with(&url)).unwrap();
    browser.open(closed).await;
    let asks = "return document.querySelector('input[type=password]') !== null";
    inspector.look_when("share, password", asks).await;
    browser.open(link.trim()).await;
    browser.until("the film to play", plays).await;
    browser.button("Pause").await;
    inspector.look("share").await;

    browser.open(&format!("{url}/watch?movieid={MOVIE}")).await;
    browser.until("the film to play", plays).await;
    // The controls are shown when the pointer has moved.
    browser.button("Pause").await;
    inspector.look("watch, playing").await;
    browser.button("Pause").await.click().await.unwrap();
    browser.button("Play").await;
    inspector.look("watch, paused").await;
    inspector.forced_colours("watch, paused").await;
    for (state, key, there) in [
        ("watch, statistics", "i", "return document.querySelector('.statistics dt') !== null"),
        ("watch, keys", "?", "return document.querySelector('dialog.key-help')?.open ?? null"),
    ] {
        let press = format!(
            "document.body.dispatchEvent(new KeyboardEvent('keydown', {{ bubbles: true, cancelable: true, key: '{key}' }})); return true"
        );
        let _: bool = browser.eval(&press).await;
        inspector.look_when(state, there).await;
    }
    let _: bool = browser.eval("document.querySelector('dialog.key-help').close(); return true").await;
    browser.button("Settings").await.click().await.unwrap();
    inspector.look_when("watch, settings", "return document.querySelector('[role=menu]') !== null").await;
    inspector.zoom("watch, settings").await;
    let seek = |to: f64| {
        format!("const v = document.querySelector('video'); v.currentTime = {to}; v.play(); return true")
    };
    let _: bool = browser.eval(&seek(30.0)).await;
    let far = "const v = document.querySelector('video'); return v?.currentTime > 30.2 && !v.seeking";
    browser.until("the film to go on", far).await;
    browser.driver().refresh().await.unwrap();
    inspector.look_when("watch, resuming", "return document.querySelector('.resumed') !== null").await;
    package_captioned(&server);
    for (movie, number) in [(MOVIE, "1"), (CAPTIONED, "2")] {
        let movie = movie.to_string();
        server.run(&["movie", "edit", &movie, "--series", "Signs", "--season", "1", "--episode", number]);
    }
    browser.open(&format!("{url}/watch?movieid={MOVIE}")).await;
    browser.until("the film to play", plays).await;
    let _: bool = browser.eval(&seek(59.5)).await;
    inspector.look_when("watch, up next", "return document.querySelector('.up-next') !== null").await;
    let lecture = live::create(&server, "Lecture 7", &[]);
    browser.open(&format!("{url}/watch?movieid={}", lecture["movie_id"])).await;
    let waits = "return document.querySelector('.event-waiting') !== null";
    inspector.look_when("watch, waiting for an event", waits).await;
    browser.open(&format!("{url}/watch?movieid={CAPTIONED}")).await;
    browser.until("the film to play", plays).await;
    browser.until("the choice of looks", CAPTION_STYLE).await;
    inspector.look("watch, looks of captions").await;
    server.set_policy("key_level = \"box\"").await;
    browser.open(&format!("{url}/watch?movieid={MOVIE}")).await;
    inspector
        .look_when("watch, error", "return document.querySelector('[role=alert]')?.innerText ? true : null")
        .await;
    inspector.judge();
    browser.quit().await;
}

/// The player in a page of another site, from outside and from inside, and the examples.
#[tokio::test]
async fn embedding_pages_have_no_violations() {
    // With frames of other sites in the page's process, what is said of policies holds for them, too.
    let browser = Browser::start_with(&["--disable-site-isolation-trials"]).await;
    let Some(mut inspector) = Inspector::new(&browser).await else { return };
    let port = free_port();
    let (server, key) = server(&[port]).await;
    let token = grant(&server, &key, json!({ "origin": origin(port) })).await;
    let site = Site::serve(port, example(&server, &token), String::new()).await;
    browser.open(&site.url()).await;
    inspector.look_when("example player", &format!("return Boolean({FILM}?.shadowRoot)")).await;
    inside(&browser, "button").await.click().await.unwrap();
    browser.until("the film to play", &format!("return {FILM}.currentTime > 0.2")).await;
    inspector.look("example player, playing").await;
    let _: Value = browser.eval(&format!("{FILM}.pause(); return null")).await;
    browser.until("the pause", &format!("return {FILM}.paused")).await;
    inside(&browser, "iframe").await.enter_frame().await.unwrap();
    inspector.look_when("embed", "return document.querySelector('button[aria-label=Play]') !== null").await;
    browser.driver().enter_default_frame().await.unwrap();

    for framework in [frameworks::REACT, frameworks::VUE] {
        let Some((_server, site)) = frameworks::serve(&framework).await else { continue };
        browser.open(&site.url()).await;
        let there = format!("return Boolean({FILM}?.shadowRoot)");
        inspector.look_when(&format!("example {}", framework.name), &there).await;
    }
    for player in eme::EXAMPLES {
        let Some((_server, address)) = eme::example(player).await else { continue };
        browser.open(&address).await;
        let there = "return document.querySelector('video')?.readyState >= 2";
        inspector.look_when(&format!("example {}", player.0), there).await;
    }
    inspector.judge();
    browser.quit().await;
}
