//! The page's side of the messages, and a site that answers `/individualize` inside the browser.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cenc::KidAndKey;
use decryptor::VERSION;
use drm_api::cdm::{Reply, Request, StreamId, Whole};
use drm_api::{Ask, DrmError, Event, property};
use js_sys::{Array, Function, Object, Promise, Reflect, Uint8Array};
use license::{
    Check, DrmMetadata, Grant, IndividualizationGrant, IndividualizationRequest, KeyLevel, KeyName, Output,
    Policy, Signer, SiteCa, Trust, Typ, VerifiedChallenge,
};
use serde::de::DeserializeOwned;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    IdbDatabase, IdbRequest, MessageChannel, MessageEvent, MessagePort, Response, SubtleCrypto,
    WorkerGlobalScope,
};

/// What this build of the module says of its keys.
pub const LEVEL: KeyLevel = if cfg!(feature = "compat") { KeyLevel::Software } else { KeyLevel::Webcrypto };
/// Where it keeps them.
pub const DATABASE: &str = if cfg!(feature = "compat") { "matinee-drm-software" } else { "matinee-drm" };

pub const URL: &str = "http://matinee.test";
pub const CONTROLLER: &str = "http://matinee.test/nccp/controller";

/// The time of the site, Unix seconds, whatever this machine's clock says: see [`set_clock_back`].
pub fn now() -> u64 {
    let performance = scope().performance().unwrap();
    ((performance.time_origin() + performance.now()) / 1000.0) as u64
}

/// Sets the clock that the module sees back by so many seconds; 0: as it was.
pub fn set_clock_back(seconds: f64) {
    thread_local! {
        static TRUE_NOW: Function = Reflect::get(&date(), &"now".into()).unwrap().unchecked_into();
    }
    let true_now = TRUE_NOW.with(Function::clone);
    let now = Closure::<dyn FnMut() -> f64>::new(move || {
        true_now.call0(&date()).unwrap().as_f64().unwrap() - 1000.0 * seconds
    });
    Reflect::set(&date(), &"now".into(), &now.into_js_value()).unwrap();
}

fn date() -> JsValue {
    Reflect::get(&scope(), &"Date".into()).unwrap()
}

/// A fresh account name: IndexedDB outlives the tests.
pub fn account() -> String {
    format!("a-{}", hex::encode(license::nonce().unwrap()))
}

fn scope() -> WorkerGlobalScope {
    js_sys::global().unchecked_into()
}

pub fn subtle() -> SubtleCrypto {
    scope().crypto().unwrap().subtle()
}

/// A site whose `/individualize` is this worker's `fetch`.
pub struct Site {
    pub ca: SiteCa,
    pub trust: Trust,
    licenses: Signer,
    asked: Rc<Cell<u32>>,
    status: Rc<Cell<u16>>,
    module: Rc<Cell<u8>>,
}

