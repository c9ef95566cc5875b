//! What the browser knows of languages.

use gloo::utils::document;
use localization::{Category, intl};
use matinee::{language, spoken};
use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

/// English by the browser's own rules says what English without a browser says; and numbers as they are
/// written.
#[wasm_bindgen_test]
fn the_browser_knows_english() {
    language::install(&JsValue::UNDEFINED);
    assert!(localization::is_english());
    assert_eq!(spoken::ago(300.0), "5 minutes ago");
    assert_eq!(spoken::ago(172_800.0), "2 days ago");
    assert_eq!([spoken::country("DE"), spoken::country("?")], ["Germany", "?"]);
    assert_eq!((spoken::wait(60), spoken::wait(5)), ("1 minute".to_owned(), "5 seconds".to_owned()));
    assert_eq!(intl().list(&["a".into(), "b".into(), "c".into()]), "a, b, c");
    assert_eq!(intl().list(&[]), "");
    assert_eq!([1.0, 2.0].map(|count| intl().plural(count)), [Category::One, Category::Other]);
    assert_eq!(intl().number(1234.0).replace([',', '.', ' ', '\u{A0}'], ""), "1234");
    assert_eq!((language::own_name("de"), language::own_name("ar")), ("Deutsch".into(), "العربية".into()));
    assert_eq!(language::all(), ["en"], "the test's own page lists none");
}

/// A table of another version of the app is no language.
#[wasm_bindgen_test]
fn a_table_that_does_not_fit_leaves_the_page_english() {
    let table =
        js_sys::JSON::parse(r#"{"language": "de", "fingerprint": "00", "messages": ["ltr"]}"#).unwrap();
    let root = document().document_element().unwrap();
    root.set_attribute("lang", "de").unwrap();
    language::install(&table);
    assert!(localization::is_english());
    assert_eq!(root.get_attribute("lang").as_deref(), Some("en"));
    assert_eq!(localization::say::pause(), "Pause");
}
