//! Another password for the account.

use std::rc::Rc;

use localization::say;
use nccp::{
    ErrorCode,
    json::{ChangePassword, MIN_PASSWORD},
};
use wasm_bindgen_futures::spawn_local;
use web_player::problem::Problem;
use web_sys::{HtmlElement, HtmlInputElement};
use yew::prelude::*;

use crate::{
    api,
    components::Reveal,
    session::{Action, use_session},
    spoken,
};

/// Properties of [`PasswordForm`].
#[derive(Properties, PartialEq)]
pub struct PasswordFormProps {
    /// Whose, for the browser's password manager.
    pub email: Option<AttrValue>,
    /// The password is another now, and every other session has ended.
    #[prop_or_default]
    pub on_changed: Callback<()>,
}

/// A field of the form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Current,
    New,
    Again,
}

/// What is wrong with what was typed, before anybody is asked, and where.
fn mistyped(current: &str, new: &str, again: &str) -> Option<(Field, &'static str)> {
    match () {
        () if current.is_empty() => Some((Field::Current, say::password_type_current())),
        () if new.is_empty() => Some((Field::New, say::password_type_new())),
        () if new != again => Some((Field::Again, say::password_not_alike())),
        () if new == current => Some((Field::New, say::password_same())),
        () if new.chars().count() < MIN_PASSWORD => Some((Field::New, say::password_short())),
        () => None,
    }
}

/// What a refusal means, and where something is to be typed again.
fn refused(error: &api::Error) -> (Option<Field>, String) {
    match error {
        api::Error::Refused { code: ErrorCode::LoginFailed, .. } => {
            (Some(Field::Current), say::password_wrong().to_owned())
        }
        api::Error::Refused { code: ErrorCode::RequestInvalid, .. } => {
            (Some(Field::New), say::password_long().to_owned())
        }
        api::Error::Refused { code: ErrorCode::TryLater, retry_after: Some(seconds), .. } => {
            (None, say::login_wait(&spoken::wait(*seconds)))
        }
        other => (None, Problem::from(other).sentence()),
    }
}

/// What has happened.
fn done(keep_boxes: bool) -> &'static str {
    if keep_boxes { say::password_changed_boxes_kept() } else { say::password_changed() }
}