impl Site {
    pub fn install() -> Self {
        let ca = SiteCa::generate().unwrap();
        let signer = |typ| ca.new_signer(URL, typ, "test", now() - 1000, now() + 1000).unwrap();
        let (devices, answers) = (signer(Typ::DeviceCertificate), signer(Typ::Individualization));
        let (asked, status) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(200)));
        let module = Rc::new(Cell::new(0));
        let counter = (Rc::clone(&asked), Rc::clone(&status), Rc::clone(&module));
        let installed = now();
        let fetch =
            Closure::<dyn FnMut(String, JsValue) -> Promise>::new(move |url: String, init: JsValue| {
                assert_eq!(url, format!("{URL}/individualize"));
                counter.0.set(counter.0.get() + 1);
                let body = Uint8Array::new(&Reflect::get(&init, &"body".into()).unwrap()).to_vec();
                let request = IndividualizationRequest::verify(&body, URL).unwrap();
                assert_eq!(request.level, LEVEL);
                let grant = IndividualizationGrant {
                    module_url: "/assets/decryptor_bg.wasm",
                    module_sha256: [counter.2.get(); 32],
                    oldest_module: VERSION.parse().unwrap(),
                    now: now(),
                };
                // No two at the same second: each differs from the others.
                let issued = installed - u64::from(counter.0.get());
                let certificate = devices.certify_device(&request, issued).unwrap();
                let answer = answers.sign_individualization(&body, certificate, &grant).unwrap();
                let init = web_sys::ResponseInit::new();
                init.set_status(counter.1.get());
                let body = Uint8Array::from(answer.as_slice());
                let response = Response::new_with_opt_js_u8_array_and_init(Some(&body), &init).unwrap();
                Promise::resolve(&JsValue::from(response))
            });
        Reflect::set(&scope(), &"fetch".into(), &fetch.into_js_value()).unwrap();
        let trust = Trust::new(URL, &[ca.public_key()]).unwrap();
        Self { licenses: signer(Typ::License), trust, ca, asked, status, module }
    }

    pub fn individualizations(&self) -> u32 {
        self.asked.get()
    }

    pub fn answer_with(&self, status: u16) {
        self.status.set(status);
    }

    /// From now on the answers name another module.
    pub fn name_another_module(&self) {
        self.module.set(1);
    }

    /// DRM metadata for a challenge, with this license URL.
    pub fn metadata(&self, license_url: Option<&str>) -> Vec<u8> {
        let kid = crate::common::CLEARKEY.parse::<KidAndKey>().unwrap().kid;
        let (common_key_id, label) = ("c1".to_owned(), "main".to_owned());
        let metadata = DrmMetadata {
            signer: vec![],
            content_id: "movie/7".into(),
            keys: vec![KeyName { kid, common_key_id, label, period: 0 }],
            policy: "24h".into(),
            license_url: license_url.map(str::to_owned),
            embedded_license: None,
            issued: now(),
            ttl: 60,
        };
        let signer = self.ca.new_signer(URL, Typ::DrmMetadata, "test", now() - 1000, now() + 1000).unwrap();
        signer.sign_metadata(metadata).unwrap()
    }

    /// A license with the fixture's key.
    pub fn license_for(&self, challenge: &VerifiedChallenge) -> Vec<u8> {
        self.license_by(challenge, &policy())
    }

    /// The same by other rules.
    pub fn license_by(&self, challenge: &VerifiedChallenge, policy: &Policy) -> Vec<u8> {
        let pair: KidAndKey = crate::common::CLEARKEY.parse().unwrap();
        let keys = [(pair.kid, pair.cek)];
        let grant = Grant {
            content_id: "movie/7",
            keys: &keys,
            policy,
            now: now(),
            oldest_module: VERSION.parse().unwrap(),
        };
        self.licenses.issue_license(challenge, &grant).unwrap()
    }

    fn config(&self) -> JsValue {
        let key = URL_SAFE_NO_PAD.encode(self.ca.public_key());
        let sha256 = hex::encode([0; 32]);
        let module = format!(r#"{{"js":"","wasm":"","sha256":"{sha256}","version":"{VERSION}"}}"#);
        js_sys::JSON::parse(&format!(
            r#"{{"public_url":"{URL}","controller_url":"{CONTROLLER}","individualize_url":"{URL}/individualize",
            "ca_keys":["{key}"],"module":{module},"compat":{module},"time":{}}}"#,
            now()
        ))
        .unwrap()
    }
}

/// 24 hours.
pub fn policy() -> Policy {
    Policy {
        name: "24h".into(),
        not_after: Some(now() + 86_400),
        play_until: None,
        check: Check::Start,
        persistent: false,
        renew_after: None,
        key_level: LEVEL,
        output_digital: Output::NotRequired,
        output_analog: Output::NotRequired,
        max_height: None,
        players: None,
    }
}

/// The page that a module serves.
pub struct Page {
    port: MessagePort,
    inbox: Rc<RefCell<Vec<JsValue>>>,
    wake: Rc<RefCell<Option<Function>>>,
    last: Cell<u32>,
}

