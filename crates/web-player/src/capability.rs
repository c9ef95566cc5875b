//! What a browser must have to play protected films (A10), asked before anything is registered.

use futures_util::future::{Either, join_all, select};
use gloo::timers::future::TimeoutFuture;
use js_sys::{Function, Object, Promise, Reflect};
use localization::say;
use nccp::Downloadable;
use playback::{DynamicRange, Fit, PictureGroup, media_type, pictures_to_ask_about};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

/// Picture and sound that every film of this version has.
pub const CODECS: [&str; 2] = [r#"video/mp4; codecs="avc1.64001F""#, r#"audio/mp4; codecs="mp4a.40.2""#];

/// Something that the browser lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Missing {
    /// WebAssembly.
    WebAssembly,
    /// Dedicated workers.
    Worker,
    /// Neither `MediaSource` nor `ManagedMediaSource`.
    MediaSource,
    /// H.264 or AAC through Media Source Extensions.
    Codecs,
    /// IndexedDB.
    IndexedDb,
    /// `crypto.getRandomValues`.
    Random,
}

impl Missing {
    /// The name that a message shows.
    pub fn name(self) -> &'static str {
        match self {
            Self::WebAssembly => "WebAssembly",
            Self::Worker => "Worker",
            Self::MediaSource => "MediaSource (Media Source Extensions)",
            Self::Codecs => say::lacks_decoders(),
            Self::IndexedDb => "IndexedDB",
            Self::Random => "crypto.getRandomValues (Web Cryptography)",
        }
    }
}

fn property(of: &JsValue, name: &str) -> Option<JsValue> {
    Reflect::get(of, &JsValue::from_str(name)).ok().filter(|value| !value.is_undefined() && !value.is_null())
}

/// The constructor of `MediaSource`, else of `ManagedMediaSource`; `true` when it is the latter.
pub fn media_source(global: &JsValue) -> Option<(Function, bool)> {
    let constructor = |name| property(global, name).and_then(|value| value.dyn_into::<Function>().ok());
    constructor("MediaSource")
        .map(|found| (found, false))
        .or_else(|| constructor("ManagedMediaSource").map(|found| (found, true)))
}

/// Whether workers may make a `MediaSource`, and video elements take its handle (W3C Media Source Extensions,
/// 3 and 4). Of `ManagedMediaSource` it is not asked: it stays on the page.
pub fn has_media_source_in_workers(global: &JsValue) -> bool {
    let source = property(global, "MediaSource");
    let may = source.and_then(|source| property(&source, "canConstructInDedicatedWorker"));
    may.is_some_and(|may| may.is_truthy()) && property(global, "MediaSourceHandle").is_some()
}

/// `MediaSource.isTypeSupported(mime)`.
pub fn is_type_supported(global: &JsValue, mime: &str) -> bool {
    let Some((constructor, _)) = media_source(global) else { return false };
    property(&constructor, "isTypeSupported")
        .and_then(|function| function.dyn_into::<Function>().ok())
        .and_then(|function| function.call1(&constructor, &JsValue::from_str(mime)).ok())
        .is_some_and(|answer| answer.is_truthy())
}

/// How long a film's start waits for what the browser says of its pictures.
const ANSWER_MS: u32 = 1000;

/// Media queries that say that the screen shows HDR: of all of it, and of films where a TV shows those on
/// another plane (Media Queries 5, 6.4 and 6.5).
const HDR: [&str; 2] = ["(dynamic-range: high)", "(video-dynamic-range: high)"];

/// Whether the screen shows HDR, by `global.matchMedia`.
pub fn shows_hdr(global: &JsValue) -> bool {
    let Some(ask) = property(global, "matchMedia").and_then(|found| found.dyn_into::<Function>().ok()) else {
        return false;
    };
    let matches = |query: &str| {
        let answer = ask.call1(global, &JsValue::from_str(query)).ok();
        answer.and_then(|answer| property(&answer, "matches")).is_some_and(|matches| matches.is_truthy())
    };
    HDR.into_iter().any(matches)
}

/// The groups of pictures of which this browser says that it would not decode them without dropping some (W3C
/// Media Capabilities, 2.2). Of several groups only; who says nothing, or not soon, is believed to.
pub async fn too_much(global: &JsValue, files: &[Downloadable]) -> Vec<PictureGroup> {
    match select(Box::pin(not_smooth(global, files)), TimeoutFuture::new(ANSWER_MS)).await {
        Either::Left((groups, _)) => groups,
        Either::Right(_) => Vec::new(),
    }
}

