//! What the operator's receiver is told of a playback, where the manifest names one (CMCD, event mode):
//! gathered, and sent without cookies, so that it can be joined with no account.

use std::{cell::RefCell, rc::Rc};

use gloo::utils::window;
use js_sys::Reflect;
use playback::cmcd::{
    Cmcd,
    reports::{Facts, MEDIA_TYPE, Now, Reports, State},
};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{Headers, RequestCredentials, RequestInit, RequestMode, Response};

use crate::clock;

/// The receiver wants no more reports.
const GONE: u16 = 410;

/// The reports of a playback, and where they go.
pub(super) struct Telemetry {
    url: String,
    reports: RefCell<Reports>,
}

fn now() -> Now {
    Now { unix: js_sys::Date::now().max(0.0) as u64, monotonic: clock::monotonic() }
}

impl Telemetry {
    /// Of a playback that begins.
    pub(super) fn new(to: &nccp::Reports, cmcd: Cmcd, is_live: bool) -> Rc<Self> {
        let mut reports = Reports::new(cmcd, is_live, to.downloads, now());
        reports.state(State::Starting, Facts::default(), now());
        Rc::new(Self { url: to.url.clone(), reports: RefCell::new(reports) })
    }

    /// Something happens.
    pub(super) fn tell(&self, what: impl FnOnce(&mut Reports, Now)) {
        what(&mut self.reports.borrow_mut(), now());
    }

    /// Sends what was gathered for long enough.
    pub(super) fn send_due(self: &Rc<Self>) {
        let body = self.reports.borrow_mut().due(now());
        if let Some(body) = body {
            self.send(&body);
        }
    }

    /// Sends all there is, from a page that may go away.
    pub(super) fn send_all(self: &Rc<Self>) {
        loop {
            let body = self.reports.borrow_mut().take(now());
            let Some(body) = body else { return };
            self.send(&body);
        }
    }

    /// What does not get there is not sent again: a receiver that is away is no reason to load the network.
    fn send(self: &Rc<Self>, body: &str) {
        let Some(init) = post(body) else { return };
        // Asked for at once: the page may not live to do it later.
        let answer = JsFuture::from(window().fetch_with_str_and_init(&self.url, &init));
        let this = Rc::downgrade(self);
        spawn_local(async move {
            let Ok(answer) = answer.await else { return };
            if answer.unchecked_into::<Response>().status() == GONE
                && let Some(this) = this.upgrade()
            {
                this.reports.borrow_mut().refuse();
            }
        });
    }
}

/// A request that outlives the page. A beacon would do that as well, but always has cookies.
fn post(body: &str) -> Option<RequestInit> {
    let headers = Headers::new().ok()?;
    headers.set("Content-Type", MEDIA_TYPE).ok()?;
    let init = RequestInit::new();
    init.set_method("POST");
    init.set_mode(RequestMode::Cors);
    init.set_credentials(RequestCredentials::Omit);
    init.set_headers(&headers);
    init.set_body(&JsValue::from_str(body));
    Reflect::set(&init, &"keepalive".into(), &JsValue::TRUE).ok()?;
    Some(init)
}
