//! What is shown where something does not go on.

use crate::around::{Around, AroundProps, one, place, rendered};
use drm_api::{DrmError, PolicyReason};
use matinee::components::ErrorView;
use nccp::{ErrorCode, Playing};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use wasm_bindgen::JsCast;
use wasm_bindgen_test::wasm_bindgen_test;
use web_player::problem::{Problem, Way};
use web_sys::HtmlElement;
use yew::prelude::*;

/// A27: an answer that cannot be recovered from is shown with its own words and a way on.
#[wasm_bindgen_test]
async fn a27_every_code_has_its_own_words_and_a_way_on() {
    let mut titles = std::collections::BTreeSet::new();
    for (code, way) in [
        (ErrorCode::DeviceLimitReached, Way::Devices),
        (ErrorCode::LoginRequired, Way::SignIn),
        (ErrorCode::NotSubscribed, Way::Library),
        (ErrorCode::RegionNotAllowed, Way::Library),
        (ErrorCode::MovieUnknown, Way::Library),
        (ErrorCode::MovieNotAvailable, Way::Library),
        (ErrorCode::PolicyRefused, Way::Library),
        (ErrorCode::CertificateInvalid, Way::Retry),
        (ErrorCode::ClockSkew, Way::Retry),
        (ErrorCode::TryLater, Way::Retry),
    ] {
        let problem = Problem::from_code(code, code.text());
        assert_eq!(problem.way, way, "{code}");
        assert!(titles.insert(problem.title.clone()), "{code}");
        let place = place();
        let retried = Rc::new(Cell::new(false));
        let told = Rc::clone(&retried);
        let on_retry = Callback::from(move |()| told.set(true));
        let props = AroundProps { children: html! { <ErrorView problem={problem.clone()} {on_retry} /> } };
        yew::Renderer::<Around>::with_root_and_props(place.clone(), props).render();
        rendered().await;
        let alert = one(&place, "[role=alert]");
        let text = alert.text_content().unwrap();
        assert!(text.contains(&problem.title) && text.contains(code.as_str()), "{text}");
        // In another site's page there is no way around this one.
        let bare = self::place();
        let props = AroundProps { children: html! { <ErrorView problem={problem.clone()} bare=true /> } };
        yew::Renderer::<Around>::with_root_and_props(bare.clone(), props).render();
        rendered().await;
        one(&bare, "[role=alert]");
        assert!(bare.query_selector("a:not([target=_blank])").unwrap().is_none(), "{}", bare.inner_html());
        let help = one(&bare, "a").get_attribute("href");
        assert_eq!(help, Some(format!("/help/{code}")));
        match way {
            Way::Devices => drop(one(&place, "a[href='/devices']")),
            Way::SignIn => drop(one(&place, "a[href^='/login']")),
            Way::Retry => {
                one(&place, ".actions button").click();
                assert!(retried.get());
            }
            Way::Reload => unreachable!("no code of the controller's"),
            Way::TakeOver => unreachable!("has a test of its own"),
            Way::Library => drop(one(&place, "a[href='/library']")),
        }
    }
}

/// Where films play elsewhere, each device can be stopped; one alone needs no name on its button.
#[wasm_bindgen_test]
async fn devices_that_play_can_be_stopped() {
    let device = |n: u8, name: &str, title: Option<&str>| Playing {
        device_id: format!("d-{n:032x}").parse().unwrap(),
        name: name.into(),
        title: title.map(str::to_owned),
        since: Some(web_player::clock::unix_now() as u64 - 300),
    };
    let (kitchen, study) = (device(1, "Kitchen", Some("The Walk")), device(2, "Study", None));
    for playing in [vec![kitchen.clone()], vec![kitchen, study]] {
        let problem = Problem {
            playing: playing.clone(),
            ..Problem::from_code(ErrorCode::StreamLimit, "Films are playing on Kitchen.")
        };
        let place = place();
        let stopped = Rc::new(RefCell::new(Vec::new()));
        let told = Rc::clone(&stopped);
        let on_take_over = Callback::from(move |device| told.borrow_mut().push(device));
        let props = AroundProps { children: html! { <ErrorView {problem} {on_take_over} /> } };
        yew::Renderer::<Around>::with_root_and_props(place.clone(), props).render();
        rendered().await;
        let said = one(&place, ".playing").text_content().unwrap();
        assert!(said.starts_with("Kitchen: The Walk, started 5 minutes ago"), "{said}");
        assert_eq!(said.ends_with("Study, started 5 minutes ago"), playing.len() == 2, "{said}");
        let buttons = place.query_selector_all(".actions button").unwrap();
        assert_eq!(buttons.length() as usize, playing.len());
        for (n, device) in playing.iter().enumerate() {
            let button: HtmlElement = buttons.get(n as u32).unwrap().unchecked_into();
            let label = button.text_content().unwrap();
            match playing.len() {
                1 => assert_eq!(label, "Stop there and play here"),
                _ => assert_eq!(label, format!("Stop on {} and play here", device.name)),
            }
            button.click();
        }
        let all: Vec<_> = playing.into_iter().map(|device| device.device_id).collect();
        assert_eq!(*stopped.borrow(), all);
    }
}

/// A film that has to stop says where films play now, as far as it was told.
#[wasm_bindgen_test]
fn a_film_that_is_stopped_says_where_others_play() {
    assert_eq!(Problem::stopped("Kitchen").title, "Playing on Kitchen now");
    assert_eq!(Problem::stopped("").title, "Playing on another device now");
}

#[wasm_bindgen_test]
async fn a_page_that_is_out_of_date_offers_to_reload() {
    for error in [DrmError::ModuleMismatch, DrmError::PolicyRefused { reason: PolicyReason::Module }] {
        let problem = Problem::from(&error);
        assert_eq!(problem.way, Way::Reload, "{error}");
        let place = place();
        let props = AroundProps { children: html! { <ErrorView {problem} /> } };
        yew::Renderer::<Around>::with_root_and_props(place.clone(), props).render();
        rendered().await;
        assert_eq!(one(&place, ".actions button").text_content().as_deref(), Some("Reload the page"));
    }
}
