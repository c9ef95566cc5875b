//! The root component.

use gloo::utils::{document, window};
use nccp::ErrorCode;
use web_player::problem::Problem;
use yew::prelude::*;

use crate::{
    browser::{call, object},
    components::ErrorView,
    pages::{Account, Activate, Devices, Embed, Film, Help, Library, Login, NotFound, Share, Watch},
    route::{IS_WHOLE, Route, replace, use_route},
    session::{Phase, SessionProvider, use_session},
};

/// The whole app.
#[function_component]
pub fn App() -> Html {
    match Route::current() {
        Route::Embed { movie } => html! { <Embed {movie} /> },
        Route::Share { token } if IS_WHOLE => html! { <Share {token} /> },
        Route::NotFound if !IS_WHOLE => no_such_film(),
        _ => html! { <SessionProvider><Pages /></SessionProvider> },
    }
}

/// What the player's page says at an address that is no film's. In other sites' frames nothing leads to the
/// site.
fn no_such_film() -> Html {
    let problem = Problem::from_code(ErrorCode::MovieUnknown, "");
    let bare = window().location().pathname().is_ok_and(|path| path != "/watch");
    html! { <main class="stage" id="main"><div class="curtain-call"><ErrorView {problem} {bare} /></div></main> }
}

/// Leads the focus to the page that was come to, unless something in it has taken it: what had the focus has
/// gone with the page before, and the keyboard and screen readers would begin anew at the top.
#[hook]
fn use_focus_on_page(route: &Route) {
    let is_first = use_mut_ref(|| true);
    use_effect_with(route.clone(), move |_| {
        let has_come = !is_first.replace(false);
        let is_lost = document().active_element().is_none_or(|has| has.tag_name() == "BODY");
        let main = document().get_element_by_id("main").filter(|_| has_come && is_lost);
        if let Some(main) = main {
            call(&main, "focus", &[object([("preventScroll", true.into())])]);
        }
    });
}

/// The current page; pages that need a session lead to `/login` without one.
#[function_component]
fn Pages() -> Html {
    let route = use_route();
    let session = use_session();
    use_focus_on_page(&route);
    let is_open = matches!(route, Route::Login { .. } | Route::Help { .. } | Route::NotFound);
    let to_login = session.phase == Phase::SignedOut && !is_open;
    {
        let route = route.clone();
        use_effect_with(to_login, move |to_login| {
            if *to_login {
                replace(&route.login().address());
            }
        });
    }
    match route {
        _ if to_login => Html::default(),
        Route::Watch { movie } => html! { <Watch key={movie.get()} {movie} /> },
        // The browser is on its way to a page that is not here.
        _ if !IS_WHOLE => Html::default(),
        Route::Login { next } => html! { <Login {next} /> },
        Route::Library => html! { <Library /> },
        Route::Film { movie } => html! { <Film key={movie.get()} {movie} /> },
        // A page of its own, which no link leads to.
        Route::Embed { .. } | Route::Share { .. } => html! { <NotFound /> },
        Route::Devices => html! { <Devices /> },
        Route::Account => html! { <Account /> },
        Route::Activate { code } => html! { <Activate key={code.clone()} code={code.clone()} /> },
        Route::Help { code } => html! { <Help {code} /> },
        Route::NotFound => html! { <NotFound /> },
    }
}
