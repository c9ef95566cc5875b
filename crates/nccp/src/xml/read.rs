//! The reader: quick-xml cuts the document into tags and text, and what it lets through is checked here.

use super::namespace::Scope;
use super::tag::{Attributes, QName, attribute_value, is_blank, referenced, split_name};
use super::{Element, Limits, NAMESPACE, is_all, is_xml_char};
use crate::Error;
use quick_xml::events::Event;
use quick_xml::reader::Reader;

/// Reads a document whose root is in the protocol's namespace.
///
/// # Errors
/// [`Error::TooLarge`] beyond `limits.bytes`; [`Error::Malformed`] for anything that is not well-formed UTF-8
/// XML 1.0, is too deep, has too many elements or attributes, a DOCTYPE or a processing instruction;
/// [`Error::WrongRoot`] for another root.
pub fn parse(bytes: &[u8], limits: Limits) -> Result<Element, Error> {
    if bytes.len() > limits.bytes {
        return Err(Error::TooLarge);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| Error::Malformed("not UTF-8"))?;
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    if !is_all(text, |octet| matches!(octet, b' '..=b'~')) && !text.chars().all(is_xml_char) {
        return Err(Error::Malformed("a character that XML does not allow"));
    }
    let mut reader = Reader::from_str(text);
    let config = reader.config_mut();
    config.enable_all_checks(true);
    config.expand_empty_elements = true;
    Tree::new(limits).read(&mut reader)
}

/// The tree while it is being read.
struct Tree {
    limits: Limits,
    elements: usize,
    scope: Scope,
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
        let (open, scope) = (Vec::new(), Scope::default());
        Self { limits, elements: 0, scope, open, foreign: 0, root: None, started: false }
    }

    fn read(mut self, reader: &mut Reader<&[u8]>) -> Result<Element, Error> {
        loop {
            match reader.read_event().map_err(|_| Error::Malformed("not well-formed"))? {
                Event::Start(start) => self.start(&start)?,
                Event::End(_) => self.end(),
                Event::Text(text) if text.contains("]]>") => return Err(Error::Malformed("`]]>` in text")),
                Event::Text(text) => self.text(&text.xml10_content())?,
                Event::CData(text) if !self.open.is_empty() => self.push_text(&text.xml10_content()),
                Event::GeneralRef(reference) if !self.open.is_empty() => {
                    self.push_text(referenced(&reference)?.encode_utf8(&mut [0; 4]));
                }
                Event::Comment(_) => {}
                Event::Decl(declaration) if !self.started => check_declaration(&declaration)?,
                Event::Decl(_) => return Err(Error::Malformed("misplaced XML declaration")),
                Event::Eof => {
                    return match self.root {
                        Some(root) if self.depth() == 0 => Ok(root),
                        _ => Err(Error::Malformed("unfinished document")),
                    };
                }
                Event::DocType(_) => return Err(Error::Malformed("DOCTYPE")),
                Event::PI(_) => return Err(Error::Malformed("processing instruction")),
                Event::CData(_) | Event::GeneralRef(_) | Event::Empty(_) => return Err(OUTSIDE),
            }
            self.started = true;
        }
    }

    /// Open elements.
    fn depth(&self) -> usize {
        self.open.len() + self.foreign
    }

    fn start(&mut self, tag: &str) -> Result<(), Error> {
        self.elements += 1;
        if self.elements > self.limits.elements {
            return Err(Error::Malformed("too many elements"));
        }
        let depth = self.depth() + 1;
        if depth > self.limits.depth {
            return Err(Error::Malformed("too deep"));
        }
        if self.root.is_some() {
            return Err(Error::Malformed("more than one root"));
        }
        let (name, rest) = split_name(tag);
        let name = QName::parse(name)?;
        let attributes = self.attributes(depth, rest)?;
        let ours = self.scope.of_element(name)? == NAMESPACE;
        if self.foreign > 0 || (!ours && !self.open.is_empty()) {
            self.foreign += 1;
            return Ok(());
        }
        if !ours {
            return Err(Error::WrongRoot);
        }
        let mut element = Element::new(name.local);
        let own =
            attributes.into_iter().filter(|(name, _)| name.prefix.is_empty() && name.declared().is_none());
        element.attributes = own.map(|(name, value)| (name.local.to_owned(), value)).collect();
        self.open.push(element);
        Ok(())
    }

    /// The attributes of an element that is about to open; what they declare holds from here on, in the
    /// element's own tag too.
    fn attributes<'a>(&mut self, depth: usize, rest: &'a str) -> Result<Vec<(QName<'a>, String)>, Error> {
        let mut attributes = Vec::new();
        for attribute in Attributes::of(rest) {
            let (name, raw) = attribute?;
            if attributes.len() == self.limits.attributes {
                return Err(Error::Malformed("too many attributes"));
            }
            attributes.push((QName::parse(name)?, attribute_value(raw)?));
        }
        for (name, value) in &attributes {
            if let Some(prefix) = name.declared() {
                self.scope.declare(depth, prefix, value)?;
            }
        }
        // Two prefixes may stand for one namespace.
        let mut expanded = Vec::with_capacity(attributes.len());
        for (name, _) in &attributes {
            let name = (self.scope.of_attribute(*name)?, name.local);
            if expanded.contains(&name) {
                return Err(Error::Malformed("an attribute stands twice"));
            }
            expanded.push(name);
        }
        Ok(attributes)
    }

    fn end(&mut self) {
        self.scope.close(self.depth());
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
            return if text.chars().all(is_blank) { Ok(()) } else { Err(OUTSIDE) };
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

const OUTSIDE: Error = Error::Malformed("text outside the root");

/// An XML declaration (XML 1.0, section 2.8). Every version 1.x is read as 1.0, as its fifth edition says.
fn check_declaration(declaration: &str) -> Result<(), Error> {
    let (_, rest) = split_name(declaration);
    let mut attributes = Attributes::of(rest);
    let minor = |version: &str| {
        version.strip_prefix("1.").is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
    };
    let mut right = matches!(attributes.next(), Some(Ok(("version", version))) if minor(version));
    let mut after = 0;
    for attribute in attributes {
        let (name, value) = attribute?;
        let place = match name {
            "encoding" if value.eq_ignore_ascii_case("utf-8") => 1,
            "standalone" if matches!(value, "yes" | "no") => 2,
            _ => 0,
        };
        right &= place > after;
        after = place;
    }
    if right { Ok(()) } else { Err(Error::Malformed("bad XML declaration")) }
}
