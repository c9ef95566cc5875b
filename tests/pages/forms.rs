//! Forms: their fields have names, and what is mistyped is said.

use crate::around::{Around, AroundProps, label, one, place, rendered, until};
use futures_channel::oneshot;
use gloo::utils::{document, window};
use matinee::components::{PasswordForm, RenameDevice};
use matinee::pages::{Activate, LoginForm, LoginFormProps};
use matinee::route;
use nccp::json::Device;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use wasm_bindgen::JsCast;
use wasm_bindgen_test::wasm_bindgen_test;
use web_sys::HtmlInputElement;
use yew::prelude::*;

#[wasm_bindgen_test]
async fn the_login_form_has_its_names() {
    let place = place();
    let props = LoginFormProps { on_signed_in: Callback::noop(), refused: 0 };
    yew::Renderer::<LoginForm>::with_root_and_props(place.clone(), props).render();
    rendered().await;
    let (email, password) = (one(&place, "input[type=email]"), one(&place, "input[type=password]"));
    assert_eq!((label(&email).as_str(), label(&password).as_str()), ("Email", "Password"));
    assert_eq!(email.get_attribute("autocomplete").as_deref(), Some("username"));
    assert_eq!(password.get_attribute("autocomplete").as_deref(), Some("current-password"));
    let button = one(&place, "button[type=submit]");
    assert_eq!(button.text_content().as_deref(), Some("Sign in"));
    let reveal: HtmlInputElement = one(&place, "input[type=checkbox]").unchecked_into();
    assert_eq!(label(&reveal), "Show password");
    for (on, kind) in [(true, "text"), (false, "password")] {
        reveal.click();
        until(|| password.get_attribute("type").as_deref() == Some(kind)).await;
        assert_eq!(reveal.checked(), on);
    }
    assert!(place.query_selector("[style]").unwrap().is_none(), "the site's CSP forbids style attributes");
}

/// The right password and no session: the browser did not keep the cookies, and the form says so.
#[wasm_bindgen_test]
async fn a_browser_that_keeps_no_cookies_is_told() {
    let place = place();
    let props = LoginFormProps { on_signed_in: Callback::noop(), refused: 1 };
    yew::Renderer::<LoginForm>::with_root_and_props(place.clone(), props).render();
    let said = || one(&place, "[role=alert]").text_content().unwrap();
    rendered().await;
    until(|| said().contains("keeps no cookies")).await;
    assert_eq!(one(&place, "button[type=submit]").get_attribute("aria-busy").as_deref(), Some("false"));
}

#[wasm_bindgen_test]
async fn a_login_that_is_refused_says_so_in_words() {
    let place = place();
    let signed_in = Rc::new(Cell::new(false));
    let told = Rc::clone(&signed_in);
    let props = LoginFormProps { on_signed_in: Callback::from(move |()| told.set(true)), refused: 0 };
    yew::Renderer::<LoginForm>::with_root_and_props(place.clone(), props).render();
    rendered().await;
    let fill = |selector: &str, value: &str| {
        let input: HtmlInputElement = one(&place, selector).unchecked_into();
        input.set_value(value);
    };
    fill("input[type=email]", "ada@example.org");
    fill("input[type=password]", "wrong");
    // The test's own server knows no /login.
    one(&place, "button[type=submit]").click();
    let alert = one(&place, "[role=alert]");
    let (seen, words) = oneshot::channel();
    let seen = Cell::new(Some(seen));
    let observer = gloo::timers::callback::Interval::new(20, move || {
        let text = alert.text_content().unwrap_or_default();
        if !text.is_empty()
            && let Some(seen) = seen.take()
        {
            seen.send(text).unwrap();
        }
    });
    let words = words.await.unwrap();
    drop(observer);
    assert!(words.contains("service"), "{words}");
    assert!(!signed_in.get());
    assert_eq!(one(&place, "button[type=submit]").get_attribute("aria-busy").as_deref(), Some("false"));
}

/// The fields have names for people and for password managers; what is mistyped is said at its field without
/// asking the server, and everything typed stays.
#[wasm_bindgen_test]
async fn the_password_form_has_its_names_and_says_what_is_mistyped() {
    let place = place();
    let email = Some(AttrValue::from("ada@example.org"));
    let props = AroundProps { children: html! { <PasswordForm {email} /> } };
    yew::Renderer::<Around>::with_root_and_props(place.clone(), props).render();
    rendered().await;
    let field =
        |name: &str| -> HtmlInputElement { one(&place, &format!("input[name={name}]")).unchecked_into() };
    let fields = ["old_password", "new_password", "repeated"].map(field);
    let names = fields.each_ref().map(|field| (label(field), field.get_attribute("autocomplete").unwrap()));
    let expected = [
        ("Current password", "current-password"),
        ("New password", "new-password"),
        ("New password, once more", "new-password"),
    ];
    assert_eq!(names, expected.map(|(name, complete)| (name.to_owned(), complete.to_owned())));
    assert_eq!(field("username").value(), "ada@example.org");
    assert_eq!(label(&one(&place, "input[name=keep_boxes]")), "Keep TV boxes signed in");
    for (typed, wrong, words) in [
        (["", "new", "new"], 0, "that you have now"),
        (["old", "", ""], 1, "Type the new password"),
        (["old", "new", "knew"], 2, "not typed twice alike"),
        (["old", "old", "old"], 1, "that you have now"),
    ] {
        fields.iter().zip(typed).for_each(|(field, text)| field.set_value(text));
        one(&place, "button[type=submit]").click();
        rendered().await;
        let said = one(&place, "[role=alert]").text_content().unwrap();
        assert!(said.contains(words), "{said}");
        assert!(document().active_element().unwrap().is_same_node(Some(&fields[wrong])), "{said}");
        for (n, field) in fields.iter().enumerate() {
            assert_eq!(field.get_attribute("aria-invalid").is_some(), n == wrong, "{said}");
            assert_eq!(field.value(), typed[n]);
        }
    }
    assert!(place.query_selector("[style]").unwrap().is_none(), "the site's CSP forbids style attributes");
}