impl Page {
    /// Starts a module of its own, as a tab does.
    pub fn start(site: &Site) -> Self {
        let channel = MessageChannel::new().unwrap();
        let inbox = Rc::new(RefCell::new(Vec::new()));
        let wake = Rc::new(RefCell::new(None::<Function>));
        let (queue, waker) = (Rc::clone(&inbox), Rc::clone(&wake));
        let take = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            queue.borrow_mut().push(event.data());
            if let Some(wake) = waker.borrow_mut().take() {
                wake.call0(&JsValue::UNDEFINED).unwrap();
            }
        });
        let port = channel.port2();
        port.set_onmessage(Some(take.into_js_value().unchecked_ref()));
        decryptor::start_on(site.config(), &channel.port1()).unwrap();
        Self { port, inbox, wake, last: Cell::new(0) }
    }

    pub async fn call<A: Ask>(&self, request: A) -> Result<A::Reply, DrmError> {
        self.reply(self.post(&request, None)).await.0
    }

    /// Posts a request; its id.
    pub fn post<A: Ask>(&self, request: &A, bytes: Option<&[u8]>) -> u32 {
        self.post_raw(A::PROPERTY, &serde_wasm_bindgen::to_value(request).unwrap(), bytes)
    }

    pub fn post_raw(&self, property: &str, request: &JsValue, bytes: Option<&[u8]>) -> u32 {
        let id = self.new_id();
        self.post_as(id, property, request, bytes);
        id
    }

    fn new_id(&self) -> u32 {
        self.last.set(self.last.get() + 1);
        self.last.get()
    }

    fn post_as(&self, id: u32, property: &str, request: &JsValue, bytes: Option<&[u8]>) {
        let message = Object::new();
        let set = |name: &str, value: &JsValue| Reflect::set(&message, &name.into(), value).unwrap();
        set(property::ID, &id.into());
        set(property, request);
        let transfer = Array::new();
        if let Some(bytes) = bytes {
            let buffer = Uint8Array::from(bytes).buffer();
            set(property::BYTES, &buffer);
            transfer.push(&buffer);
        }
        self.port.post_message_with_transferable(&message, &transfer).unwrap();
        for buffer in transfer {
            assert_eq!(buffer.unchecked_into::<js_sys::ArrayBuffer>().byte_length(), 0, "transferred");
        }
    }

    /// Gives a stream its init segment; the answer.
    pub async fn prepare(&self, stream: StreamId, init: &[u8]) -> (Result<Reply, DrmError>, Option<Vec<u8>>) {
        self.reply(self.post(&Request::PrepareInit { stream }, Some(init))).await
    }

    /// A segment that is about to be pushed.
    pub fn segment(&self, stream: StreamId) -> Segment<'_> {
        Segment { page: self, id: self.new_id(), stream, whole: None }
    }

    /// A segment in one message.
    pub fn pushed(&self, stream: StreamId, bytes: &[u8]) -> Segment<'_> {
        let segment = self.segment(stream);
        segment.push(bytes, true);
        segment
    }

    /// The next answer to a request, with its bytes.
    pub async fn reply<R: DeserializeOwned>(&self, id: u32) -> (Result<R, DrmError>, Option<Vec<u8>>) {
        let message = self.find(|message| is_reply(message, id)).await;
        (serde_wasm_bindgen::from_value(get(&message, property::REPLY)).unwrap(), bytes(&message))
    }

    /// The next event but `Ready`.
    pub async fn event(&self) -> Event {
        let message = self.find(is_event).await;
        serde_wasm_bindgen::from_value(get(&message, property::EVENT)).unwrap()
    }

    /// Whether a request has an answer that nobody has looked at.
    fn has_reply(&self, id: u32) -> bool {
        self.inbox.borrow().iter().any(|message| is_reply(message, id))
    }

    async fn find(&self, wanted: impl Fn(&JsValue) -> bool) -> JsValue {
        loop {
            let at = self.inbox.borrow().iter().position(&wanted);
            if let Some(at) = at {
                return self.inbox.borrow_mut().remove(at);
            }
            let promise = Promise::new(&mut |resolve, _| *self.wake.borrow_mut() = Some(resolve));
            JsFuture::from(promise).await.unwrap();
        }
    }
}

