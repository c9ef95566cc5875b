//! A bounded reader and a writer for the XML that both sides exchange.
//!
//! Only what the protocol needs: elements of the namespace `urn:matinee:nccp:1` with attributes, text and children.
//! Elements of other namespaces are skipped, comments too; DOCTYPE and processing instructions are refused.

use crate::Error;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::{Namespace, ResolveResult};
use quick_xml::reader::NsReader;

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
}

impl Limits {
    /// What a controller takes (256 KiB, depth 8).
    pub const REQUEST: Self = Self { bytes: 256 * 1024, depth: 8, elements: 4096 };
    /// What a client takes: a manifest with a large ladder and many CDNs is longer than a request may be.
    pub const RESPONSE: Self = Self { bytes: 4 * 1024 * 1024, depth: 12, elements: 65_536 };
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

    /// An attribute parsed, where it must be there.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::Value`].
    pub fn parsed_attribute<T: std::str::FromStr>(&self, name: &'static str) -> Result<T, Error> {
        self.required(name)?.trim().parse().map_err(|_| Error::Value(name))
    }

    /// An attribute parsed, if it is there.
    ///
    /// # Errors
    /// [`Error::Value`].
    pub fn opt_attribute<T: std::str::FromStr>(&self, name: &'static str) -> Result<Option<T>, Error> {
        self.attribute(name).map(|v| v.trim().parse().map_err(|_| Error::Value(name))).transpose()
    }

    /// This element's own text without white space around it.
    pub fn trimmed(&self) -> &str {
        self.text.trim_matches(|c| matches!(c, ' ' | '\t' | '\n' | '\r'))
    }

    /// Writes the element with prefix `nccp`, not declaring the namespace.
    pub fn write_fragment(&self, out: &mut String) {
        self.write(out, false);
    }

    /// Writes a document: the element with the namespace declared.
    pub fn write_document(&self) -> String {
        let mut out = String::new();
        self.write(&mut out, true);
        out
    }

    fn write(&self, out: &mut String, declare: bool) {
        out.push_str("<nccp:");
        out.push_str(&self.name);
        if declare {
            out.push_str(" xmlns:nccp=\"");
            out.push_str(NAMESPACE);
            out.push('"');
        }
        for (name, value) in &self.attributes {
            out.push(' ');
            out.push_str(name);
            out.push_str("=\"");
            escape_into(value, out);
            out.push('"');
        }
        if self.text.is_empty() && self.children.is_empty() {
            out.push_str("/>");
            return;
        }
        out.push('>');
        escape_into(&self.text, out);
        for child in &self.children {
            child.write(out, false);
        }
        out.push_str("</nccp:");
        out.push_str(&self.name);
        out.push('>');
    }
}

/// Characters that XML 1.0 (section 2.2) allows.
fn is_xml_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

/// Appends `text`, escaped for character data and double-quoted attributes alike. What XML cannot hold is dropped.
pub fn escape_into(text: &str, out: &mut String) {
    for c in text.chars().filter(|&c| is_xml_char(c)) {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\t' => out.push_str("&#9;"),
            '\n' => out.push_str("&#10;"),
            '\r' => out.push_str("&#13;"),
            c => out.push(c),
        }
    }
}

/// Reads a document whose root is in the protocol's namespace.
///
/// # Errors
/// [`Error::TooLarge`] beyond `limits.bytes`; [`Error::Malformed`] for anything that is not well-formed UTF-8 XML 1.0, is
/// too deep, has too many elements, a DOCTYPE or a processing instruction; [`Error::WrongRoot`] for another root.
pub fn parse(bytes: &[u8], limits: Limits) -> Result<Element, Error> {
    if bytes.len() > limits.bytes {
        return Err(Error::TooLarge);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| Error::Malformed("not UTF-8"))?;
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    if !text.chars().all(is_xml_char) {
        return Err(Error::Malformed("a character that XML does not allow"));
    }
    let mut reader = NsReader::from_str(text);
    let config = reader.config_mut();
    config.enable_all_checks(true);
    config.expand_empty_elements = true;
    Tree::new(limits).read(&mut reader)
}

/// The tree while it is being read.
struct Tree {
    limits: Limits,
    elements: usize,
    /// Open elements of our namespace.
    open: Vec<Element>,
    /// Open elements inside one of a foreign namespace, that one included.
    foreign: usize,
    root: Option<Element>,
    /// Nothing but the very start may be an XML declaration.
    started: bool,
}