/// A14: what is typed wrong is said at once, without asking the server.
#[wasm_bindgen_test]
async fn a14_the_code_field_has_its_name_and_says_what_is_mistyped() {
    let place = place();
    let props = AroundProps { children: html! { <Activate /> } };
    yew::Renderer::<Around>::with_root_and_props(place.clone(), props).render();
    rendered().await;
    let field = one(&place, "input[name=code]");
    assert_eq!(label(&field), "Code on the TV");
    assert!(document().active_element().unwrap().is_same_node(Some(&field)));
    let input: HtmlInputElement = field.clone().unchecked_into();
    for (typed, words) in [("", "Type the code"), ("ab-c", "this has 3"), ("abc 0ef", "0 or 1")] {
        input.set_value(typed);
        one(&place, "button[type=submit]").click();
        rendered().await;
        let said = one(&place, "[role=alert]").text_content().unwrap();
        assert!(said.contains(words), "{typed}: {said}");
        assert_eq!(field.get_attribute("aria-invalid").as_deref(), Some("true"));
    }
    assert!(place.query_selector("[style]").unwrap().is_none(), "the site's CSP forbids style attributes");
}

/// A14: a code in the address is in the field, gone from the address bar, and needs a word of whoever opened
/// the link; one that is none is said to be.
#[wasm_bindgen_test]
async fn a14_a_code_comes_with_the_address_and_waits() {
    let before = window().location().href().unwrap();
    let tab = window().session_storage().unwrap().unwrap();
    for (code, typed, focused, hint, said) in [
        ("K7QX2M", "", "button[type=submit]", "came with the link", ""),
        ("K7Q-X2", "", "input[name=code]", "The TV shows a code", "this has 5"),
        // Typed here, before whoever typed it had to sign in again; that is asked once.
        ("K7QX2M", "K7QX2M", "button[type=submit]", "The TV shows a code", ""),
        ("K7QX2M", "", "button[type=submit]", "came with the link", ""),
    ] {
        if !typed.is_empty() {
            tab.set_item("matinee.typed-code", typed).unwrap();
        }
        route::remember(&format!("/activate?code={code}"));
        let place = place();
        let props = AroundProps { children: html! { <Activate {code} /> } };
        let app = yew::Renderer::<Around>::with_root_and_props(place.clone(), props).render();
        rendered().await;
        let input: HtmlInputElement = one(&place, "input[name=code]").unchecked_into();
        until(|| input.value() == code).await;
        let location = window().location();
        until(|| location.pathname().unwrap() == "/activate" && location.search().unwrap().is_empty()).await;
        let focused = one(&place, focused);
        until(|| document().active_element().is_some_and(|on| on.is_same_node(Some(&focused)))).await;
        let says = |selector: &str, words: &str| {
            let element = one(&place, selector);
            element.text_content().is_some_and(|text| text.contains(words))
        };
        until(|| says("#code-hint", hint) && says("[role=alert]", said)).await;
        assert!(place.query_selector("section.card").unwrap().is_none(), "nobody was asked yet");
        app.destroy();
        place.remove();
    }
    route::remember(&before);
}

/// The dialog has its field's name, what was typed stays when the server cannot be asked, and it is said.
#[wasm_bindgen_test]
async fn a_device_is_renamed_in_a_dialog() {
    let place = place();
    let device: Device = serde_json::from_str(&format!(
        r#"{{"device_id": "d-{}", "name": "Chrome on Linux", "kind": "browser", "slot": 2, "registered_at": 1,
            "last_seen": 2, "this_device": false}}"#,
        "0".repeat(32)
    ))
    .unwrap();
    let done = Rc::new(RefCell::new(Vec::new()));
    let told = Rc::clone(&done);
    let on_done = Callback::from(move |name: Option<String>| told.borrow_mut().push(name));
    let props = AroundProps { children: html! { <RenameDevice {device} {on_done} /> } };
    yew::Renderer::<Around>::with_root_and_props(place.clone(), props).render();
    rendered().await;
    let field: HtmlInputElement = one(&place, "input[name=device-name]").unchecked_into();
    until(|| field.value() == "Chrome on Linux").await;
    assert_eq!(label(&field), "Name");
    field.set_value("Kitchen");
    // The test's own server knows no such route.
    one(&place, "form button:not([type])").click();
    let (seen, words) = oneshot::channel();
    let seen = Cell::new(Some(seen));
    let alert = one(&place, "[role=alert]");
    let observer = gloo::timers::callback::Interval::new(20, move || {
        let text = alert.text_content().unwrap_or_default();
        if !text.is_empty()
            && let Some(seen) = seen.take()
        {
            seen.send(text).unwrap();
        }
    });
    assert!(!words.await.unwrap().is_empty());
    drop(observer);
    assert_eq!(field.value(), "Kitchen");
    assert_eq!(field.get_attribute("aria-invalid").as_deref(), Some("true"));
    assert!(done.borrow().is_empty());
    one(&place, "form button[type=button]").click();
    until(|| !done.borrow().is_empty()).await;
    assert_eq!(*done.borrow(), [None]);
}
