//! Patterns and values to text. `fluent_compiler` has the form of patterns.

use crate::Intl;

/// What is known when something is said.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// Text, as it is.
    Text(&'a str),
    /// A number, to be counted by and to be written as the language does.
    Number(f64),
}

/// First strong isolate and its end (Unicode UAX #9, 2.4.2): what is inside has the direction of its own
/// first letter.
const ISOLATE: (char, char) = ('\u{2068}', '\u{2069}');

/// The text of a pattern. Of what is no pattern as much as can be read. Text of the other direction is
/// isolated: all values in a language that is `right_to_left`, what has letters of such a one in others.
pub fn render(pattern: &str, values: &[Value<'_>], intl: &dyn Intl, right_to_left: bool) -> String {
    let mut out = String::new();
    Renderer { values, intl, right_to_left }.write(&mut out, pattern);
    out
}

struct Renderer<'a> {
    values: &'a [Value<'a>],
    intl: &'a dyn Intl,
    right_to_left: bool,
}

impl Renderer<'_> {
    fn write(&self, out: &mut String, pattern: &str) {
        let mut rest = pattern;
        while let Some((before, after)) = rest.split_once('{') {
            out.push_str(before);
            let Some((inside, after)) = closed(after) else { return };
            let (place, choices) = match inside.split_once('?') {
                Some((place, choices)) => (place, Some(choices)),
                None => (inside, None),
            };
            let value = place.parse::<usize>().ok().and_then(|place| self.values.get(place));
            match (value, choices) {
                (Some(value), Some(choices)) => self.choose(out, *value, choices),
                (Some(value), None) => self.value(out, *value),
                (None, _) => {}
            }
            rest = after;
        }
        out.push_str(rest);
    }

    fn value(&self, out: &mut String, value: Value<'_>) {
        match value {
            Value::Number(number) => out.push_str(&self.intl.number(number)),
            Value::Text(text) if self.right_to_left || text.chars().any(is_right_to_left) => {
                out.push(ISOLATE.0);
                out.push_str(text);
                out.push(ISOLATE.1);
            }
            Value::Text(text) => out.push_str(text),
        }
    }

    /// The first that fits, else what is for all that is left.
    fn choose(&self, out: &mut String, value: Value<'_>, choices: &str) {
        let fits = |key: &str| match value {
            Value::Text(text) => key == text,
            Value::Number(number) => match key.parse::<f64>() {
                Ok(exact) => exact == number,
                Err(_) => key == self.intl.plural(number).as_str(),
            },
        };
        let mut rest = choices;
        loop {
            let (choice, after) = part(rest);
            if let Some((key, pattern)) = choice.split_once(':')
                && (key == "*" || fits(key))
            {
                return self.write(out, pattern);
            }
            match after {
                Some(after) => rest = after,
                None => return,
            }
        }
    }
}

/// What stands before the bracket that closes the one before it, and what stands behind.
fn closed(text: &str) -> Option<(&str, &str)> {
    let end = outermost(text, b'}')?;
    Some((&text[..end], &text[end + 1..]))
}

/// The first of several choices, and the others.
fn part(text: &str) -> (&str, Option<&str>) {
    match outermost(text, b'|') {
        Some(end) => (&text[..end], Some(&text[end + 1..])),
        None => (text, None),
    }
}

/// Where a sign stands outside of all brackets.
fn outermost(text: &str, sign: u8) -> Option<usize> {
    let mut depth = 0_usize;
    text.bytes().position(|octet| {
        let is_it = depth == 0 && octet == sign;
        match octet {
            b'{' => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        is_it
    })
}

/// Whether it is of a script that is written from right to left: the blocks from Hebrew to Arabic Extended-A,
/// and the forms of both for presentation.
fn is_right_to_left(letter: char) -> bool {
    matches!(letter, '\u{590}'..='\u{8FF}' | '\u{FB1D}'..='\u{FDFF}' | '\u{FE70}'..='\u{FEFF}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::English;

    fn english(pattern: &str, values: &[Value<'_>]) -> String {
        render(pattern, values, &English, false)
    }

    #[test]
    fn values_take_their_places() {
        assert_eq!(english("{1} of {0}", &[Value::Text("b"), Value::Number(2.0)]), "2 of b");
        assert_eq!(
            english("Play {0}", &[Value::Text("{0} | {1")]),
            "Play {0} | {1",
            "values are no patterns"
        );
        assert_eq!(english("nothing", &[]), "nothing");
    }

    #[test]
    fn choices_go_by_number_category_and_text() {
        let films = "{0?0:none|one:one film|*:{0} films{1?yes: of {0}|*:}}";
        for (count, all, expected) in [
            (0.0, "no", "none"),
            (1.0, "no", "one film"),
            (2.0, "no", "2 films"),
            (3.0, "yes", "3 films of 3"),
        ] {
            assert_eq!(english(films, &[Value::Number(count), Value::Text(all)]), expected);
        }
    }

    #[test]
    fn the_other_direction_is_isolated() {
        assert_eq!(english("Play {0}", &[Value::Text("فيلم")]), "Play \u{2068}فيلم\u{2069}");
        assert_eq!(render("{0}", &[Value::Text("Film")], &English, true), "\u{2068}Film\u{2069}");
        assert_eq!(render("{0}", &[Value::Number(1.0)], &English, true), "1");
    }

    proptest! {
        /// Whatever a table holds, it is rendered or left out.
        #[test]
        fn no_pattern_panics(pattern in "[{}|?:*0-2a-b é]{0,40}", text in ".*", number: f64) {
            english(&pattern, &[Value::Text(&text), Value::Number(number)]);
        }

        #[test]
        fn text_without_signs_stays(pattern in "[^{}]*") {
            prop_assert_eq!(english(&pattern, &[]), pattern);
        }
    }
}