impl Tree {
    fn new(limits: Limits) -> Self {
        Self { limits, elements: 0, open: Vec::new(), foreign: 0, root: None, started: false }
    }

    fn read(mut self, reader: &mut NsReader<&[u8]>) -> Result<Element, Error> {
        loop {
            let (namespace, event) =
                reader.read_resolved_event().map_err(|_| Error::Malformed("not well-formed"))?;
            let ours = match namespace {
                ResolveResult::Bound(Namespace(ns)) => ns == NAMESPACE,
                ResolveResult::Unbound => false,
                ResolveResult::Unknown(_) => return Err(Error::Malformed("undeclared prefix")),
            };
            match event {
                Event::Start(start) => self.start(ours, &start)?,
                Event::End(_) => self.end(),
                Event::Text(text) => self.text(&text.xml10_content())?,
                Event::CData(text) if !self.open.is_empty() => self.text(&text.xml10_content())?,
                Event::GeneralRef(reference) => {
                    let c = match reference.resolve_char_ref() {
                        Ok(Some(c)) if is_xml_char(c) => c,
                        Ok(None) => predefined(&reference).ok_or(Error::Malformed("unknown entity"))?,
                        _ => return Err(Error::Malformed("bad character reference")),
                    };
                    if self.open.is_empty() {
                        return Err(Error::Malformed("text outside the root"));
                    }
                    self.push_text(c.encode_utf8(&mut [0; 4]));
                }
                Event::Comment(_) => {}
                Event::Decl(declaration) => {
                    if self.started {
                        return Err(Error::Malformed("misplaced XML declaration"));
                    }
                    match declaration.encoding() {
                        None => {}
                        Some(Ok(name)) if name.eq_ignore_ascii_case("utf-8") => {}
                        Some(_) => return Err(Error::Malformed("encoding other than UTF-8")),
                    }
                }
                Event::Eof => {
                    return match self.root {
                        Some(root) if self.open.is_empty() && self.foreign == 0 => Ok(root),
                        _ => Err(Error::Malformed("unfinished document")),
                    };
                }
                Event::DocType(_) => return Err(Error::Malformed("DOCTYPE")),
                Event::PI(_) => return Err(Error::Malformed("processing instruction")),
                Event::CData(_) | Event::Empty(_) => return Err(Error::Malformed("text outside the root")),
            }
            self.started = true;
        }
    }

    fn start(&mut self, ours: bool, start: &BytesStart<'_>) -> Result<(), Error> {
        self.elements += 1;
        if self.elements > self.limits.elements {
            return Err(Error::Malformed("too many elements"));
        }
        if self.open.len() + self.foreign + 1 > self.limits.depth {
            return Err(Error::Malformed("too deep"));
        }
        if self.root.is_some() {
            return Err(Error::Malformed("more than one root"));
        }
        if self.foreign > 0 || (!ours && !self.open.is_empty()) {
            self.foreign += 1;
            return Ok(());
        }
        if !ours {
            return Err(Error::WrongRoot);
        }
        let mut element = Element::new(start.local_name().into_inner());
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|_| Error::Malformed("bad attribute"))?;
            let key = attribute.key.into_inner();
            if key == "xmlns" || key.contains(':') {
                continue;
            }
            let value = attribute
                .normalized_value(XmlVersion::Implicit1_0)
                .map_err(|_| Error::Malformed("bad attribute value"))?;
            if !value.chars().all(is_xml_char) {
                return Err(Error::Malformed("a character that XML does not allow"));
            }
            element.attributes.push((key.to_owned(), value.into_owned()));
        }
        self.open.push(element);
        Ok(())
    }

    fn end(&mut self) {
        if self.foreign > 0 {
            self.foreign -= 1;
        } else if let Some(element) = self.open.pop() {
            match self.open.last_mut() {
                Some(parent) => parent.children.push(element),
                None => self.root = Some(element),
            }
        }
    }

    fn text(&mut self, text: &str) -> Result<(), Error> {
        if self.open.is_empty() {
            let blank = text.chars().all(|c| matches!(c, ' ' | '\t' | '\n' | '\r'));
            return if blank { Ok(()) } else { Err(Error::Malformed("text outside the root")) };
        }
        self.push_text(text);
        Ok(())
    }

    fn push_text(&mut self, text: &str) {
        if self.foreign == 0
            && let Some(element) = self.open.last_mut()
        {
            element.text.push_str(text);
        }
    }
}

fn predefined(name: &str) -> Option<char> {
    Some(match name {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "apos" => '\'',
        "quot" => '"',
        _ => return None,
    })
}