/// The password so far, the new one twice, and whether TV boxes go on.
#[function_component]
pub fn PasswordForm(props: &PasswordFormProps) -> Html {
    let session = use_session();
    let (current, new, again) = (use_node_ref(), use_node_ref(), use_node_ref());
    let (boxes, said) = (use_node_ref(), use_node_ref());
    let busy = use_state_eq(|| false);
    let revealed = use_state_eq(|| false);
    let (problem, success) = (use_state(|| None::<AttrValue>), use_state(|| None::<AttrValue>));
    // Where it is, where it is at a field.
    let wrong = use_mut_ref(|| None::<u32>);
    let onsubmit = {
        let nodes = [current.clone(), new.clone(), again.clone()];
        let (boxes, said, busy, hide) = (boxes.clone(), said.clone(), busy.clone(), revealed.setter());
        let (problem, success, wrong) = (problem.setter(), success.setter(), Rc::clone(&wrong));
        let (session, on_changed) = (session.dispatcher(), props.on_changed.clone());
        move |event: SubmitEvent| {
            event.prevent_default();
            if *busy {
                return;
            }
            let [old_password, new_password, repeated] = nodes.each_ref().map(value);
            let complain = {
                let (nodes, problem, wrong) = (nodes.clone(), problem.clone(), Rc::clone(&wrong));
                move |at: Option<Field>, words: AttrValue| {
                    wrong.replace(at.map(|at| at as u32));
                    problem.set(Some(words));
                    if let Some(at) = at {
                        select(&nodes[at as usize]);
                    }
                }
            };
            wrong.replace(None);
            success.set(None);
            if let Some((at, words)) = mistyped(&old_password, &new_password, &repeated) {
                return complain(Some(at), words.into());
            }
            problem.set(None);
            busy.set(true);
            // Browsers offer to keep what was a password to the end.
            hide.set(false);
            let keep_boxes = boxes.cast::<HtmlInputElement>().is_some_and(|boxes| boxes.checked());
            let change = ChangePassword { old_password, new_password, keep_boxes };
            let (nodes, said, busy, success) = (nodes.clone(), said.clone(), busy.clone(), success.clone());
            let (session, on_changed) = (session.clone(), on_changed.clone());
            spawn_local(async move {
                let answer = api::change_password(&change).await;
                busy.set(false);
                match answer {
                    Ok(()) => {
                        nodes.iter().for_each(clear);
                        success.set(Some(done(keep_boxes).into()));
                        if let Some(said) = said.cast::<HtmlElement>() {
                            let _ = said.focus();
                        }
                        on_changed.emit(());
                    }
                    Err(error) if error.wants_login() => session.dispatch(Action::SignedOut),
                    Err(error) => {
                        let (at, words) = refused(&error);
                        complain(at, words.into());
                    }
                }
            });
        }
    };
    let is_shown = *revealed;
    let reveal = {
        let revealed = revealed.setter();
        Callback::from(move |on| revealed.set(on))
    };
    let field = |field: Field, node: &NodeRef, name: &'static str, label: &str| {
        let wrong = *wrong.borrow() == Some(field as u32);
        let autocomplete = if field == Field::Current { "current-password" } else { "new-password" };
        html! {
            <label class="field">
                <span>{ label }</span>
                <input ref={node.clone()} type={if is_shown { "text" } else { "password" }} {name} {autocomplete}
                    required=true autocapitalize="none" spellcheck="false"
                    aria-invalid={wrong.then_some("true")} aria-describedby={wrong.then_some("password-problem")} />
            </label>
        }
    };
    html! {
        <form class="ticket narrow" novalidate=true {onsubmit}>
            // Password managers keep the password under this name.
            <input type="text" name="username" autocomplete="username" readonly=true hidden=true value={props.email.clone()} />
            { field(Field::Current, &current, "old_password", say::password_current()) }
            { field(Field::New, &new, "new_password", say::password_new()) }
            { field(Field::Again, &again, "repeated", say::password_again()) }
            <Reveal revealed={is_shown} on_change={reveal} />
            <label class="check">
                <input ref={boxes} type="checkbox" name="keep_boxes" aria-describedby="password-boxes" />
                <span>{ say::password_boxes() }</span>
            </label>
            <p class="facts" id="password-boxes">
                { say::password_boxes_about() }
            </p>
            <p class="form-problem" id="password-problem" role="alert">
                { (*problem).clone().unwrap_or_default() }
            </p>
            <p class="form-done" role="status" tabindex="-1" ref={said}>{ (*success).clone().unwrap_or_default() }</p>
            <button type="submit" class="button" aria-busy={busy.to_string()}>{ say::password_change() }</button>
        </form>
    }
}

fn value(node: &NodeRef) -> String {
    node.cast::<HtmlInputElement>().map(|input| input.value()).unwrap_or_default()
}

fn clear(node: &NodeRef) {
    if let Some(input) = node.cast::<HtmlInputElement>() {
        input.set_value("");
    }
}

/// Ready to be typed over.
fn select(node: &NodeRef) {
    if let Some(input) = node.cast::<HtmlInputElement>() {
        input.select();
        let _ = input.focus();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is typed wrong is said before it costs one of the few tries.
    #[test]
    fn mistakes_are_said_in_words() {
        assert_eq!(mistyped("", "", "").map(|(at, _)| at), Some(Field::Current));
        assert_eq!(mistyped("a", "", "").map(|(at, _)| at), Some(Field::New));
        assert_eq!(mistyped("a", "b", "c").map(|(at, _)| at), Some(Field::Again));
        assert_eq!(mistyped("a", "a", "a").map(|(at, _)| at), Some(Field::New));
        assert_eq!(mistyped("a", "b", "b").map(|(at, _)| at), Some(Field::New));
        assert_eq!(mistyped("a", "battery!", "battery!"), None);
    }

    #[test]
    fn refusals_say_what_to_do() {
        let refusal =
            |code, retry_after| refused(&api::Error::Refused { code, message: String::new(), retry_after });
        assert_eq!(refusal(ErrorCode::LoginFailed, None).0, Some(Field::Current));
        assert!(refusal(ErrorCode::TryLater, Some(90)).1.contains("in 2 minutes"));
        assert!(refused(&api::Error::Network).1.contains("connection"));
    }
}