/// A segment on its way: one request in several messages, with several answers.
pub struct Segment<'a> {
    page: &'a Page,
    id: u32,
    stream: StreamId,
    whole: Option<Whole>,
}

impl Segment<'_> {
    /// The same, encrypted whole.
    pub fn whole(self, kid: &str, iv: &str) -> Self {
        Self { whole: Some(Whole { kid: kid.into(), iv: iv.into() }), ..self }
    }

    pub fn push(&self, bytes: &[u8], last: bool) {
        let push = Request::Push { stream: self.stream, whole: self.whole.clone(), last };
        let push = serde_wasm_bindgen::to_value(&push).unwrap();
        self.page.post_as(self.id, property::CDM, &push, Some(bytes));
    }

    /// The next answer.
    pub async fn next(&self) -> (Result<Reply, DrmError>, Option<Vec<u8>>) {
        self.page.reply(self.id).await
    }

    /// Whether there is another answer already.
    pub fn has_more(&self) -> bool {
        self.page.has_reply(self.id)
    }

    /// That the key of this KID is missing is the next answer.
    pub async fn lacks(&self, kid: &str) {
        assert_eq!(self.next().await, (Ok(Reply::NeedKey { kids: vec![kid.into()] }), None));
    }

    /// All fragments, up to the end.
    pub async fn fragments(&self) -> Result<Vec<Vec<u8>>, DrmError> {
        let mut fragments = Vec::new();
        loop {
            match self.next().await {
                (Ok(Reply::Fragment), Some(bytes)) => fragments.push(bytes),
                (Ok(Reply::Done), None) => return Ok(fragments),
                (Err(error), None) => return Err(error),
                other => panic!("{other:?}"),
            }
        }
    }
}

fn is_reply(message: &JsValue, id: u32) -> bool {
    get(message, property::ID).as_f64() == Some(f64::from(id))
}

fn is_event(message: &JsValue) -> bool {
    let event = get(message, property::EVENT);
    !event.is_undefined() && get(&event, "ready").is_undefined()
}

fn get(object: &JsValue, name: &str) -> JsValue {
    Reflect::get(object, &name.into()).unwrap()
}

fn bytes(message: &JsValue) -> Option<Vec<u8>> {
    let buffer = get(message, property::BYTES);
    (!buffer.is_undefined()).then(|| Uint8Array::new(&buffer).to_vec())
}

/// The private keys of an account, read from IndexedDB behind the module's back: `CryptoKey`s, or octets.
pub async fn stored_private_keys(account: &str) -> Vec<JsValue> {
    let request = scope().indexed_db().unwrap().unwrap().open(DATABASE).unwrap();
    let database: IdbDatabase = finished(&request).await.unchecked_into();
    let store = database.transaction_with_str("keys").unwrap().object_store("keys").unwrap();
    let record = finished(&store.get(&account.into()).unwrap()).await;
    ["signing", "rsa"].map(|name| get(&record, name)).into()
}

/// The keys of the licenses that are kept for a component.
pub async fn kept_keys(component: &str) -> Vec<JsValue> {
    let request = scope().indexed_db().unwrap().unwrap().open(DATABASE).unwrap();
    let database: IdbDatabase = finished(&request).await.unchecked_into();
    let store = database.transaction_with_str("state").unwrap().object_store("state").unwrap();
    let names: Array = finished(&store.get_all_keys().unwrap()).await.unchecked_into();
    let mut keys = Vec::new();
    for name in names.iter().filter(|name| {
        name.as_string().is_some_and(|name| name.starts_with(&format!("license/{component}/")))
    }) {
        let store = database.transaction_with_str("state").unwrap().object_store("state").unwrap();
        keys.push(get(&finished(&store.get(&name).unwrap()).await, "key"));
    }
    keys
}

async fn finished(request: &IdbRequest) -> JsValue {
    let promise = Promise::new(&mut |resolve, reject| {
        request.set_onsuccess(Some(&resolve));
        request.set_onerror(Some(&reject));
    });
    JsFuture::from(promise).await.unwrap();
    request.result().unwrap()
}
