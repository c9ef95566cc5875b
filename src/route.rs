//! Addresses of the pages, and going from one to another without a reload.

use std::cell::RefCell;

use futures_util::future::{LocalBoxFuture, select};
use gloo::{events::EventListener, timers::future::TimeoutFuture, utils::window};
use nccp::MovieId;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::spawn_local;
use web_sys::UrlSearchParams;
use yew::prelude::*;

/// Whether this app is all of the site. The other one is the player's pages alone, and leaves by loading the
/// site. A constant, so that what is never shown is not in the module either.
pub const IS_WHOLE: bool = !cfg!(feature = "player-only");

/// Characters of a TV box's code, as it is typed, that are taken at most.
pub const LONGEST_CODE: usize = 24;

/// A page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// `/login?next=…`
    Login {
        /// Where to go afterwards; always a path of this site.
        next: String,
    },
    /// `/` and `/library`
    Library,
    /// `/watch?movieid=N`
    Watch {
        /// Which film.
        movie: MovieId,
    },
    /// `/film/N`
    Film {
        /// Which film.
        movie: MovieId,
    },
    /// `/embed?movie=N`: for another site's page.
    Embed {
        /// Which film.
        movie: MovieId,
    },
    /// `/v/{token}`: a film by a link, without an account.
    Share {
        /// What opens it.
        token: String,
    },
    /// `/devices`
    Devices,
    /// `/account`
    Account,
    /// `/activate`, `/activate?code=…`
    Activate {
        /// The code that the address has, as it is there; empty: none.
        code: String,
    },
    /// `/help/{code}`: what a code means.
    Help {
        /// In capitals.
        code: String,
    },
    /// Everything else.
    NotFound,
}

impl Route {
    /// Reads path and query (with its `?`).
    pub fn parse(path: &str, search: &str) -> Self {
        let query = |name: &str| UrlSearchParams::new_with_str(search).ok().and_then(|query| query.get(name));
        let movie = || movie_of(search);
        match path {
            "/" | "/library" => Self::Library,
            "/login" => Self::Login { next: safe_next(query("next").as_deref()).to_owned() },
            "/watch" => movie().map_or(Self::NotFound, |movie| Self::Watch { movie }),
            "/embed" => movie().map_or(Self::NotFound, |movie| Self::Embed { movie }),
            "/devices" => Self::Devices,
            "/account" => Self::Account,
            "/activate" => Self::Activate {
                code: query("code").unwrap_or_default().chars().take(LONGEST_CODE).collect(),
            },
            _ => {
                let rest = |prefix: &str| {
                    path.strip_prefix(prefix).filter(|rest| !rest.is_empty() && !rest.contains('/'))
                };
                let is_code = |code: &&str| code.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
                if let Some(token) = rest("/v/") {
                    Self::Share { token: token.to_owned() }
                } else if let Some(movie) = rest("/film/").and_then(|id| id.parse().ok()) {
                    Self::Film { movie }
                } else if let Some(code) = rest("/help/").filter(is_code) {
                    Self::Help { code: code.to_ascii_uppercase() }
                } else {
                    Self::NotFound
                }
            }
        }
    }

    /// The address to show, path and query.
    pub fn address(&self) -> String {
        match self {
            Self::Login { next } if next == "/library" => "/login".to_owned(),
            Self::Login { next } => {
                format!("/login?next={}", String::from(js_sys::encode_uri_component(next)))
            }
            Self::Library => "/library".to_owned(),
            Self::Watch { movie } => format!("/watch?movieid={movie}"),
            Self::Film { movie } => format!("/film/{movie}"),
            Self::Embed { movie } => format!("/embed?movie={movie}"),
            Self::Share { token } => format!("/v/{token}"),
            Self::Devices => "/devices".to_owned(),
            Self::Account => "/account".to_owned(),
            Self::Activate { code } if code.is_empty() => "/activate".to_owned(),
            Self::Activate { code } => {
                format!("/activate?code={}", String::from(js_sys::encode_uri_component(code)))
            }
            Self::Help { code } => format!("/help/{code}"),
            Self::NotFound => "/not-found".to_owned(),
        }
    }

    /// Reads an address, path and query.
    fn of(address: &str) -> Self {
        let (path, search) = address.split_at(address.find('?').unwrap_or(address.len()));
        Self::parse(path, search)
    }

    /// Whether this app has the page.
    pub fn is_here(&self) -> bool {
        IS_WHOLE || matches!(self, Self::Watch { .. } | Self::Embed { .. })
    }

    /// Where the browser is.
    pub fn current() -> Self {
        let location = window().location();
        Self::parse(&location.pathname().unwrap_or_default(), &location.search().unwrap_or_default())
    }

    /// The address to come back to after signing in.
    pub fn login(self) -> Self {
        Self::Login { next: self.address() }
    }
}

