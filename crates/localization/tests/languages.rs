//! The message files, with the plural rules of their languages.
#![allow(missing_docs, clippy::unwrap_used)]

use fluent_compiler::{Kind, Reference};
use localization::{Category, Intl, Language, Unit, Value, code, codes, install, render_pattern, say, tag};

/// The plural rules of five languages (Unicode CLDR 48, plurals.xml), for whole numbers.
struct Rules(&'static str);

impl Intl for Rules {
    fn plural(&self, number: f64) -> Category {
        let n = number as u64;
        match (self.0, n, n % 100) {
            ("ar", 0, _) => Category::Zero,
            ("ar", 1, _) | ("en" | "de" | "es", 1, _) | ("fr", 0 | 1, _) => Category::One,
            ("ar", 2, _) => Category::Two,
            ("ar", _, 3..=10) => Category::Few,
            ("ar", _, 11..=99) => Category::Many,
            ("es" | "fr", _, _) if n != 0 && n.is_multiple_of(1_000_000) => Category::Many,
            _ => Category::Other,
        }
    }

    fn number(&self, number: f64) -> String {
        number.to_string()
    }

    fn duration(&self, count: f64, unit: Unit) -> String {
        format!("{count} {}", unit.as_str())
    }

    fn ago(&self, count: f64, unit: Unit) -> String {
        format!("-{count} {}", unit.as_str())
    }

    fn list(&self, parts: &[String]) -> String {
        parts.join(", ")
    }
}

const LANGUAGES: [(&str, &str); 5] = [
    ("en", include_str!("../../../www/languages/en.ftl")),
    ("ar", include_str!("../../../www/languages/ar.ftl")),
    ("de", include_str!("../../../www/languages/de.ftl")),
    ("es", include_str!("../../../www/languages/es.ftl")),
    ("fr", include_str!("../../../www/languages/fr.ftl")),
];

fn reference() -> Reference {
    Reference::parse(LANGUAGES[0].1).unwrap()
}

/// What a language says of a number of films.
fn found(language: &'static str, count: f64) -> String {
    let reference = reference();
    let text = LANGUAGES.iter().find(|(tag, _)| *tag == language).unwrap().1;
    let place = reference.messages.iter().position(|message| message.key == "found-films").unwrap();
    let patterns = reference.translate(text).unwrap();
    render_pattern(&patterns[place], &[Value::Number(count)], &Rules(language), language == "ar")
}

#[test]
fn every_language_has_every_message_with_its_variables() {
    for (tag, text) in LANGUAGES {
        let patterns = reference().translate(text).unwrap_or_else(|error| panic!("{tag}: {error}"));
        for (pattern, message) in patterns.iter().zip(&reference().messages) {
            assert!(!pattern.trim().is_empty(), "{tag}: {}", message.key);
        }
    }
}

/// Each category that a language has is said in a form of its own.
#[test]
fn films_are_counted_as_each_language_does() {
    for (language, count, words) in [
        ("en", 1.0, "1 film found"),
        ("en", 0.0, "0 films found"),
        ("de", 1.0, "1 Film gefunden"),
        ("de", 12.0, "12 Filme gefunden"),
        ("es", 1.0, "1 película encontrada"),
        ("es", 2.0, "2 películas encontradas"),
        ("es", 1_000_000.0, "1000000 de películas encontradas"),
        ("fr", 0.0, "0 film trouvé"),
        ("fr", 1.0, "1 film trouvé"),
        ("fr", 2.0, "2 films trouvés"),
        ("fr", 1_000_000.0, "1000000 de films trouvés"),
        ("ar", 0.0, "لا أفلام"),
        ("ar", 1.0, "فيلم واحد"),
        ("ar", 2.0, "فيلمان"),
        ("ar", 3.0, "3 أفلام"),
        ("ar", 110.0, "110 أفلام"),
        ("ar", 11.0, "11 فيلمًا"),
        ("ar", 99.0, "99 فيلمًا"),
        ("ar", 100.0, "100 فيلم"),
    ] {
        assert_eq!(found(language, count), words, "{language} {count}");
    }
}

/// A table of another version of the app is refused; one that fits is spoken from then on.
#[test]
fn a_language_is_installed_where_its_table_fits() {
    let reference = reference();
    let patterns = || reference.translate(LANGUAGES[2].1).unwrap();
    let fingerprint = reference.fingerprint();
    let german = |fingerprint: &str, patterns| {
        Language::new("de-AT".to_owned(), fingerprint, patterns, Box::new(Rules("de")))
    };
    assert!(german("0123456789abcdef", patterns()).is_err());
    assert!(german(&fingerprint, patterns()[1..].to_vec()).is_err());
    assert_eq!((tag(), say::pause(), localization::is_english()), ("en", "Pause", true));
    assert_eq!(say::found_films(1.0), "1 film found");
    install(german(&fingerprint, patterns()).unwrap_or_else(|_| panic!("it fits")));
    assert_eq!((tag(), say::mute(), localization::is_english()), ("de-AT", "Ton aus", false));
    assert_eq!(say::found_films(1.0), "1 Film gefunden");
    assert!(!localization::is_right_to_left());
    assert_eq!(code("NETWORK").unwrap()[0], "Der Dienst antwortet nicht");
    assert_eq!(code("NO_SUCH_CODE"), None);
}

#[test]
fn every_code_has_three_sayings() {
    let reference = reference();
    for name in codes() {
        for ending in ["", ".text", ".more"] {
            let key = format!("code-{name}{ending}");
            assert!(reference.messages.iter().any(|message| message.key == key), "{key}");
        }
        let [title, text, more] = code(name).unwrap();
        assert!(!title.ends_with('.'), "{name}");
        for text in [text, more] {
            assert!(text.ends_with('.') && text.len() > 10, "{name}: {text}");
        }
    }
}

/// The browser's loader says these without the app.
#[test]
fn what_is_said_without_the_app_needs_no_values() {
    let reference = reference();
    for message in reference.messages.iter().filter(|message| message.key.starts_with("early-")) {
        assert!(message.variables.is_empty(), "{}", message.key);
    }
}

/// Who speaks to the page says what stands on a button: that is in the button's name (WCAG 2.2, 2.5.3).
#[test]
fn the_name_of_a_button_has_what_stands_on_it() {
    let reference = reference();
    for (language, text) in LANGUAGES {
        let patterns = reference.translate(text).unwrap();
        let of = |key: &str| {
            let place = reference.messages.iter().position(|message| message.key == key).unwrap();
            patterns[place].to_lowercase()
        };
        for message in &reference.messages {
            if let Some(shown) = message.key.strip_suffix(".label") {
                let (name, shown) = (of(&message.key), of(shown));
                assert!(name.contains(&shown), "{language}: {name}: {shown}");
            }
        }
    }
}

/// Whatever the number, every message of every language is complete: no sign of its pattern is left.
#[test]
fn nothing_of_a_pattern_is_left() {
    let reference = reference();
    for (language, text) in LANGUAGES {
        let patterns = reference.translate(text).unwrap();
        for (pattern, message) in patterns.iter().zip(&reference.messages) {
            for count in [0.0, 1.0, 2.0, 3.0, 11.0, 100.0, 1_000_000.0] {
                let value = |(_, kind): &(String, Kind)| match kind {
                    Kind::Number => Value::Number(count),
                    Kind::Text => Value::Text("x"),
                };
                let values: Vec<Value<'_>> = message.variables.iter().map(value).collect();
                let said = render_pattern(pattern, &values, &Rules(language), language == "ar");
                assert!(!said.is_empty() && !said.contains(['{', '}', '|']), "{language}: {said}");
            }
        }
    }
}
