//! Who is signed in, and whether this browser may play: signed out → signed in → device ready → playing.

use std::{cell::RefCell, rc::Rc};

use futures_util::future::{FutureExt as _, LocalBoxFuture, Shared};
use nccp::{ErrorCode, MovieId, json::Library};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_player::{
    capability::{self, Missing},
    clock,
    control::{self, Control},
    decryptor_proxy::DecryptorProxy,
    player,
    problem::Problem,
};
use web_sys::Worker;
use yew::prelude::*;

use crate::{
    api,
    browser::{call, get},
    route::{self, IS_WHOLE, Route},
};

/// Where a session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Not known yet.
    Starting,
    /// No session.
    SignedOut,
    /// A session; the device is being made ready, or could not be.
    SignedIn,
    /// Individualized and registered.
    DeviceReady,
    /// A film is on.
    Playing(MovieId),
}

/// What the pages know.
#[derive(Clone, PartialEq)]
pub struct Session {
    /// Where it stands.
    pub phase: Phase,
    /// The account's library, as last fetched.
    pub library: Option<Rc<Library>>,
    /// The control client, from [`Phase::DeviceReady`] on.
    pub control: Option<Control>,
    /// Why the library or the device is not there.
    pub problem: Option<Problem>,
    /// What the browser lacks; then nothing is registered (A10).
    pub missing: Rc<[Missing]>,
    /// When the library was fetched, Unix seconds.
    pub fetched_at: f64,
    attempt: u32,
}

/// What happens to a session.
pub enum Action {
    /// The library came: somebody is signed in.
    Library(Library),
    /// The library did not come.
    LibraryFailed(Problem),
    /// Nobody is signed in.
    SignedOut,
    /// The device is ready.
    DeviceReady(Control),
    /// The device of somebody for whom another site's page speaks.
    Visiting(Control),
    /// It could not be made ready.
    DeviceFailed(Problem),
    /// A film is on.
    Playing(MovieId),
    /// It no longer is.
    Stopped {
        /// Which one.
        movie: MovieId,
        /// Where it was left, in seconds, when it had begun; 0 at its end.
        position: Option<f64>,
    },
    /// A film was put on the account's list or taken off.
    Queued {
        /// Which one.
        movie: MovieId,
        /// Whether it is on the list now.
        queued: bool,
    },
    /// The account has said what it thinks of a film, or taken that back.
    Voted {
        /// Which one.
        movie: MovieId,
        /// Whether it likes it, where it says so.
        liked: Option<bool>,
    },
    /// The viewer asked to try again.
    Retry,
}

impl Session {
    /// A session of which nothing is known.
    pub fn new(missing: Vec<Missing>) -> Self {
        Self {
            phase: Phase::Starting,
            library: None,
            control: None,
            problem: None,
            missing: missing.into(),
            fetched_at: 0.0,
            attempt: 0,
        }
    }

    /// Counts the times that the viewer tried again.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// The account that is signed in.
    pub fn account(&self) -> Option<&str> {
        self.library.as_ref().map(|library| library.account.as_str())
    }
}

impl Reducible for Session {
    type Action = Action;

