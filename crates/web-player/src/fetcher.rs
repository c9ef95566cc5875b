//! Ranged fetches of media: whatever arrives is handed on at once, as it came.
//!
//! No cookies, and no header but `Range` (docs/protocol.md §8), so that a CDN needs no preflight. Which form
//! of range, and what to do about an error, is the engine's decision.

use std::{cell::Cell, rc::Rc};

use engine::Failure;
use js_sys::{Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{
    AbortController, ReadableStreamDefaultReader, RequestCache, RequestCredentials, RequestInit, RequestMode,
    Response,
};

/// What to get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetch {
    /// Where; with ranges in the path, the range is in it.
    pub url: String,
    /// First and last byte for a `Range` header; `None` when the URL has them.
    pub range: Option<(u64, u64)>,
    /// How many bytes have to come; or, where that is not known, may come.
    pub length: u64,
    /// Whether exactly so many have to come. Else the answer ends where the file ends.
    pub sized: bool,
    /// What is wanted is all of a file, from where an earlier attempt broke off: who does not know of ranges
    /// may send it whole.
    pub resumed: bool,
    /// From the server, whatever the browser's cache has.
    pub afresh: bool,
}

/// What came.
#[derive(Debug)]
pub enum FetchEvent {
    /// Bytes, in order; the buffer is nobody else's. `true` with the last ones.
    Chunk(Uint8Array, bool),
    /// It broke off. Nothing comes after this.
    Failed(Failure),
}

/// A download that is under way, whichever way it comes; dropping it ends it silently.
pub trait Transfer {}

impl Transfer for Running {}

/// A running fetch; dropping it aborts it silently.
pub struct Running {
    controller: Option<AbortController>,
    live: Rc<Cell<bool>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.live.replace(false)
            && let Some(controller) = &self.controller
        {
            controller.abort();
        }
    }
}

/// Starts a fetch. `on_event` is called until the last chunk, a failure, or the drop of what this returns.
pub fn start(fetch: Fetch, on_event: impl Fn(FetchEvent) + 'static) -> Running {
    let live = Rc::new(Cell::new(true));
    let controller = AbortController::new().ok();
    let running = Running { controller: controller.clone(), live: Rc::clone(&live) };
    spawn_local(async move {
        let tell = |event| {
            let last = matches!(event, FetchEvent::Chunk(_, true));
            if live.get() {
                live.set(!last);
                on_event(event);
            }
        };
        if let Err(failure) = run(&fetch, controller.as_ref(), &live, &tell).await
            && live.replace(false)
        {
            on_event(FetchEvent::Failed(failure));
        }
    });
    running
}

/// A small file as a whole: its bytes, in pieces, as an array.
///
/// # Errors
/// What broke it off.
pub async fn whole(fetch: Fetch) -> Result<js_sys::Array, Failure> {
    let (parts, done) = (js_sys::Array::new(), Cell::new(None));
    let (told, waits) = futures_channel::oneshot::channel();
    done.set(Some(told));
    let kept = parts.clone();
    let _running = start(fetch, move |event| {
        let result = match event {
            FetchEvent::Chunk(chunk, last) => {
                kept.push(&chunk);
                last.then_some(Ok(()))
            }
            FetchEvent::Failed(failure) => Some(Err(failure)),
        };
        if let Some(result) = result
            && let Some(told) = done.take()
        {
            let _ = told.send(result);
        }
    });
    waits.await.unwrap_or(Err(Failure::Truncated)).map(|()| parts)
}

async fn run(
    fetch: &Fetch,
    controller: Option<&AbortController>,
    live: &Cell<bool>,
    tell: &impl Fn(FetchEvent),
) -> Result<(), Failure> {
    let network = |_: JsValue| Failure::Network;
    let init = RequestInit::new();
    init.set_credentials(RequestCredentials::Omit);
    init.set_mode(RequestMode::Cors);
    if fetch.afresh {
        init.set_cache(RequestCache::Reload);
    }
    if let Some(controller) = controller {
        init.set_signal(Some(&controller.signal()));
    }
    if let Some((first, last)) = fetch.range {
        let headers = web_sys::Headers::new().map_err(network)?;
        headers.set("Range", &format!("bytes={first}-{last}")).map_err(network)?;
        init.set_headers(&headers);
    }
    let answer = JsFuture::from(gloo::utils::window().fetch_with_str_and_init(&fetch.url, &init));
    let response: Response = answer.await.map_err(network)?.unchecked_into();
    let mut unwanted = match (response.status(), fetch.range) {
        (206, Some(_)) | (200, None) => 0,
        (200, Some((first, _))) if fetch.resumed => first,
        (status, _) => return Err(Failure::Status(status)),
    };
    let body = response.body().ok_or(Failure::Network)?;
    let reader: ReadableStreamDefaultReader = body.get_reader().unchecked_into();
    let mut received = 0u64;
    // Whether a piece is the last of a file whose size is not known shows with what follows it.
    let mut held: Option<Uint8Array> = None;
    while live.get() {
        let step = JsFuture::from(reader.read()).await.map_err(network)?;
        if Reflect::get(&step, &"done".into()).map_err(network)?.is_truthy() {
            let Some(last) = held.take().filter(|_| !fetch.sized) else { return Err(Failure::Truncated) };
            tell(FetchEvent::Chunk(last, true));
            return Ok(());
        }
        let chunk: Uint8Array = Reflect::get(&step, &"value".into()).map_err(network)?.unchecked_into();
        let passed_over = unwanted.min(u64::from(chunk.byte_length()));
        unwanted -= passed_over;
        let chunk = match u32::try_from(passed_over).unwrap_or(u32::MAX) {
            0 => chunk,
            all if all >= chunk.byte_length() => continue,
            some => chunk.slice(some, chunk.length()),
        };
        received += u64::from(chunk.byte_length());
        if received > fetch.length {
            return Err(Failure::Truncated);
        }
        if !fetch.sized {
            if let Some(before) = held.replace(chunk) {
                tell(FetchEvent::Chunk(before, false));
            }
            continue;
        }
        let last = received == fetch.length;
        if last {
            // Whoever has the last byte lets go of the fetch, which must not abort it: read to its end, the
            // answer may be kept in the browser's cache.
            tell(FetchEvent::Chunk(chunk, true));
            let _ = JsFuture::from(reader.read()).await;
            return Ok(());
        }
        tell(FetchEvent::Chunk(chunk, false));
    }
    Ok(())
}

/// The chunk's bytes as a buffer of their own, to be transferred: the chunk's, when it is all of it.
pub fn into_buffer(chunk: &Uint8Array) -> js_sys::ArrayBuffer {
    let whole = chunk.byte_offset() == 0 && chunk.byte_length() == chunk.buffer().byte_length();
    if whole { chunk.buffer() } else { chunk.slice(0, chunk.length()).buffer() }
}
