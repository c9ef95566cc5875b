//! The player in another site's page: what passes between this frame and the element `<matinee-player>`
//! around it (docs/embed.md). One port carries it all; only pages that the CSP lets frame this one have the
//! other end.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use futures_channel::oneshot;
use futures_util::{FutureExt, future::LocalBoxFuture};
use gloo::{events::EventListener, utils::window};
use js_sys::Array;
use nccp::{ErrorCode, Playing, ShownGrant};
use wasm_bindgen::{JsCast, JsValue};
use web_player::{
    captions::ActiveCues,
    player::{LiveEvent, chosen_speed},
    problem::{Problem, Way},
};
use web_sys::{HtmlVideoElement, MessageEvent, MessagePort};

use crate::browser::{get, object};

/// The version of what is said.
const VERSION: f64 = 1.0;

/// What the page asks of the player.
#[derive(Clone, Debug, PartialEq)]
pub enum Order {
    /// Play.
    Play,
    /// Pause.
    Pause,
    /// Go to this second.
    Seek(f64),
    /// Be this loud, 0 to 1.
    Volume(f64),
    /// Without sound, or with.
    Muted(bool),
    /// Play this fast.
    Speed(f64),
    /// Begin again at the end.
    Loop(bool),
    /// Show controls, or none.
    Controls(bool),
    /// This height, or the player's own choice.
    Height(Option<f64>),
    /// To what is live.
    GoLive,
}

/// How the page wants the film to begin.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wishes {
    /// At once.
    pub autoplay: bool,
    /// Without sound.
    pub muted: bool,
    /// Again and again.
    pub looped: bool,
    /// With controls.
    pub controls: bool,
    /// At this second, whatever was seen before.
    pub start: Option<f64>,
    /// In this language, where there is a choice.
    pub language: Option<String>,
}

type Listener = Rc<dyn Fn(Order)>;

/// The page around the frame.
pub struct Host {
    port: MessagePort,
    origin: String,
    /// How the film is to begin.
    pub wishes: Wishes,
    /// The grant that came first, and has not been shown.
    first: RefCell<Option<String>>,
    /// The account that the grant is for: players of another account have another identity.
    account: Option<String>,
    asking: RefCell<Option<oneshot::Sender<Option<String>>>>,
    listener: RefCell<Option<Listener>>,
    listening: RefCell<Option<EventListener>>,
    /// The page was told of an event.
    has_event: Cell<bool>,
    /// What it was told that captions say.
    cues: RefCell<ActiveCues>,
}

/// A host, to be compared by which it is.
#[derive(Clone)]
pub struct HostHandle(pub Rc<Host>);

impl PartialEq for HostHandle {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl Wishes {
    fn read(of: &JsValue) -> Self {
        let is = |name| get(of, name).is_truthy();
        Self {
            autoplay: is("autoplay"),
            muted: is("muted"),
            looped: is("loop"),
            controls: is("controls"),
            start: get(of, "start").as_f64().filter(|start| *start >= 0.0),
            language: get(of, "language").as_string().filter(|language| !language.is_empty()),
        }
    }
}

impl Order {
    fn read(of: &JsValue) -> Option<Self> {
        let value = get(of, "value");
        let number = value.as_f64().filter(|number| number.is_finite());
        Some(match get(of, "do").as_string()?.as_str() {
            "play" => Self::Play,
            "pause" => Self::Pause,
            "currentTime" => Self::Seek(number?),
            "volume" => Self::Volume(number?.clamp(0.0, 1.0)),
            "muted" => Self::Muted(value.is_truthy()),
            "playbackRate" => Self::Speed(number?.clamp(0.1, 16.0)),
            "loop" => Self::Loop(value.is_truthy()),
            "controls" => Self::Controls(value.is_truthy()),
            "height" => Self::Height(number),
            "golive" => Self::GoLive,
            _ => return None,
        })
    }
}

impl Host {
    /// Says that the player is here, and waits for the page.
    pub async fn meet() -> Rc<Self> {
        let (sender, met) = oneshot::channel();
        let sender = RefCell::new(Some(sender));
        let parent = window().parent().ok().flatten();
        let of_parent: JsValue = parent.clone().map(JsValue::from).unwrap_or_default();
        let listener = EventListener::new(&window(), "message", move |event| {
            let Some(event) = event.dyn_ref::<MessageEvent>() else { return };
            let of_page = event.source().is_some_and(|source| JsValue::from(source) == of_parent);
            let port = event.ports().get(0).dyn_into::<MessagePort>();
            if !of_page || get(&event.data(), "matinee").as_f64() != Some(VERSION) {
                return;
            }
            if let (Ok(port), Some(sender)) = (port, sender.borrow_mut().take()) {
                let _ = sender.send((port, event.origin(), event.data()));
            }
        });
        // There is nothing in it that others may not know.
        if let Some(parent) = parent {
            let _ = parent.post_message(&object([("matinee", VERSION.into())]), "*");
        }
        let Ok((port, origin, hello)) = met.await else { return std::future::pending().await };
        drop(listener);
        let grant = get(&hello, "grant").as_string().filter(|grant| !grant.is_empty());
        let account = grant.as_ref().and_then(|grant| grant.split_once('.')).map(|(of, _)| of.to_owned());
        let host = Rc::new(Self {
            port,
            origin,
            wishes: Wishes::read(&get(&hello, "options")),
            first: RefCell::new(grant),
            account,
            asking: RefCell::default(),
            listener: RefCell::default(),
            listening: RefCell::default(),
            has_event: Cell::new(false),
            cues: RefCell::default(),
        });
        let weak = Rc::downgrade(&host);
        let listening = EventListener::new(&host.port, "message", move |event| {
            if let (Some(host), Some(event)) = (weak.upgrade(), event.dyn_ref::<MessageEvent>()) {
                host.hear(&event.data());
            }
        });
        host.listening.replace(Some(listening));
        host.port.start();
        host
    }

