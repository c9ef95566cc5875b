//! Where the players are served, and how a start of each is watched.

use std::path::Path;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use e2e::{Browser, PASSWORD, Stage, TITLE, eventually, serve_pages};
use serde_json::Value;
use shaper::{Exchange, Kind, Link, Proxy};
use tower_http::services::ServeDir;

use crate::contender::Contender;
use crate::report::{Run, Step};
use crate::{REST, THINK};

/// Notes when the click came, what was asked of servers and of Matinee's worker, what was appended on the
/// page or, as the worker says, there, and when the first frame was shown.
pub(crate) const PROBE: &str = "
    window.probe = { marks: {}, first: null };
    const mark = name => { probe.marks[name] ??= performance.now() };
    const watch = v => { if (v && v.watched !== probe.marks) { v.watched = probe.marks;
        v.requestVideoFrameCallback(() => probe.first ??= performance.now()) } };
    document.addEventListener('click', () => {
        probe.marks = {}; probe.first = null; mark('click'); watch(document.querySelector('video'));
    }, true);
    new MutationObserver(() => watch(document.querySelector('video'))).observe(document, { childList: true, subtree: true });
    for (const name of ['loadedmetadata', 'loadeddata', 'canplay', 'playing']) document.addEventListener(name, () => mark(name), true);
    const post = Worker.prototype.postMessage, asked = new Map();
    Worker.prototype.postMessage = function (message, ...rest) {
        const type = (message?.cdm ?? message?.device ?? message?.source)?.type;
        if (type) {
            mark('worker asked: ' + type);
            if (message.id !== undefined) asked.set(message.id, type);
            if (!this.heard) {
                this.heard = true;
                this.addEventListener('message', e => {
                    const type = asked.get(e.data?.id), news = e.data?.event?.source?.news;
                    if (type) mark('worker answered: ' + type);
                    if (news?.buffered) mark(news.buffered.ranges.length ? 'first media appended' : 'first append over');
                });
            }
        }
        return post.call(this, message, ...rest);
    };
    const append = SourceBuffer.prototype.appendBuffer;
    SourceBuffer.prototype.appendBuffer = function (bytes) {
        mark('first append'); if (bytes.byteLength > 4000) mark('first media append'); return append.call(this, bytes) };";

/// Where all of them are served.
pub(crate) struct Stands {
    pub(crate) stage: Stage,
    pub(crate) others: Proxy,
}

/// Scripts of others are kept by browsers as ours are; media are not, as ours are not.
async fn kept(request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let policy = if path.ends_with(".js") { "public, max-age=31536000, immutable" } else { "no-cache" };
    let mut response = next.run(request).await;
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(policy));
    response
}

impl Stands {
    pub(crate) async fn start(others: &Path, film: &Path) -> Self {
        let files = Router::new().fallback_service(ServeDir::new(others).precompressed_br());
        // The film under another address, too, for visits that are not measured.
        let again = ServeDir::new(others.join("dash"));
        let address = serve_pages(files.nest_service("/again", again).layer(from_fn(kept)));
        let others = Proxy::start(address).unwrap();
        let embedder = format!("embedders = [\"http://localhost:{}\"]\n", others.address().port());
        let config = "[devices]\nlimit = 1000\n[limits]\nlogins_per_account = 1000\nlogins_per_address = 10000\nlogins_of_unknown_browsers = 10000\nsite_requests = 100000\nsite_requests_per_account = 100000\n\
                      individualizations = 10000\nrequests = 100000\n";
        let stage = Stage::start_with(0, &format!("{embedder}{config}"), &[film.to_owned()]).await;
        Self { stage, others }
    }

    /// Signs a new account in, so that no film is resumed, and waits until the browser is a device of it.
    pub(crate) async fn enter(&self, browser: &Browser) {
        let email = format!("v{}@example.org", fastrand::u64(..));
        self.stage.server.run(&["user", "add", &email, "--password", PASSWORD]);
        browser.open(&format!("{}/login", self.stage.url())).await;
        browser.fill("Email", &email).await;
        browser.fill("Password", PASSWORD).await;
        browser.button("Sign in").await.click().await.unwrap();
        eventually("the registration", || async {
            let done = |exchange: &Exchange| exchange.kind == Kind::Controller && exchange.ended.is_some();
            self.stage.site.exchanges().iter().any(done).then_some(())
        })
        .await;
    }

    pub(crate) async fn run(&self, contender: Contender, rtt: u64, megabits: f64) -> Run {
        let proxy = if contender.is_ours() { &self.stage.site } else { &self.others };
        proxy.set_link(Link::default());
        proxy.forget();
        let browser = Browser::start().await;
        browser.before_each_page(PROBE).await;
        let button = match contender {
            Contender::Matinee | Contender::MatineeRested => {
                self.enter(&browser).await;
                browser.film(TITLE).await
            }
            Contender::Shaka | Contender::Hls => {
                let page = if contender == Contender::Shaka { "shaka" } else { "hls" };
                let port = self.others.address().port();
                browser.open(&format!("http://localhost:{port}/{page}.html")).await;
                browser.until("the player", "return window.ready").await;
                browser.button("Play").await
            }
        };
        tokio::time::sleep(THINK).await;
        proxy.set_link(Link { megabits: Some(megabits), rtt: Duration::from_millis(rtt) });
        if contender == Contender::MatineeRested {
            let pointer = browser.driver().action_chain().move_to_element_center(&button);
            pointer.perform().await.unwrap();
            tokio::time::sleep(REST).await;
        }
        button.click().await.unwrap();
        let first = browser.until("the first frame", "return probe.first ?? window.trouble").await;
        let first = first.as_f64().unwrap_or_else(|| panic!("{}: {first}", contender.name()));
        let click: f64 = browser.eval("return probe.marks.click").await;
        let steps = steps(&browser, click).await;
        browser.quit().await;
        Run { contender, rtt, first_frame: first - click, steps }
    }
}

/// The moments on the way from `begin`, of the page's clock, to the first frame.
pub(crate) async fn steps(browser: &Browser, begin: f64) -> Vec<Step> {
    let seen: Value = browser
        .eval(&format!(
            "return {{ marks: probe.marks, requests: performance.getEntriesByType('resource')
               .filter(e => e.startTime >= {begin} && e.startTime <= probe.first)
               .map(e => [new URL(e.name).pathname, e.startTime, e.responseStart, e.responseEnd]) }}"
        ))
        .await;
    let marks = seen["marks"].as_object().unwrap();
    let mut steps: Vec<Step> = marks
        .iter()
        .filter(|(name, _)| *name != "click")
        .map(|(name, at)| Step { name: name.clone(), at: at.as_f64().unwrap() - begin })
        .collect();
    for request in seen["requests"].as_array().unwrap() {
        let path = request[0].as_str().unwrap();
        let name = match Kind::of(path) {
            Kind::Controller => "controller",
            Kind::Media => "media",
            Kind::Report => continue,
            _ => path,
        };
        for (place, what) in [(1, "asked"), (2, "first octet"), (3, "last octet")] {
            let at = request[place].as_f64().unwrap() - begin;
            let name = format!("{name}: {what}");
            if !steps.iter().any(|step| step.name == name) {
                steps.push(Step { name, at });
            }
        }
    }
    steps
}
