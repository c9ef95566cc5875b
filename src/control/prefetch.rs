//! A manifest that is asked for before the click (PROTOCOL §9): whoever rests on a title probably wants it.

use futures_channel::oneshot;
use gloo::utils::document;
use nccp::{Manifest, MovieId, RequestMessage, ResponseMessage};
use wasm_bindgen_futures::spawn_local;
use web_sys::{HtmlLinkElement, Url};

use super::{Ask, Control, Error};
use crate::clock;
use wasm_bindgen::JsCast;

/// A prefetched manifest is good for so long, in seconds: what it says of the resume position and the viewer's rights ages.
const FRESH_SECONDS: f64 = 60.0;

/// A manifest on its way, or there.
pub(super) struct Prefetched {
    movie: MovieId,
    asked_at: f64,
    answer: oneshot::Receiver<Result<Manifest, Error>>,
}

impl Prefetched {
    fn serves(&self, movie: MovieId) -> bool {
        self.movie == movie && clock::unix_now() < self.asked_at + FRESH_SECONDS
    }
}

impl Control {
    /// Asks for a film's manifest, and connects to the CDN that it names first. What it brings, [`Control::prefetched`] has.
    pub fn prefetch(&self, movie: MovieId) {
        if self.0.prefetched.borrow().as_ref().is_some_and(|prefetched| prefetched.serves(movie)) {
            return;
        }
        let (sender, answer) = oneshot::channel();
        let prefetched = Prefetched { movie, asked_at: clock::unix_now(), answer };
        self.0.prefetched.replace(Some(prefetched));
        let manifest = self.authorize(movie);
        spawn_local(async move {
            let manifest = manifest.await;
            if let Ok(manifest) = &manifest {
                preconnect(manifest);
            }
            let _ = sender.send(manifest);
        });
    }

    /// Forgets what was prefetched: the film has moved on since.
    pub fn forget_prefetched(&self) {
        self.0.prefetched.take();
    }

    /// The prefetched manifest, where it is still good. `None` inside: it did not come.
    pub fn prefetched(&self, movie: MovieId) -> Option<impl Future<Output = Option<Manifest>> + use<>> {
        let prefetched = self.0.prefetched.take().filter(|prefetched| prefetched.serves(movie))?;
        Some(async move { prefetched.answer.await.ok()?.ok() })
    }

    /// The film's manifest, with the next envelope.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn authorize(&self, movie_id: MovieId) -> impl Future<Output = Result<Manifest, Error>> + use<> {
        let answer = self.ask(Ask::Message(RequestMessage::Authorization { movie_id }));
        async move {
            match answer.await {
                Ok(ResponseMessage::Authorization(manifest)) => Ok(*manifest),
                Ok(_) => Err(Error::Protocol),
                Err(error) => Err(error),
            }
        }
    }
}

/// Has the browser connect to the CDN that is first in order, as the fetches will: across origins and without cookies.
fn preconnect(manifest: &Manifest) {
    let first = manifest.cdns.first().map(|cdn| &cdn.id);
    let urls = manifest.downloadables.first().into_iter().flat_map(|downloadable| &downloadable.urls);
    let url = urls.into_iter().find(|url| first == Some(&url.cdn_id));
    let origin = url.and_then(|url| Url::new(&url.url).ok()).map(|url| url.origin());
    let here = gloo::utils::window().location().origin().ok();
    let Some(origin) = origin.filter(|origin| Some(origin) != here.as_ref()) else { return };
    let known = document().query_selector(&format!("link[rel=preconnect][href=\"{origin}\"]"));
    if matches!(known, Ok(None))
        && let Ok(link) = document().create_element("link")
        && let Ok(link) = link.dyn_into::<HtmlLinkElement>()
    {
        link.set_rel("preconnect");
        link.set_href(&origin);
        link.set_cross_origin(Some("anonymous"));
        let _ = document().head().map(|head| head.append_child(&link));
    }
}
