//! Where the players are served, and how a start of each is watched.

use std::path::Path;
use std::time::Duration;

use axum::Router;
use e2e::{Browser, PASSWORD, Stage, TITLE, eventually, serve_pages};
use serde_json::Value;
use shaper::{Kind, Link, Proxy};
use tower_http::services::ServeDir;

use crate::contender::Contender;
use crate::report::{Run, Step};
use crate::{REST, THINK};

/// Notes when the click came, what was asked of servers and of Matinee's worker, what was appended on the page or, as the
/// worker says, there, and when the first frame was shown.
const PROBE: &str = "
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
    stage: Stage,
    others: Proxy,
}

impl Stands {
    pub(crate) async fn start(others: &Path, film: &Path) -> Self {
        let files = Router::new().fallback_service(ServeDir::new(others).precompressed_br());
        let address = serve_pages(files);
        let config = "[devices]\nlimit = 1000\n[limits]\nlogins_per_account = 1000\nlogins_per_address = 10000\nlogins_of_unknown_browsers = 10000\nsite_requests = 100000\nsite_requests_per_account = 100000\n\
                      individualizations = 10000\nrequests = 100000\n";
        let stage = Stage::start_with(0, config, &[film.to_owned()]).await;
        Self { stage, others: Proxy::start(address).unwrap() }
    }

    pub(crate) async fn run(&self, contender: Contender, rtt: u64, megabits: f64) -> Run {
        let proxy = if contender.is_ours() { &self.stage.site } else { &self.others };
        proxy.set_link(Link::default());
        proxy.forget();
        let browser = Browser::start().await;
        browser.before_each_page(PROBE).await;
        let button = match contender {
            Contender::Matinee | Contender::MatineeRested => {
                // An account of its own, so that no film is resumed.
                let email = format!("v{}@example.org", fastrand::u64(..));
                self.stage.server.run(&["user", "add", &email, "--password", PASSWORD]);
                browser.open(&format!("{}/login", self.stage.url())).await;
                browser.fill("Email", &email).await;
                browser.fill("Password", PASSWORD).await;
                browser.button("Sign in").await.click().await.unwrap();
                eventually("the registration", || async {
                    let done = |exchange: &shaper::Exchange| {
                        exchange.kind == Kind::Controller && exchange.ended.is_some()
                    };
                    proxy.exchanges().iter().any(done).then_some(())
                })
                .await;
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
        let seen: Value = browser
            .eval(
                "return { marks: probe.marks, requests: performance.getEntriesByType('resource')
                   .filter(e => e.startTime >= probe.marks.click && e.startTime <= probe.first)
                   .map(e => [new URL(e.name).pathname, e.startTime, e.responseStart, e.responseEnd]) }",
            )
            .await;
        browser.quit().await;
        let click = seen["marks"]["click"].as_f64().unwrap();
        let marks = seen["marks"].as_object().unwrap();
        let mut steps: Vec<Step> = marks
            .iter()
            .filter(|(name, _)| *name != "click")
            .map(|(name, at)| Step { name: name.clone(), at: at.as_f64().unwrap() - click })
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
                let at = request[place].as_f64().unwrap() - click;
                let name = format!("{name}: {what}");
                if !steps.iter().any(|step| step.name == name) {
                    steps.push(Step { name, at });
                }
            }
        }
        Run { contender, rtt, first_frame: first - click, steps }
    }
}
