//! One pattern of Fluent as a compact one.

use std::collections::BTreeMap;

use fluent_syntax::{
    ast::{Expression, InlineExpression, Pattern, PatternElement, Variant, VariantKey},
    unicode::unescape_unicode_to_string,
};

use super::Kind;

/// Terms by name, without the `-`, as compact patterns.
pub(super) type Terms<'a> = BTreeMap<&'a str, String>;

/// CLDR's plural categories.
const CATEGORIES: [&str; 6] = ["zero", "one", "two", "few", "many", "other"];

/// The variables of one message.
pub(super) struct Variables {
    list: Vec<(String, Kind)>,
    used: Vec<bool>,
    /// Whether others may join them.
    is_open: bool,
}

impl Variables {
    /// Those that the pattern will name.
    pub(super) fn open() -> Self {
        Self { list: Vec::new(), used: Vec::new(), is_open: true }
    }

    /// Only these.
    pub(super) fn closed(list: &[(String, Kind)]) -> Self {
        Self { list: list.to_vec(), used: vec![false; list.len()], is_open: false }
    }

    /// All of them.
    pub(super) fn into_list(self) -> Vec<(String, Kind)> {
        self.list
    }

    /// Those that the pattern has not named.
    pub(super) fn unused(&self) -> impl Iterator<Item = &str> {
        self.list.iter().zip(&self.used).filter(|(_, used)| !**used).map(|((name, _), _)| name.as_str())
    }

    /// The place of one that is used as a number, or as it comes.
    fn place(&mut self, name: &str, kind: Kind) -> Result<usize, String> {
        let place = match self.list.iter().position(|(other, _)| other == name) {
            Some(place) => place,
            None if self.is_open => {
                self.list.push((name.to_owned(), kind));
                self.used.push(true);
                self.list.len() - 1
            }
            None => return Err(format!("English does not have ${name}")),
        };
        self.used[place] = true;
        let (name, known) = &mut self.list[place];
        if kind == Kind::Number && *known == Kind::Text {
            if !self.is_open {
                return Err(format!("${name} is no number"));
            }
            *known = Kind::Number;
        }
        Ok(place)
    }
}

/// The compact pattern, or what is wrong with it.
pub(super) fn compile(
    pattern: &Pattern<&str>,
    terms: &Terms<'_>,
    variables: &mut Variables,
) -> Result<String, String> {
    let mut out = String::new();
    for element in &pattern.elements {
        match element {
            PatternElement::TextElement { value } => text(&mut out, value)?,
            PatternElement::Placeable { expression } => place(&mut out, expression, terms, variables)?,
        }
    }
    Ok(out)
}

/// Text, in which the ends of lines are spaces.
fn text(out: &mut String, value: &str) -> Result<(), String> {
    if value.contains(['{', '}', '|']) {
        return Err("text has none of { } |".to_owned());
    }
    out.push_str(&value.replace('\n', " "));
    Ok(())
}

fn place(
    out: &mut String,
    expression: &Expression<&str>,
    terms: &Terms<'_>,
    variables: &mut Variables,
) -> Result<(), String> {
    match expression {
        Expression::Inline(inline) => self::inline(out, inline, terms, variables),
        Expression::Select { selector, variants } => select(out, selector, variants, terms, variables),
    }
}

fn inline(
    out: &mut String,
    inline: &InlineExpression<&str>,
    terms: &Terms<'_>,
    variables: &mut Variables,
) -> Result<(), String> {
    match inline {
        InlineExpression::StringLiteral { value } => text(out, &unescape_unicode_to_string(value)),
        InlineExpression::NumberLiteral { value } => text(out, value),
        InlineExpression::VariableReference { .. } | InlineExpression::FunctionReference { .. } => {
            let place = variable(inline, Kind::Text, variables)?;
            out.push_str(&format!("{{{place}}}"));
            Ok(())
        }
        InlineExpression::TermReference { id, attribute: None, arguments: None } => {
            match terms.get(id.name) {
                Some(term) => {
                    out.push_str(term);
                    Ok(())
                }
                None => Err(format!("there is no term -{} before it", id.name)),
            }
        }
        InlineExpression::TermReference { .. } => Err("terms have no arguments and attributes".to_owned()),
        InlineExpression::MessageReference { .. } => {
            Err("messages are not referred to: use a term".to_owned())
        }
        InlineExpression::Placeable { expression } => self::place(out, expression, terms, variables),
    }
}

/// The place of `$name` or `NUMBER($name)`.
fn variable(inline: &InlineExpression<&str>, kind: Kind, variables: &mut Variables) -> Result<usize, String> {
    match inline {
        InlineExpression::VariableReference { id } => variables.place(id.name, kind),
        InlineExpression::FunctionReference { id, arguments } => match arguments.positional.as_slice() {
            [number @ InlineExpression::VariableReference { .. }]
                if id.name == "NUMBER" && arguments.named.is_empty() =>
            {
                variable(number, Kind::Number, variables)
            }
            _ if id.name == "NUMBER" => Err("NUMBER() has one variable and no options".to_owned()),
            _ => Err(format!("there is no function {}", id.name)),
        },
        _ => Err("only variables are chosen by".to_owned()),
    }
}

fn select(
    out: &mut String,
    selector: &InlineExpression<&str>,
    variants: &[Variant<&str>],
    terms: &Terms<'_>,
    variables: &mut Variables,
) -> Result<(), String> {
    let is_number = variants.iter().any(|variant| match &variant.key {
        VariantKey::Identifier { name } => CATEGORIES.contains(name),
        VariantKey::NumberLiteral { .. } => true,
    });
    let kind = if is_number { Kind::Number } else { Kind::Text };
    let place = variable(selector, kind, variables)?;
    // What is left comes last.
    let (last, others): (Vec<_>, Vec<_>) = variants.iter().partition(|variant| variant.default);
    let mut choices = Vec::new();
    for variant in others.into_iter().chain(last) {
        let key = match &variant.key {
            _ if variant.default => "*",
            VariantKey::Identifier { name } => *name,
            VariantKey::NumberLiteral { value } => *value,
        };
        choices.push(format!("{key}:{}", compile(&variant.value, terms, variables)?));
    }
    out.push_str(&format!("{{{place}?{}}}", choices.join("|")));
    Ok(())
}
