//! Adding a TV box by the code that it shows.

use gloo::utils::window;
use localization::say;
use nccp::{
    BoxCode, BoxCodeError, ErrorCode,
    json::{ActivateState, Activated},
};
use wasm_bindgen_futures::spawn_local;
use web_player::problem::Problem;
use web_sys::{HtmlElement, HtmlInputElement, Storage};
use yew::prelude::*;

use crate::{
    api,
    components::{DeviceList, Frame},
    route::{self, LONGEST_CODE, Link, Route},
    session::{Action, use_session},
    spoken,
};

/// What typing the code came to.
fn mistyped(error: BoxCodeError) -> String {
    match error {
        BoxCodeError::Length(0) => say::box_type_code().to_owned(),
        BoxCodeError::Length(length) => say::box_length(length as f64),
        BoxCodeError::Symbol('0' | '1' | 'o' | 'O' | 'i' | 'I') => say::box_look_alike().to_owned(),
        BoxCodeError::Symbol(other) => say::box_symbol(&other.to_string()),
        _ => say::box_no_code().to_owned(),
    }
}

/// What a refusal means, and what to do.
fn refused(error: &api::Error) -> String {
    match error {
        api::Error::Refused { code: ErrorCode::CodeUnknown, .. } => say::box_unknown().to_owned(),
        api::Error::Refused { code: ErrorCode::CodeExpired, .. } => say::box_expired().to_owned(),
        api::Error::Refused { code: ErrorCode::TryLater, retry_after, .. } => match retry_after {
            Some(seconds) if *seconds > 30 => say::box_wait(&spoken::wait(*seconds)),
            _ => say::box_busy().to_owned(),
        },
        other => Problem::from(other).sentence(),
    }
}

/// Where the tab keeps the code that was typed in it, while its viewer signs in again.
const TYPED: &str = "matinee.typed-code";

fn tab() -> Option<Storage> {
    window().session_storage().ok().flatten()
}

/// Notes that this code was typed here, and came by nobody's link.
fn keep_typed(code: &BoxCode) {
    if let Some(tab) = tab() {
        // Where it cannot be kept, the page warns once too often.
        let _ = tab.set_item(TYPED, code.as_str());
    }
}

/// Whether this code was typed here before its viewer signed in. It is asked once.
fn was_typed(code: &BoxCode) -> bool {
    let Some(tab) = tab() else { return false };
    let kept = tab.get_item(TYPED).ok().flatten();
    let _ = tab.remove_item(TYPED);
    kept.as_deref() == Some(code.as_str())
}

/// Properties of [`Activate`].
#[derive(Properties, PartialEq)]
pub struct ActivateProps {
    /// The code that the page's address has; empty: none.
    #[prop_or_default]
    pub code: AttrValue,
}