    fn reduce(self: Rc<Self>, action: Action) -> Rc<Self> {
        let mut next = (*self).clone();
        match action {
            Action::Library(library) => {
                if self.account() != Some(library.account.as_str()) {
                    next.control = None;
                }
                next.phase = match self.phase {
                    Phase::Playing(_) | Phase::DeviceReady if next.control.is_some() => self.phase,
                    _ => Phase::SignedIn,
                };
                next.library = Some(Rc::new(library));
                next.fetched_at = clock::unix_now();
                next.problem = None;
            }
            Action::LibraryFailed(problem) => {
                next.problem = Some(problem);
                if self.phase == Phase::SignedOut {
                    next.phase = Phase::Starting; // signed in, as far as anybody knows
                }
            }
            Action::DeviceFailed(problem) => next.problem = Some(problem),
            Action::SignedOut => {
                next = Self::new(self.missing.to_vec());
                next.phase = Phase::SignedOut;
                next.attempt = self.attempt;
            }
            Action::DeviceReady(control) => {
                if self.account() == Some(control.account().as_str()) {
                    next.phase = Phase::DeviceReady;
                    next.control = Some(control);
                    next.problem = None;
                }
            }
            Action::Visiting(control) => {
                next.phase = Phase::DeviceReady;
                next.control = Some(control);
                next.problem = None;
            }
            Action::Playing(movie) if self.control.is_some() => next.phase = Phase::Playing(movie),
            Action::Playing(_) => {}
            Action::Stopped { movie, position } => {
                if matches!(self.phase, Phase::Playing(_)) {
                    next.phase = Phase::DeviceReady;
                }
                // The server is told, too; the library need not be fetched again for it.
                if let (Some(library), Some(position)) = (&mut next.library, position) {
                    let films = &mut Rc::make_mut(library).movies;
                    if let Some(film) = films.iter_mut().find(|film| film.movie_id == movie) {
                        film.position = Some(position);
                        film.watched_at = Some(clock::unix_now() as u64);
                    }
                }
            }
            Action::Queued { movie, queued } => {
                if let Some(library) = &mut next.library {
                    let films = &mut Rc::make_mut(library).movies;
                    films
                        .iter_mut()
                        .filter(|film| film.movie_id == movie)
                        .for_each(|film| film.queued = queued);
                }
            }
            Action::Voted { movie, liked } => {
                if let Some(library) = &mut next.library {
                    let films = &mut Rc::make_mut(library).movies;
                    films
                        .iter_mut()
                        .filter(|film| film.movie_id == movie)
                        .for_each(|film| film.liked = liked);
                }
            }
            Action::Retry => {
                next.problem = None;
                next.attempt += 1;
            }
        }
        if let (Some(control), Some(library)) = (&next.control, &next.library) {
            control.note_embedded(library);
        }
        Rc::new(next)
    }
}

/// The session, to read and to dispatch to.
pub type SessionHandle = UseReducerHandle<Session>;

/// The session of the surrounding [`SessionProvider`].
#[hook]
pub fn use_session() -> SessionHandle {
    #[allow(clippy::expect_used)] // the app's root provides it
    use_context::<SessionHandle>().expect("inside a SessionProvider")
}

/// Asks for the library and tells the session.
pub fn refresh_library(session: SessionHandle) {
    spawn_local(async move { session.dispatch(ask_for_library().await) });
}

/// After `POST /login`: makes sure of the session before the next page needs it. `refused` hears that there
/// is none all the same: this browser, or the page around, does not let the site keep its cookies.
pub fn enter(session: SessionHandle, next: String, refused: Callback<()>) {
    spawn_local(async move {
        match ask_for_library().await {
            Action::SignedOut => refused.emit(()),
            action => {
                session.dispatch(action);
                route::replace(&next);
            }
        }
    });
}

async fn ask_for_library() -> Action {
    match api::library().await {
        Ok(library) => Action::Library(library),
        Err(error) if error.wants_login() => Action::SignedOut,
        Err(error) => Action::LibraryFailed(Problem::from(&error)),
    }
}

/// Signs out here and on the server.
pub fn sign_out(session: SessionHandle) {
    spawn_local(async move {
        match api::logout().await {
            Err(error) if !error.wants_login() => {
                session.dispatch(Action::LibraryFailed(Problem::from(&error)));
            }
            _ => {
                route::replace("/login");
                session.dispatch(Action::SignedOut);
            }
        }
    });
}

/// The `content` of a `<meta>` element of the page.
pub(crate) fn page_value(name: &str) -> Option<String> {
    let meta = gloo::utils::document().query_selector(&format!("meta[name={name}]")).ok()??;
    meta.get_attribute("content").filter(|content| !content.is_empty())
}

/// What the app's release is, once it is known.
type Release = Shared<LocalBoxFuture<'static, String>>;

thread_local! {
    /// The worker that `boot.js` has begun, and how it is handed over.
    static BEGUN: RefCell<Option<JsValue>> = const { RefCell::new(None) };
    /// The release that is being found out for who will ask.
    static RELEASE: RefCell<Option<Release>> = const { RefCell::new(None) };
}

/// Keeps the worker that `boot.js` has begun for whoever wants one first: `{ worker, handOver }`, or nothing.
pub fn take_over_worker(begun: JsValue) {
    BEGUN.replace(Some(begun).filter(JsValue::is_object));
}

/// Ends the worker that `boot.js` has begun: nothing can play here.
fn discard_worker() {
    if let Some(begun) = BEGUN.take()
        && let Ok(worker) = get(&begun, "worker").dyn_into::<Worker>()
    {
        worker.terminate();
    }
}