    fn hear(&self, said: &JsValue) {
        if get(said, "do").as_string().as_deref() == Some("grant") {
            if let Some(asking) = self.asking.borrow_mut().take() {
                let _ = asking.send(get(said, "value").as_string());
            }
        } else if let Some(order) = Order::read(said) {
            let listener = self.listener.borrow().clone();
            if let Some(listener) = listener {
                listener(order);
            }
        }
    }

    /// Has what the page asks for carried out by this one from now on.
    pub fn listen(&self, listener: impl Fn(Order) + 'static) {
        self.listener.replace(Some(Rc::new(listener)));
    }

    /// The account that the page's grant is for; `None`: it has none, and the viewer's cookies say who it is.
    pub fn account(&self) -> Option<&str> {
        self.account.as_deref()
    }

    /// The page's grant; whoever asks again gets another, if the page has one.
    pub fn grant(self: &Rc<Self>) -> LocalBoxFuture<'static, Option<ShownGrant>> {
        let host = Rc::clone(self);
        async move {
            let token = match host.first.take() {
                Some(first) => Some(first),
                None => {
                    let (sender, answer) = oneshot::channel();
                    host.asking.replace(Some(sender));
                    host.say("grant", JsValue::UNDEFINED);
                    answer.await.ok().flatten()
                }
            };
            // One for somebody else would mix two accounts up.
            let ours = |token: &String| token.split_once('.').map(|(of, _)| of) == host.account();
            let origin = Some(host.origin.clone()).filter(|origin| *origin != "null");
            token.filter(ours).map(|token| ShownGrant { token, origin })
        }
        .boxed_local()
    }

    fn say(&self, what: &str, detail: JsValue) {
        let _ = self.port.post_message(&object([("is", what.into()), ("detail", detail)]));
    }

    /// Tells of one of the video element's events, and how it stands.
    pub fn tell(&self, event: &str, video: &HtmlVideoElement) {
        let buffered = video.buffered();
        let end = buffered.length().checked_sub(1).and_then(|last| buffered.end(last).ok()).unwrap_or(0.0);
        let state = object([
            ("currentTime", video.current_time().into()),
            ("duration", video.duration().into()),
            ("paused", video.paused().into()),
            ("ended", video.ended().into()),
            ("seeking", video.seeking().into()),
            ("muted", video.muted().into()),
            ("volume", video.volume().into()),
            ("playbackRate", chosen_speed(video).into()),
            ("readyState", video.ready_state().into()),
            ("bufferedEnd", end.into()),
            ("videoWidth", video.video_width().into()),
            ("videoHeight", video.video_height().into()),
        ]);
        let _ = self.port.post_message(&object([("is", event.into()), ("state", state)]));
    }

    /// Tells of the size of the picture.
    pub fn quality(&self, height: Option<u32>, chosen: bool, heights: impl Iterator<Item = u32>) {
        let heights: Array = heights.map(JsValue::from).collect();
        let height = height.map_or(JsValue::NULL, JsValue::from);
        let detail = object([("height", height), ("auto", (!chosen).into()), ("heights", heights.into())]);
        self.say("qualitychange", detail);
    }

    /// Tells what captions say now, where that is something else than before.
    pub fn cues(&self, cues: &ActiveCues) {
        if *self.cues.borrow() == *cues {
            return;
        }
        self.cues.replace(cues.clone());
        let language = Some(cues.language.as_str()).filter(|language| !language.is_empty());
        let language = language.map_or(JsValue::NULL, JsValue::from);
        let texts: Array = cues.texts.iter().map(|text| JsValue::from(text.as_str())).collect();
        self.say("cuechange", object([("language", language), ("cues", texts.into())]));
    }

    /// Tells that what plays is no event any more, where it was one.
    pub fn on_demand(&self) {
        if self.has_event.take() {
            self.say("livechange", JsValue::NULL);
        }
    }

    /// Tells where an event stands.
    pub fn live(&self, event: &LiveEvent) {
        self.has_event.set(true);
        let (start, end) = event.window;
        let time = |seconds: f64| event.wall(seconds).map_or(JsValue::NULL, JsValue::from);
        let detail = object([
            ("state", event.state.as_str().into()),
            ("atLive", event.follows.into()),
            ("start", start.into()),
            ("end", end.into()),
            ("startTime", time(start)),
            ("endTime", time(end)),
            ("replay", event.has_replay.into()),
        ]);
        self.say("livechange", detail);
    }

    /// The browser does not play without a click.
    pub fn blocked(&self) {
        self.say("blocked", JsValue::UNDEFINED);
    }

    /// Playback cannot go on.
    pub fn failed(&self, problem: &Problem) {
        let action = match (problem.code.parse::<ErrorCode>(), problem.way) {
            (Ok(code), _) if code != ErrorCode::Other => code.action().as_str(),
            (_, Way::Retry) => "retry",
            (_, Way::Reload) => "reload",
            _ => "fail",
        };
        if matches!(problem.code.as_str(), "STREAM_LIMIT" | "STREAM_STOPPED") {
            let device = |playing: &Playing| {
                object([
                    ("device_id", playing.device_id.as_str().into()),
                    ("name", playing.name.as_str().into()),
                    ("title", playing.title.as_deref().map_or(JsValue::NULL, JsValue::from)),
                ])
            };
            let playing: Array = problem.playing.iter().map(device).collect();
            self.say("streamlimit", object([("playing", playing.into())]));
        }
        let (code, message) = (problem.code.as_str().into(), problem.sentence().into());
        self.say("error", object([("code", code), ("action", action.into()), ("message", message)]));
    }
}