/// The page: the code, then the question whether this is the box, then that it continues by itself.
///
/// A code in the address is in the field when the page is shown, and nothing more: somebody else may have
/// made the link (RFC 8628, 5.4), so whoever opens it compares the code, and sees what it stands for.
#[function_component]
pub fn Activate(props: &ActivateProps) -> Html {
    let session = use_session();
    let step = use_state(|| None::<Activated>);
    let problem = use_state(|| None::<AttrValue>);
    let busy = use_state_eq(|| false);
    // What is in the field came with the address.
    let linked = use_state_eq(|| false);
    let (field, next, heading) = (use_node_ref(), use_node_ref(), use_node_ref());

    let send = {
        let (step, problem, busy, session) =
            (step.setter(), problem.setter(), busy.setter(), session.dispatcher());
        let (field, is_linked, linked) = (field.clone(), *linked, linked.setter());
        Callback::from(move |(code, confirm): (BoxCode, bool)| {
            let (step, problem, busy, session) =
                (step.clone(), problem.clone(), busy.clone(), session.clone());
            let linked = linked.clone();
            let field = field.clone();
            busy.set(true);
            spawn_local(async move {
                let answer = api::activate(&code, confirm).await;
                busy.set(false);
                match answer {
                    Ok(activated) => {
                        problem.set(None);
                        step.set(Some(activated));
                    }
                    Err(error) if error.wants_login() => {
                        // The code is still there afterwards, and where it came from.
                        if !is_linked {
                            keep_typed(&code);
                        }
                        let here = Route::Activate { code: code.as_str().to_owned() };
                        route::replace(&here.login().address());
                        session.dispatch(Action::SignedOut);
                    }
                    Err(error) => {
                        let ended = |code| matches!(code, ErrorCode::CodeUnknown | ErrorCode::CodeExpired);
                        if matches!(&error, api::Error::Refused { code, .. } if ended(*code)) {
                            // Another code is needed.
                            step.set(None);
                            linked.set(false);
                        }
                        problem.set(Some(refused(&error).into()));
                        select(&field);
                    }
                }
            });
        })
    };
    {
        // Each step begins at its heading, for those who read by ear as well.
        let (heading, field) = (heading.clone(), field.clone());
        let state = step.as_ref().map(|step| (step.state, step.limit_reached));
        use_effect_with(state, move |state| match state {
            None => select(&field),
            Some(_) => {
                if let Some(heading) = heading.cast::<HtmlElement>() {
                    let _ = heading.focus();
                }
            }
        });
    }
    {
        let (field, next) = (field.clone(), next.clone());
        let (problem, linked) = (problem.setter(), linked.setter());
        use_effect_with(props.code.clone(), move |code| {
            if code.is_empty() {
                return;
            }
            // A code is nothing for a history, or for whoever is sent the address.
            route::remember("/activate");
            if let Some(field) = field.cast::<HtmlInputElement>() {
                field.set_value(code);
            }
            match code.parse::<BoxCode>() {
                Ok(code) => {
                    linked.set(!was_typed(&code));
                    if let Some(next) = next.cast::<HtmlElement>() {
                        let _ = next.focus();
                    }
                }
                Err(error) => {
                    problem.set(Some(mistyped(error).into()));
                    select(&field);
                }
            }
        });
    }
    let again = {
        let (step, problem, linked) = (step.setter(), problem.setter(), linked.setter());
        Callback::from(move |_: MouseEvent| {
            step.set(None);
            problem.set(None);
            linked.set(false);
        })
    };
    let onsubmit = {
        let (send, problem, field, busy) = (send.clone(), problem.setter(), field.clone(), *busy);
        move |event: SubmitEvent| {
            event.prevent_default();
            let typed = field.cast::<HtmlInputElement>().map(|field| field.value()).unwrap_or_default();
            match typed.parse::<BoxCode>() {
                _ if busy => {}
                Ok(code) => send.emit((code, false)),
                Err(error) => {
                    problem.set(Some(mistyped(error).into()));
                    select(&field);
                }
            }
        }
    };
    // Another code than that of the address.
    let oninput = {
        let linked = linked.setter();
        move |_: InputEvent| linked.set(false)
    };
    let said = html! {
        <p class="form-problem" id="code-problem" role="alert">{ (*problem).clone().unwrap_or_default() }</p>
    };
    let busy = busy.to_string();
    let content = match &*step {
        None => html! {
            <>
                <p class="lede" id="code-hint">
                    { if *linked { say::box_linked() } else { say::box_about() } }
                </p>
                <form class="ticket code-form" {onsubmit}>
                    <label class="field">
                        <span>{ say::box_code() }</span>
                        <input ref={field} {oninput} class="box-code" type="text" dir="ltr" name="code" autocomplete="off" autocapitalize="characters"
                            spellcheck="false" enterkeyhint="go" placeholder="ABC-234" maxlength={LONGEST_CODE.to_string()}
                            aria-invalid={problem.is_some().then_some("true")} aria-describedby="code-hint code-problem" />
                    </label>
                    { said }
                    <button ref={next} type="submit" class="button" aria-busy={busy}
                        aria-describedby={linked.then_some("code-hint")}>{ say::box_continue() }</button>
                </form>
            </>
        },
        Some(found) => {
            let code = found.code.parse::<BoxCode>().ok();
            let shown = code.as_ref().map_or_else(|| found.code.clone(), ToString::to_string);
            let ask = |confirm| {
                let (send, code) = (send.clone(), code.clone());
                Callback::from(move |()| {
                    if let Some(code) = code.clone() {
                        send.emit((code, confirm));
                    }
                })
            };
            let email = session
                .library
                .as_ref()
                .map_or_else(|| say::box_this_account().to_owned(), |library| library.email.clone());
            let places = say::box_fact_places_taken(found.devices as f64, found.limit as f64);
            let facts = [
                (say::box_fact_box(), found.name.clone()),
                (say::box_fact_code(), shown),
                (say::box_fact_joins(), email),
                (say::box_fact_places(), places),
            ];
            let full = found.limit_reached.then(|| {
                html! {
                    <>
                        <p>{ say::box_full(found.limit as f64) }</p>
                        <DeviceList on_removed={ask(found.state == ActivateState::Confirmed)} />
                    </>
                }
            });
            match found.state {
                ActivateState::Confirm => html! {
                    <section class="card">
                        <h2 ref={heading} tabindex="-1">{ say::box_yours() }</h2>
                        <dl>
                            { for facts.into_iter().map(|(name, fact)| html! { <div><dt>{ name }</dt><dd dir="auto">{ fact }</dd></div> }) }
                        </dl>
                        <p>{ say::box_yours_text() }</p>
                        { full.unwrap_or_default() }
                        { said }
                        <div class="actions">
                            if !found.limit_reached {
                                <button type="button" class="button" aria-busy={busy}
                                    onclick={ask(true).reform(|_: MouseEvent| ())}>{ say::box_yours_add() }</button>
                            }
                            <button type="button" class="button secondary" onclick={again}>{ say::box_yours_other() }</button>
                        </div>
                    </section>
                },
                ActivateState::Confirmed => html! {
                    <section class="card">
                        <h2 ref={heading} tabindex="-1">{ say::box_added(&found.name) }</h2>
                        { full.unwrap_or_else(|| html! {
                            <p>{ say::box_added_text() }</p>
                        }) }
                        { said }
                        <div class="actions">
                            <Link to={Route::Library} class="button">{ say::to_library() }</Link>
                            <Link to={Route::Devices} class="button secondary">{ say::box_added_devices() }</Link>
                            <button type="button" class="button secondary" onclick={again}>{ say::box_added_another() }</button>
                        </div>
                    </section>
                },
            }
        }
    };
    html! {
        <Frame title={say::add_tv_box()}>
            <section class="page">
                <h1>{ say::add_tv_box() }</h1>
                { content }
            </section>
        </Frame>
    }
}

