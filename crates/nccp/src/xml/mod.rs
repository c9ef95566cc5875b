//! A bounded reader and a writer for the XML that both sides exchange.
//!
//! Only what the protocol needs: elements of the namespace `urn:matinee:nccp:1` with attributes, text and
//! children. What is not well-formed (XML 1.0, fifth edition; Namespaces in XML 1.0, third edition) is
//! refused, wherever it stands. Comments and elements of other namespaces are skipped; DOCTYPE and processing
//! instructions are refused.

mod namespace;
mod read;
mod tag;
mod write;

pub use read::parse;
pub use write::escape_into;

use crate::Error;

/// The namespace of every element of the protocol.
pub const NAMESPACE: &str = "urn:matinee:nccp:1";

/// How much XML a reader takes before it gives up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Octets of the whole document.
    pub bytes: usize,
    /// Open elements at any point, the root counting as one.
    pub depth: usize,
    /// Elements in all.
    pub elements: usize,
    /// Attributes of one element, declarations of namespaces among them.
    pub attributes: usize,
}

impl Limits {
    /// What a controller takes (256 KiB, depth 8, 64 attributes).
    pub const REQUEST: Self = Self { bytes: 256 * 1024, depth: 8, elements: 4096, attributes: 64 };
    /// What a client takes: a manifest with a large ladder and many CDNs is longer than a request may be.
    pub const RESPONSE: Self = Self { bytes: 4 * 1024 * 1024, depth: 12, elements: 65_536, attributes: 64 };
}

/// One element of the protocol's namespace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Element {
    /// Local name.
    pub name: String,
    /// Attributes without namespace, in document order.
    pub attributes: Vec<(String, String)>,
    /// Child elements of the same namespace.
    pub children: Vec<Element>,
    /// Character data of this element alone, concatenated.
    pub text: String,
}

impl Element {
    /// An empty element.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// An element that holds nothing but text.
    pub fn with_text(name: &str, text: impl ToString) -> Self {
        Self { name: name.to_owned(), text: text.to_string(), ..Self::default() }
    }

    /// Adds an attribute.
    #[must_use]
    pub fn attr(mut self, name: &str, value: impl ToString) -> Self {
        self.attributes.push((name.to_owned(), value.to_string()));
        self
    }

    /// Adds a child.
    #[must_use]
    pub fn child(mut self, child: Element) -> Self {
        self.children.push(child);
        self
    }

    /// Adds child elements.
    #[must_use]
    pub fn children(self, children: impl IntoIterator<Item = Element>) -> Self {
        children.into_iter().fold(self, Self::child)
    }

    /// Adds a child that holds only text.
    #[must_use]
    pub fn text_child(self, name: &str, text: impl ToString) -> Self {
        self.child(Element::with_text(name, text))
    }

    /// Adds a text child if there is something to say.
    #[must_use]
    pub fn opt_child(self, name: &str, text: Option<impl ToString>) -> Self {
        match text {
            Some(text) => self.text_child(name, text),
            None => self,
        }
    }

    /// The value of an attribute.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// The value of an attribute that must be there.
    ///
    /// # Errors
    /// [`Error::Missing`].
    pub fn required(&self, name: &'static str) -> Result<&str, Error> {
        self.attribute(name).ok_or(Error::Missing(name))
    }

    /// First child of that name.
    pub fn first(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|c| c.name == name)
    }

    /// All children of that name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.children.iter().filter(move |c| c.name == name)
    }

    /// Text of the first child of that name, trimmed; an empty one counts as absent.
    pub fn child_text(&self, name: &str) -> Option<&str> {
        self.first(name).map(Element::trimmed).filter(|t| !t.is_empty())
    }

    /// Text of a child that must be there.
    ///
    /// # Errors
    /// [`Error::Missing`].
    pub fn required_text(&self, name: &'static str) -> Result<&str, Error> {
        self.child_text(name).ok_or(Error::Missing(name))
    }

    /// A child's text parsed by [`FromStr`](std::str::FromStr), if the child is there.
    ///
    /// # Errors
    /// [`Error::Value`] when it does not parse.
    pub fn parsed<T: std::str::FromStr>(&self, name: &'static str) -> Result<Option<T>, Error> {
        self.child_text(name).map(|t| t.parse().map_err(|_| Error::Value(name))).transpose()
    }

    /// A child's text parsed, where the child must be there.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::Value`].
    pub fn parsed_required<T: std::str::FromStr>(&self, name: &'static str) -> Result<T, Error> {
        self.parsed(name)?.ok_or(Error::Missing(name))
    }

    /// An attribute parsed, where it must be there. No blanks may stand around the value.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::Value`].
    pub fn parsed_attribute<T: std::str::FromStr>(&self, name: &'static str) -> Result<T, Error> {
        self.required(name)?.parse().map_err(|_| Error::Value(name))
    }

    /// An attribute parsed, if it is there. No blanks may stand around the value.
    ///
    /// # Errors
    /// [`Error::Value`].
    pub fn opt_attribute<T: std::str::FromStr>(&self, name: &'static str) -> Result<Option<T>, Error> {
        self.attribute(name).map(|v| v.parse().map_err(|_| Error::Value(name))).transpose()
    }

    /// This element's own text without white space around it.
    pub fn trimmed(&self) -> &str {
        self.text.trim_matches(tag::is_blank)
    }
}

/// Whether all octets are of that kind: to the end in any case, which a compiler makes many octets at a time.
fn is_all(text: &str, is_one: impl Fn(u8) -> bool) -> bool {
    text.bytes().fold(true, |all, octet| all & is_one(octet))
}

/// Characters that XML 1.0 (section 2.2) allows.
fn is_xml_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}