async fn not_smooth(global: &JsValue, files: &[Downloadable]) -> Vec<PictureGroup> {
    // All are asked before the first answer is waited for.
    let asked = pictures_to_ask_about(files).into_iter();
    let asked = asked.filter_map(|(group, picture)| Some((group, decoding_info(global, picture)?)));
    let answers = asked.map(|(group, asked)| async move { (group, JsFuture::from(asked).await) });
    let answers = join_all(answers).await;
    let is_rough = |info: JsValue| property(&info, "smooth").is_some_and(|smooth| smooth.is_falsy());
    answers.into_iter().filter_map(|(group, info)| info.is_ok_and(is_rough).then_some(group)).collect()
}

/// `navigator.mediaCapabilities.decodingInfo()` of pictures, where the browser has it.
fn decoding_info(global: &JsValue, picture: &Downloadable) -> Option<Promise> {
    let capabilities = property(&property(global, "navigator")?, "mediaCapabilities")?;
    let ask: Function = property(&capabilities, "decodingInfo")?.dyn_into().ok()?;
    let size = picture.resolution?;
    let rate = picture.frame_rate.map_or(30.0, |rate| rate.as_f64());
    let (video, question) = (Object::new(), Object::new());
    let set =
        |of: &Object, name: &str, value: JsValue| Reflect::set(of, &JsValue::from_str(name), &value).ok();
    set(&video, "contentType", JsValue::from_str(&media_type(picture)))?;
    set(&video, "width", size.width.into())?;
    set(&video, "height", size.height.into())?;
    set(&video, "bitrate", (f64::from(picture.bitrate) * 1000.0).max(1.0).into())?;
    set(&video, "framerate", rate.max(1.0).into())?;
    let transfer = match DynamicRange::of(picture) {
        DynamicRange::Sdr => None,
        DynamicRange::Hlg => Some("hlg"),
        DynamicRange::Pq => Some("pq"),
    };
    if let Some(transfer) = transfer {
        set(&video, "transferFunction", transfer.into())?;
        set(&video, "colorGamut", "rec2020".into())?;
    }
    set(&question, "type", "media-source".into())?;
    set(&question, "video", video.into())?;
    ask.call1(&capabilities, &JsValue::from(question)).ok()?.dyn_into().ok()
}

/// How well this browser and its screen play pictures; those of groups that are [`too_much`] it plays poorly.
pub fn fit(global: &JsValue, too_much: &[PictureGroup], picture: &Downloadable) -> Fit {
    let smooth = PictureGroup::of(picture).is_none_or(|group| !too_much.contains(&group));
    if !is_type_supported(global, &media_type(picture)) {
        Fit::Not
    } else if smooth && (DynamicRange::of(picture) == DynamicRange::Sdr || shows_hdr(global)) {
        Fit::Well
    } else {
        Fit::Poorly
    }
}

/// What `global` (the window, or a stand-in for it) lacks; empty when the film can play. SIMD and
/// `crypto.subtle` (missing on plain-http pages) are not asked for: without them the worker's loader takes
/// the DRM module's other build.
pub fn missing(global: &JsValue) -> Vec<Missing> {
    let mut missing = Vec::new();
    if property(global, "WebAssembly").is_none() {
        missing.push(Missing::WebAssembly);
    }
    if property(global, "Worker").is_none() {
        missing.push(Missing::Worker);
    }
    if media_source(global).is_none() {
        missing.push(Missing::MediaSource);
    } else if !CODECS.iter().all(|mime| is_type_supported(global, mime)) {
        missing.push(Missing::Codecs);
    }
    if property(global, "indexedDB").is_none() {
        missing.push(Missing::IndexedDb);
    }
    if property(global, "crypto").and_then(|crypto| property(&crypto, "getRandomValues")).is_none() {
        missing.push(Missing::Random);
    }
    missing
}

/// What this browser lacks.
pub fn missing_here() -> Vec<Missing> {
    missing(&js_sys::global())
}

/// Whether the viewer has told the browser to save data (Save Data API, `NetworkInformation.saveData`).
pub fn wants_little_data() -> bool {
    let get = |of: &JsValue, name: &str| Reflect::get(of, &name.into()).unwrap_or_default();
    get(&get(&gloo::utils::window().navigator(), "connection"), "saveData").is_truthy()
}