/// Ready to be typed over.
fn select(field: &NodeRef) {
    if let Some(field) = field.cast::<HtmlInputElement>() {
        field.select();
        let _ = field.focus();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistake(typed: &str) -> String {
        mistyped(typed.parse::<BoxCode>().unwrap_err())
    }

    /// A14: what is typed wrong is said before it costs one of the few tries.
    #[test]
    fn a14_mistakes_are_said_in_words() {
        assert!(mistake(" ").contains("Type the code"));
        assert!(mistake("ABC-23").contains("this has 5"));
        assert!(mistake("abc-0ef").contains("0 or 1"));
        assert!(mistake("ABC/EF").contains("“/”"));
    }

    /// A14: each refusal says what to do.
    #[test]
    fn a14_refusals_say_what_to_do() {
        let words =
            |code, retry_after| refused(&api::Error::Refused { code, message: String::new(), retry_after });
        assert!(words(ErrorCode::CodeUnknown, None).contains("Compare it"));
        assert!(words(ErrorCode::CodeExpired, None).contains("shows a new one"));
        assert!(words(ErrorCode::TryLater, Some(3221)).contains("in 54 minutes"));
        assert!(words(ErrorCode::TryLater, Some(5)).contains("in a few seconds"));
        assert!(words(ErrorCode::RegionNotAllowed, None).contains("where you are"));
        assert!(refused(&api::Error::Network).contains("connection"));
    }
}
