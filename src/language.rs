//! The language of the page: the table that the loader brought, and what the browser knows of it (ECMA-402).

use js_sys::{Array, Function, Reflect};
use localization::{Category, English, Intl, Language, Unit};
use wasm_bindgen::{JsCast, JsValue};

use crate::{
    browser::{call, get, object},
    session::page_value,
};

/// Has the app speak the language of a table, before anything else is said: `{language, fingerprint,
/// messages}`, as `cargo xtask build` writes it. English where there is none, or one that is for another
/// version of the app.
pub fn install(table: &JsValue) {
    let language = read(table).unwrap_or_else(|| {
        declare("en", "ltr");
        let tag = locale("en");
        Language::english(tag.clone(), Box::new(Browser::new(&tag)))
    });
    localization::install(language);
}

fn read(table: &JsValue) -> Option<Language> {
    let tag = get(table, "language").as_string()?;
    let fingerprint = get(table, "fingerprint").as_string()?;
    let patterns = get(table, "messages").dyn_into::<Array>().ok()?;
    let patterns: Vec<String> = patterns.iter().filter_map(|pattern| pattern.as_string()).collect();
    let tag = locale(&tag);
    Language::new(tag.clone(), &fingerprint, patterns, Box::new(Browser::new(&tag))).ok()
}

/// Says on the page which language it is in.
fn declare(tag: &str, direction: &str) {
    if let Some(root) = gloo::utils::document().document_element() {
        let _ = root.set_attribute("lang", tag);
        let _ = root.set_attribute("dir", direction);
    }
}

/// The viewer's own form of a language, with the region that their browser names. Arabic has the digits that
/// the rest of the page has, unless the browser asks for something else.
fn locale(tag: &str) -> String {
    let primary = |tag: &str| tag.split('-').next().unwrap_or_default().to_ascii_lowercase();
    let languages = gloo::utils::window().navigator().languages();
    let mut names = languages.iter().filter_map(|own| own.as_string());
    let own = names.find(|own| primary(own) == primary(tag) && is_tag(own));
    let own = own.unwrap_or_else(|| tag.to_owned());
    if primary(&own) == "ar" && !own.to_ascii_lowercase().contains("-u-") {
        return format!("{own}-u-nu-latn");
    }
    own
}

/// Whether the browser takes it as a language's tag. What it does not take (`en-US@posix`) makes its dates
/// throw.
fn is_tag(name: &str) -> bool {
    call(&get(&js_sys::global(), "Intl"), "getCanonicalLocales", &[name.into()]).is_some()
}

/// Tags of all languages that there are, English first.
pub fn all() -> Vec<String> {
    let listed = page_value("matinee-languages").unwrap_or_default();
    let others = listed.split(' ').filter_map(|entry| entry.split(',').next()).filter(|tag| !tag.is_empty());
    std::iter::once("en").chain(others).map(str::to_owned).collect()
}

/// A language's own name for itself; its tag where the browser does not know it.
pub fn own_name(tag: &str) -> String {
    let names = make("DisplayNames", tag, object([("type", "language".into())]));
    said(&names, "of", &[tag.into()]).unwrap_or_else(|| tag.to_owned())
}

/// What the browser knows of a language.
struct Browser {
    tag: String,
    plurals: JsValue,
    numbers: JsValue,
}

impl Browser {
    fn new(tag: &str) -> Self {
        let plurals = make("PluralRules", tag, JsValue::UNDEFINED);
        Self { tag: tag.to_owned(), plurals, numbers: make("NumberFormat", tag, JsValue::UNDEFINED) }
    }
}

/// An object of `Intl`; `undefined` where the browser has none of its kind.
fn make(kind: &str, tag: &str, options: JsValue) -> JsValue {
    let made = || {
        let maker = get(&get(&js_sys::global(), "Intl"), kind).dyn_into::<Function>().ok()?;
        Reflect::construct(&maker, &Array::of(&[tag.into(), options])).ok()
    };
    made().unwrap_or_default()
}

/// What a method of such an object says.
fn said(of: &JsValue, name: &str, arguments: &[JsValue]) -> Option<String> {
    call(of, name, arguments)?.as_string()
}

impl Intl for Browser {
    fn plural(&self, number: f64) -> Category {
        let category = said(&self.plurals, "select", &[number.into()]);
        category.map_or_else(|| English.plural(number), |category| Category::parse(&category))
    }

    fn number(&self, number: f64) -> String {
        said(&self.numbers, "format", &[number.into()]).unwrap_or_else(|| English.number(number))
    }

    fn duration(&self, count: f64, unit: Unit) -> String {
        let options = object([
            ("style", "unit".into()),
            ("unit", unit.as_str().into()),
            ("unitDisplay", "long".into()),
        ]);
        let format = make("NumberFormat", &self.tag, options);
        said(&format, "format", &[count.into()]).unwrap_or_else(|| English.duration(count, unit))
    }

    fn ago(&self, count: f64, unit: Unit) -> String {
        let format = make("RelativeTimeFormat", &self.tag, JsValue::UNDEFINED);
        said(&format, "format", &[(-count).into(), unit.as_str().into()])
            .unwrap_or_else(|| English.ago(count, unit))
    }

    fn list(&self, parts: &[String]) -> String {
        let options = object([("type", "unit".into()), ("style", "short".into())]);
        let all: Array = parts.iter().map(|part| JsValue::from_str(part)).collect();
        said(&make("ListFormat", &self.tag, options), "format", &[all.into()])
            .unwrap_or_else(|| English.list(parts))
    }
}
