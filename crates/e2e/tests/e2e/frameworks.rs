//! `<matinee-player>` in apps of React and Vue, as the examples of the documentation have it, on a page with
//! a strict Content-Security-Policy. C21.

use std::path::{Path, PathBuf};

use axum::Router;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::routing::get;
use e2e::{Browser, MOVIE, Server, free_port, repository};
use serde_json::{Value, json};

use crate::embedding::{FILM, Site, filled, grant, inside, origin, server};

/// An example: its page and script are named for the framework.
pub(crate) struct Framework {
    pub(crate) name: &'static str,
    /// Packages that its script imports.
    packages: &'static [&'static str],
    /// All of them as one module, from the folder of npm's packages.
    module: fn(&Path) -> String,
}

pub(crate) const REACT: Framework =
    Framework { name: "react", packages: &["react", "react-dom/client"], module: react };
pub(crate) const VUE: Framework = Framework { name: "vue", packages: &["vue"], module: vue };

/// React's development build, in which `StrictMode` mounts everything twice. It is CommonJS, which a bundler
/// would join.
fn react(packages: &Path) -> String {
    const FILES: [(&str, &str); 4] = [
        ("react", "react/cjs/react.development.js"),
        ("react-dom", "react-dom/cjs/react-dom.development.js"),
        ("react-dom/client", "react-dom/cjs/react-dom-client.development.js"),
        ("scheduler", "scheduler/cjs/scheduler.development.js"),
    ];
    let mut sources = String::new();
    for (name, file) in FILES {
        let source = std::fs::read_to_string(packages.join(file)).unwrap();
        sources += &format!("\"{name}\": (module, exports, require) => {{ {source}\n }},\n");
    }
    format!(
        "const process = {{ env: {{ NODE_ENV: \"development\" }} }};
         const sources = {{ {sources} }};
         const loaded = {{}};
         const require = (name) => {{
            if (!(name in loaded)) {{
                loaded[name] = {{ exports: {{}} }};
                sources[name](loaded[name], loaded[name].exports, require);
            }}
            return loaded[name].exports;
         }};
         export const {{ StrictMode, createElement, useRef, useState }} = require(\"react\");
         export const {{ createRoot }} = require(\"react-dom/client\");"
    )
}

/// Vue without its compiler of templates.
fn vue(packages: &Path) -> String {
    std::fs::read_to_string(packages.join("vue/dist/vue.runtime.esm-browser.js")).unwrap()
}

/// The example on a site of its own. `None` where the frameworks are not installed.
pub(crate) async fn serve(framework: &Framework) -> Option<(Server, Site)> {
    let packages = PathBuf::from(std::env::var_os("MATINEE_PLAYERS")?).join("node_modules");
    let port = free_port();
    let (server, key) = server(&[port]).await;
    let token = grant(&server, &key, json!({ "origin": origin(port) })).await;
    let page = filled(&format!("{}.html", framework.name), &server, &token);
    let path = format!("/{}.js", framework.name);
    assert!(page.contains(&format!("src=\"{path}\"")), "{page}");
    let mut script = std::fs::read_to_string(repository().join("www/examples").join(&path[1..])).unwrap();
    for package in framework.packages {
        let import = format!("from \"{package}\";");
        assert_eq!(script.matches(&import).count(), 1, "{import}");
        script = script.replace(&import, "from \"/module.js\";");
    }
    // What docs/embed.md says that a page needs, and its own scripts.
    let url = server.url();
    let policy = format!("default-src 'none'; script-src 'self' {url}; frame-src {url}");
    let module = (framework.module)(&packages);
    let text = |script: String| get(async move || ([(CONTENT_TYPE, "text/javascript")], script));
    let html = [(CONTENT_TYPE, "text/html; charset=utf-8".to_owned()), (CONTENT_SECURITY_POLICY, policy)];
    let router = Router::new()
        .route("/", get(async move || (html, page)))
        .route(&path, text(script))
        .route("/module.js", text(module));
    Some((server, Site::serve_all(port, router).await))
}

/// Presses a button of the app.
async fn press(browser: &Browser, name: &str) {
    browser.button(name).await.click().await.unwrap();
}

/// What the app has heard.
const HEARD: &str = "document.querySelector('output').textContent.split(' · ')";

/// Mounted once, told by properties, heard by events, gone without a frame, and mounted again.
async fn lives_in(framework: &Framework) {
    let Some((server, site)) = serve(framework).await else {
        eprintln!("SKIPPED: MATINEE_PLAYERS is not set: cargo xtask test sets it where npm is");
        return;
    };
    let browser = Browser::start().await;
    browser.open(&site.url()).await;
    browser.until("the element", &format!("return Boolean({FILM}?.shadowRoot)")).await;
    let set: Value = browser.eval(&format!("const f = {FILM}; return [f.movie, f.controls, f.muted]")).await;
    assert_eq!(set, json!([MOVIE.to_string(), true, false]));

    // Events come, and each of them once, however often it was mounted.
    let tell = format!(
        "{FILM}.dispatchEvent(new CustomEvent('qualitychange', {{ detail: {{ height: 7 }} }})); return true"
    );
    let _: bool = browser.eval(&tell).await;
    browser.until("the event", &format!("return {HEARD}.includes('7 lines')")).await;
    let times: u64 =
        browser.eval(&format!("return {HEARD}.filter(event => event === '7 lines').length")).await;
    assert_eq!(times, 1);

    // By the element's own button it plays, in one frame and as one device.
    inside(&browser, "button").await.click().await.unwrap();
    let plays = format!("return {FILM}.currentTime > 0 && {HEARD}.includes('playing')");
    browser.until("the film to play", &plays).await;
    let frames: u64 =
        browser.eval(&format!("return {FILM}.shadowRoot.querySelectorAll('iframe').length")).await;
    assert_eq!((frames, server.devices().len()), (1, 1));

    // A property of the app's state, and the element by its reference.
    press(&browser, "Sound off").await;
    browser.until("the silence", &format!("return {FILM}.muted")).await;
    press(&browser, "Sound on").await;
    browser.until("the sound", &format!("return !{FILM}.muted")).await;
    browser.until("some of the film", &format!("return {FILM}.currentTime > 3")).await;
    press(&browser, "From the beginning").await;
    browser.until("the beginning", &format!("return {FILM}.currentTime < 3 && !{FILM}.seeking")).await;

    // Gone is gone, and what comes back is another, with what the app says now.
    let _: bool = browser.eval(&format!("window.before = {FILM}; return true")).await;
    press(&browser, "Close the film").await;
    let gone =
        format!("return {FILM} === null && before.paused && !before.shadowRoot.querySelector('iframe')");
    browser.until("it to go", &gone).await;
    press(&browser, "Show the film").await;
    browser.until("another", &format!("return {FILM}?.shadowRoot && {FILM} !== before")).await;
    inside(&browser, "button").await.click().await.unwrap();
    browser.until("it to play again", &format!("return {FILM}.currentTime > 0 && !{FILM}.paused")).await;
    let devices = server.devices();
    assert!(devices.len() == 1 && devices[0].email == "subject:u-42", "{devices:?}");
    browser.quit().await;
}

/// C21: a React app, in `StrictMode`.
#[tokio::test]
async fn c21_the_element_lives_in_a_react_app() {
    lives_in(&REACT).await;
}

/// C21: a Vue app.
#[tokio::test]
async fn c21_the_element_lives_in_a_vue_app() {
    lives_in(&VUE).await;
}
