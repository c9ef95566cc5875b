//! The session's states, addresses, and times in words.

use crate::around::film;
use matinee::route::{Route, safe_next};
use matinee::session::{Action, Phase, Session};
use matinee::spoken;
use nccp::json::Library;
use std::rc::Rc;
use wasm_bindgen_test::wasm_bindgen_test;
use web_player::problem::Problem;
use yew::prelude::*;

#[wasm_bindgen_test]
fn a_session_goes_from_signed_out_to_signed_in_and_back() {
    let library = |account: &str| Library {
        account: account.into(),
        email: "ada@example.org".into(),
        movies: vec![film()],
        boxes: 0,
    };
    let session = Rc::new(Session::new(vec![]));
    assert_eq!(session.phase, Phase::Starting);
    let session = session.reduce(Action::SignedOut);
    assert_eq!(session.phase, Phase::SignedOut);
    let session = session.reduce(Action::Library(library("a-1")));
    assert_eq!((session.phase, session.account()), (Phase::SignedIn, Some("a-1")));
    let session = session.reduce(Action::DeviceFailed(Problem::network()));
    assert_eq!((session.phase, session.problem.is_some()), (Phase::SignedIn, true));
    // Without a device nothing plays.
    let session = session.reduce(Action::Playing("7".parse().unwrap()));
    assert_eq!(session.phase, Phase::SignedIn);
    let session = session.reduce(Action::Library(library("a-2")));
    assert_eq!((session.account(), session.problem.is_some()), (Some("a-2"), false));
    let session = session.reduce(Action::SignedOut);
    assert_eq!((session.phase, session.account()), (Phase::SignedOut, None));
}

#[wasm_bindgen_test]
fn addresses_are_read_and_written() {
    let watch = Route::parse("/watch", "?movieid=60027274");
    assert_eq!(watch, Route::Watch { movie: "60027274".parse().unwrap() });
    assert_eq!(watch.address(), "/watch?movieid=60027274");
    assert_eq!(watch.clone().login().address(), "/login?next=%2Fwatch%3Fmovieid%3D60027274");
    assert_eq!(
        Route::parse("/login", "?next=%2Fwatch%3Fmovieid%3D60027274"),
        Route::Login { next: watch.address() }
    );
    assert_eq!(Route::parse("/", ""), Route::Library);
    let page = Route::parse("/film/7", "");
    assert_eq!(
        (&page, page.clone().login().address().as_str()),
        (&Route::Film { movie: "7".parse().unwrap() }, "/login?next=%2Ffilm%2F7")
    );
    let account = Route::parse("/account", "");
    assert_eq!((&account, account.address().as_str()), (&Route::Account, "/account"));
    for (search, code, address) in [
        ("", "", "/activate"),
        ("?code=", "", "/activate"),
        ("?code=abc-234", "abc-234", "/activate?code=abc-234"),
        ("?code=%26%2F0", "&/0", "/activate?code=%26%2F0"),
    ] {
        let activate = Route::parse("/activate", search);
        assert_eq!(activate, Route::Activate { code: code.to_owned() });
        assert_eq!(activate.address(), address);
        let login = activate.clone().login();
        let (path, query) =
            login.address().split_once('?').map(|(a, b)| (a.to_owned(), format!("?{b}"))).unwrap();
        assert_eq!(Route::parse(&path, &query), Route::Login { next: activate.address() });
    }
    let long = Route::parse("/activate", &format!("?code={}", "A".repeat(5_000)));
    assert_eq!(long, Route::Activate { code: "A".repeat(24) });
    let embed = Route::parse("/embed", "?movie=7");
    assert_eq!(
        (&embed, embed.address().as_str()),
        (&Route::Embed { movie: "7".parse().unwrap() }, "/embed?movie=7")
    );
    assert_eq!(Route::parse("/embed", "?movieid=7"), embed);
    // As the server has it: either name, and the first that is a number.
    for search in ["?movie=60027274", "movieid=60027274", "?t=3&movieid=x&movieid=60027274&movie=7"] {
        assert_eq!(Route::parse("/watch", search), watch, "{search}");
    }
    for (path, search) in [
        ("/embed", ""),
        ("/watch", ""),
        ("/watch", "?movieid=x"),
        ("/watch", "?movieid=-1"),
        ("/nowhere", ""),
        ("/film/", ""),
        ("/film/x", ""),
        ("/film/7/8", ""),
    ] {
        assert_eq!(Route::parse(path, search), Route::NotFound, "{path}{search}");
    }
}

#[wasm_bindgen_test]
fn a3_next_never_leads_off_the_site() {
    assert_eq!(safe_next(Some("/watch?movieid=1")), "/watch?movieid=1");
    for evil in ["https://evil", "//evil", "/\\evil", "\\/evil", "/\t/evil", "/\n/evil", "", "javascript:1"] {
        assert_eq!(safe_next(Some(evil)), "/library", "{evil:?}");
    }
    assert_eq!(safe_next(None), "/library");
}

#[wasm_bindgen_test]
fn times_are_spoken() {
    assert_eq!(spoken::position(3723.9), "1:02:03");
    assert_eq!(spoken::position(63.0), "1:03");
    assert_eq!(spoken::position(f64::NAN), "0:00");
    assert_eq!(spoken::runtime(60.0), "1 min");
    assert_eq!(spoken::runtime(5520.0), "1 h 32 min");
    assert_eq!(spoken::runtime(45.2), "45 s");
}