/// The film that a query names by `movieid` or `movie`: the first that is a number, as the server has it
/// (`http/pages.rs`).
fn movie_of(search: &str) -> Option<MovieId> {
    let pairs = search.strip_prefix('?').unwrap_or(search).split('&').filter_map(|pair| pair.split_once('='));
    pairs.filter(|(name, _)| matches!(*name, "movieid" | "movie")).find_map(|(_, id)| id.parse().ok())
}

/// `next`, when it is a path of this site; else the library. Browsers take `\` for `/` and drop tabs and line
/// ends.
pub fn safe_next(next: Option<&str>) -> &str {
    match next {
        Some(next)
            if next.starts_with('/')
                && !next[1..].starts_with(['/', '\\'])
                && !next.contains(|c: char| c.is_ascii_control()) =>
        {
            next
        }
        _ => "/library",
    }
}

/// A value of the current address's query.
pub fn query(name: &str) -> Option<String> {
    let search = window().location().search().ok()?;
    UrlSearchParams::new_with_str(&search).ok()?.get(name)
}

/// Has the current page be found under another address, without showing another page.
pub fn remember(address: &str) {
    if let Ok(history) = window().history() {
        let _ = history.replace_state_with_url(&JsValue::NULL, "", Some(address));
    }
}

/// Shows another page.
pub fn go(address: &str) {
    change(address, false);
}

/// Shows another page in place of this one.
pub fn replace(address: &str) {
    change(address, true);
}

fn change(address: &str, replace: bool) {
    if !IS_WHOLE && !Route::of(address).is_here() {
        let location = window().location();
        let _ = if replace { location.replace(address) } else { location.set_href(address) };
        return;
    }
    let changed = window().history().and_then(|history| match replace {
        true => history.replace_state_with_url(&JsValue::NULL, "", Some(address)),
        false => history.push_state_with_url(&JsValue::NULL, "", Some(address)),
    });
    let told = web_sys::Event::new("popstate").and_then(|event| window().dispatch_event(&event));
    if changed.is_err() || told.is_err() {
        let _ = window().location().set_href(address);
    }
}

/// The current page; renders again when it changes.
#[hook]
pub fn use_route() -> Route {
    let route = use_state(Route::current);
    let setter = route.setter();
    use_effect_with((), move |()| {
        let listener = EventListener::new(&window(), "popstate", move |_| {
            let route = Route::current();
            if !route.is_here() {
                // A step back, to where the page that was loaded anew had come from.
                let _ = window().location().reload();
                return;
            }
            setter.set(route);
            window().scroll_to_with_x_and_y(0.0, 0.0);
        });
        move || drop(listener)
    });
    (*route).clone()
}

/// How long the next page waits for what is to go out before it: nobody sees it, and making the page would
/// hold it up for longer.
const LONGEST_WAIT_MS: u32 = 60;

thread_local! {
    static FIRST: RefCell<Option<LocalBoxFuture<'static, ()>>> = const { RefCell::new(None) };
}

/// Has the page that the present click leads to wait for `first`, for a moment. For handlers outside of the
/// [`Link`].
pub fn after(first: impl Future<Output = ()> + 'static) {
    FIRST.replace(Some(Box::pin(first)));
}

/// Properties of [`Link`].
#[derive(Properties, PartialEq)]
pub struct LinkProps {
    /// Where it leads.
    pub to: Route,
    /// What the address has in its query beyond that, with `&` before it.
    #[prop_or_default]
    pub further: AttrValue,
    /// CSS classes.
    #[prop_or_default]
    pub class: Classes,
    /// Its name, where that says more than what is inside.
    #[prop_or_default]
    pub label: Option<AttrValue>,
    /// What a pointer that rests on it is told.
    #[prop_or_default]
    pub tip: Option<AttrValue>,
    /// What is inside.
    #[prop_or_default]
    pub children: Html,
}

/// A link within the app: an ordinary one that a plain click follows without a reload.
#[function_component]
pub fn Link(props: &LinkProps) -> Html {
    let address = format!("{}{}", props.to.address(), props.further);
    let onclick = {
        let address = address.clone();
        move |event: MouseEvent| {
            let plain = !(event.ctrl_key() || event.meta_key() || event.shift_key() || event.alt_key());
            if plain && event.button() == 0 {
                event.prevent_default();
                // The page is made when everybody has heard of the click: what they ask for is on its way
                // meanwhile.
                let address = address.clone();
                spawn_local(async move {
                    if let Some(first) = FIRST.take() {
                        select(first, TimeoutFuture::new(LONGEST_WAIT_MS)).await;
                    }
                    go(&address);
                });
            }
        }
    };
    let current = (Route::current() == props.to).then_some("page");
    html! {
        <a href={address} class={props.class.clone()} aria-current={current} aria-label={props.label.clone()}
            title={props.tip.clone()} {onclick}>{ props.children.clone() }</a>
    }
}