/// The DRM worker; `None` where there can be none. The app's release is found out meanwhile.
pub fn start_worker() -> Option<DecryptorProxy> {
    RELEASE.replace(Some(find_release()));
    if let Some(begun) = BEGUN.take()
        && let Ok(worker) = get(&begun, "worker").dyn_into::<Worker>()
    {
        let proxy = DecryptorProxy::on(worker);
        call(&begun, "handOver", &[]);
        return Some(proxy);
    }
    DecryptorProxy::start(&page_value("matinee-worker")?).ok()
}

/// There can be no worker.
pub fn no_worker() -> Problem {
    Problem::from(&drm_api::DrmError::Unsupported { what: "module workers".into() })
}

/// SHA-256 of the app's wasm, hex: the release that challenges name. Empty when it cannot be told.
pub async fn release() -> String {
    RELEASE.take().unwrap_or_else(find_release).await
}

fn find_release() -> Release {
    let hash = async {
        let answer = gloo::net::http::Request::get(&page_value("matinee-app")?).send().await.ok()?;
        let bytes = answer.binary().await.ok()?;
        let subtle = gloo::utils::window().crypto().ok()?.subtle();
        let digest = subtle.digest_with_str_and_u8_array("SHA-256", &bytes).ok()?;
        let digest = JsFuture::from(digest).await.ok()?.dyn_into::<js_sys::ArrayBuffer>().ok()?;
        let hex: String =
            js_sys::Uint8Array::new(&digest).to_vec().iter().map(|byte| format!("{byte:02x}")).collect();
        Some(hex)
    };
    let release = async move { hash.await.unwrap_or_default() }.boxed_local().shared();
    // It goes on before anybody asks.
    spawn_local(release.clone().map(drop));
    release
}

async fn connect(proxy: Rc<DecryptorProxy>, library: &Library) -> Result<Control, control::Error> {
    let control = Control::open(proxy, &library.account, release().await).await?;
    control.ensure_registered().await?;
    // Whoever comes by a film's address wants it: it is asked for before the page is made.
    if let Route::Watch { movie } = Route::current() {
        control.note_embedded(library);
        drop(control.open_film(movie));
    }
    Ok(control)
}

/// Properties of [`SessionProvider`].
#[derive(Properties, PartialEq)]
pub struct ProviderProps {
    /// The app.
    pub children: Html,
}

/// Keeps the session: finds out who is signed in, and makes the device ready as soon as somebody is.
#[function_component]
pub fn SessionProvider(props: &ProviderProps) -> Html {
    let session = use_reducer(|| Session::new(capability::missing_here()));
    // The worker loads its module while the viewer still types; one that gave up is replaced when asked to
    // try again.
    let proxy = use_mut_ref(|| None::<Rc<DecryptorProxy>>);
    {
        let proxy = Rc::clone(&proxy);
        use_effect_with((session.missing.is_empty(), session.attempt), move |(able, _)| {
            if !*able {
                discard_worker();
            }
            let mut proxy = proxy.borrow_mut();
            if *able && proxy.as_ref().is_none_or(|proxy| proxy.has_failed()) {
                *proxy = start_worker().map(Rc::new);
            }
        });
    }
    {
        let session = session.clone();
        use_effect_with(session.attempt, move |attempt| {
            if *attempt == 0 && matches!(Route::current(), Route::Login { .. }) {
                session.dispatch(Action::SignedOut);
            } else if session.library.is_none() && session.phase != Phase::SignedOut {
                refresh_library(session);
            }
        });
    }
    {
        let session = session.clone();
        let wanted = session.account().map(str::to_owned).filter(|_| session.control.is_none());
        use_effect_with((wanted, session.attempt), move |(account, _)| {
            let library = session.library.clone().filter(|_| account.is_some() && session.missing.is_empty());
            if let Some(library) = library {
                let proxy = proxy.borrow().clone();
                spawn_local(async move {
                    let Some(proxy) = proxy else {
                        return session.dispatch(Action::DeviceFailed(no_worker()));
                    };
                    session.dispatch(match connect(proxy, &library).await {
                        Ok(control) => {
                            if IS_WHOLE
                                && !matches!(Route::current(), Route::Watch { .. } | Route::Embed { .. })
                            {
                                clock::when_idle(|| {
                                    player::rehearse();
                                });
                            }
                            Action::DeviceReady(control)
                        }
                        Err(error) if error.code() == Some(ErrorCode::LoginRequired) => Action::SignedOut,
                        Err(error) => Action::DeviceFailed(Problem::from(&error)),
                    });
                });
            }
        });
    }
    html! { <ContextProvider<SessionHandle> context={session}>{ props.children.clone() }</ContextProvider<SessionHandle>> }
}
