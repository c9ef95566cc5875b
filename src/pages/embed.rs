//! The player alone, in another site's page: no way around the site, and whoever the page says is watching.

use std::rc::Rc;

use nccp::{ErrorCode, MovieId};
use wasm_bindgen_futures::spawn_local;
use web_player::{
    capability,
    control::{Control, Grants},
    problem::Problem,
};
use yew::prelude::*;

use super::Watch;
use crate::{
    components::ErrorView,
    embedding::{Host, HostHandle, Order},
    session::{self, Action, Phase, Session, SessionHandle, SessionProvider, use_session},
};

/// Properties of [`Embed`].
#[derive(Properties, PartialEq)]
pub struct EmbedProps {
    /// Which film.
    pub movie: MovieId,
}

/// Waits for the page around it, and then for the word to play.
#[function_component]
pub fn Embed(props: &EmbedProps) -> Html {
    let host = use_state(|| None::<HostHandle>);
    let wanted = use_state_eq(|| false);
    {
        let (host, wanted) = (host.setter(), wanted.setter());
        use_effect_with((), move |()| {
            spawn_local(async move {
                let met = Host::meet().await;
                wanted.set(met.wishes.autoplay);
                met.listen(move |order| {
                    if order == Order::Play {
                        wanted.set(true);
                    }
                });
                host.set(Some(HostHandle(met)));
            });
        });
    }
    let Some(host) = (*host).clone() else { return Html::default() };
    let film = html! { <Film movie={props.movie} host={host.clone()} wanted={*wanted} /> };
    match host.0.account() {
        Some(account) => {
            let visit = Visit::new(account, {
                let host = Rc::clone(&host.0);
                Rc::new(move || host.grant())
            });
            html! { <Visitor {visit}>{ film }</Visitor> }
        }
        // Who is signed in here may watch in another page of the same site, where browsers send cookies.
        None => html! { <SessionProvider>{ film }</SessionProvider> },
    }
}

/// Somebody who plays by grants.
#[derive(Clone)]
pub(super) struct Visit {
    account: String,
    grants: Grants,
}

impl Visit {
    /// Of this account, by these grants.
    pub(super) fn new(account: &str, grants: Grants) -> Self {
        Self { account: account.to_owned(), grants }
    }
}

impl PartialEq for Visit {
    fn eq(&self, other: &Self) -> bool {
        self.account == other.account
    }
}

/// Properties of [`Visitor`].
#[derive(Properties, PartialEq)]
pub(super) struct VisitorProps {
    pub(super) visit: Visit,
    pub(super) children: Html,
}

/// The session of somebody who plays by grants.
#[function_component]
pub(super) fn Visitor(props: &VisitorProps) -> Html {
    let session = use_reducer(|| Session::new(capability::missing_here()));
    {
        let (session, visit) = (session.clone(), props.visit.clone());
        use_effect_with((session.missing.is_empty(), session.attempt()), move |(able, _)| {
            if *able && session.control.is_none() {
                spawn_local(async move {
                    let action = match connect(visit).await {
                        Ok(control) => Action::Visiting(control),
                        Err(problem) => Action::DeviceFailed(problem),
                    };
                    session.dispatch(action);
                });
            }
        });
    }
    html! { <ContextProvider<SessionHandle> context={session}>{ props.children.clone() }</ContextProvider<SessionHandle>> }
}

async fn connect(Visit { account, grants }: Visit) -> Result<Control, Problem> {
    let proxy = session::start_worker().ok_or_else(session::no_worker)?;
    let control = Control::open_granted(Rc::new(proxy), &account, session::release().await, grants).await;
    let control = control.map_err(|error| Problem::from(&error))?;
    control.ensure_registered().await.map_err(|error| Problem::from(&error))?;
    Ok(control)
}

/// Properties of [`Film`].
#[derive(Properties, PartialEq)]
pub(super) struct FilmProps {
    pub(super) movie: MovieId,
    #[prop_or_default]
    pub(super) host: Option<HostHandle>,
    pub(super) wanted: bool,
}

/// The film once it is wanted; until then nothing, or why it cannot be.
#[function_component]
pub(super) fn Film(props: &FilmProps) -> Html {
    let FilmProps { movie, host, wanted } = props;
    let session = use_session();
    let problem = if !session.missing.is_empty() {
        Some(Problem::unsupported(&session.missing))
    } else if session.phase == Phase::SignedOut {
        Some(Problem::from_code(ErrorCode::LoginRequired, ""))
    } else {
        session.problem.clone().filter(|_| session.control.is_none())
    };
    {
        let host = host.clone();
        use_effect_with(problem.clone(), move |problem| {
            host.iter().zip(problem).for_each(|(host, problem)| host.0.failed(problem));
        });
    }
    match problem {
        Some(problem) => {
            let on_retry = Callback::from(move |()| session.dispatch(Action::Retry));
            html! { <main class="stage"><div class="curtain-call"><ErrorView {problem} {on_retry} bare=true /></div></main> }
        }
        None if *wanted => html! { <Watch movie={*movie} host={host.clone()} alone=true /> },
        None => html! { <main class="stage" /> },
    }
}
