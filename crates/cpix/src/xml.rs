//! The XML that is read: quick-xml cuts it into tags and text; what it lets through is checked here. And how
//! XML is written.

use std::fmt::Write as _;

use quick_xml::XmlVersion;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::ResolveResult;
use quick_xml::reader::NsReader;
use zeroize::Zeroizing;

use crate::Error;

/// The namespace of CPIX.
pub(crate) const CPIX: &str = "urn:dashif:org:cpix";
/// The namespace of keys in it (RFC 6030).
pub(crate) const PSKC: &str = "urn:ietf:params:xml:ns:keyprov:pskc";

/// The namespace of what says who a recipient is (XML Signature).
pub(crate) const DS: &str = "http://www.w3.org/2000/09/xmldsig#";
/// The namespace of encrypted values (XML Encryption).
pub(crate) const ENC: &str = "http://www.w3.org/2001/04/xmlenc#";

/// Writing to a string does not fail.
pub(crate) fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    let done = out.write_fmt(text);
    debug_assert!(done.is_ok());
}

/// Open elements at any point.
const MAX_DEPTH: usize = 16;
/// Elements in all.
const MAX_ELEMENTS: usize = 1 << 16;
/// Attributes of one element.
const MAX_ATTRIBUTES: usize = 64;

/// An element of one of these namespaces.
#[derive(Debug)]
pub(crate) struct Element {
    /// Local name; of other namespaces than these it is empty.
    pub(crate) name: String,
    attributes: Vec<(String, String)>,
    pub(crate) children: Vec<Element>,
    /// Wiped, for it may be a key.
    text: Zeroizing<String>,
}

impl Element {
    /// The value of an attribute without a namespace.
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn attributes(&self) -> impl Iterator<Item = &str> {
        self.attributes.iter().map(|(name, _)| name.as_str())
    }

    /// The first child of a name.
    pub(crate) fn first(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The text without white space anywhere: base64.
    pub(crate) fn compact(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(self.text.len()));
        text.extend(self.text.chars().filter(|c| !c.is_ascii_whitespace()));
        text
    }
}

/// Reads a document. Elements of other namespaces than these have no name and no children.
pub(crate) fn parse(text: &str) -> Result<Element, Error> {
    if !text.chars().all(is_xml_char) {
        return Err(Error::Xml("a character that XML does not allow"));
    }
    let mut reader = NsReader::from_str(text);
    let config = reader.config_mut();
    config.enable_all_checks(true);
    config.expand_empty_elements = true;
    let mut tree = Tree::default();
    loop {
        let (resolved, event) = reader.read_resolved_event().map_err(|_| NOT_WELL_FORMED)?;
        match event {
            Event::Start(start) => {
                let ours = match resolved {
                    ResolveResult::Bound(namespace) => [CPIX, PSKC, DS, ENC].contains(&namespace.0),
                    ResolveResult::Unbound => false,
                    ResolveResult::Unknown(_) => return Err(UNDECLARED),
                };
                let attributes = attributes(&start, &reader)?;
                tree.start(&start, ours, attributes)?;
            }
            Event::End(_) => tree.end(),
            Event::Text(text) if text.contains("]]>") => return Err(NOT_WELL_FORMED),
            Event::Text(text) => tree.text(&text.xml10_content())?,
            Event::CData(_) if tree.open.is_empty() => return Err(OUTSIDE),
            Event::CData(text) => tree.text(&text.xml10_content())?,
            Event::GeneralRef(_) if tree.open.is_empty() => return Err(OUTSIDE),
            Event::GeneralRef(name) => match name.resolve_char_ref().map_err(|_| REFERENCE)? {
                Some(c) if is_xml_char(c) => tree.text(c.encode_utf8(&mut [0; 4]))?,
                Some(_) => return Err(REFERENCE),
                None => tree.text(resolve_predefined_entity(&name).ok_or(REFERENCE)?)?,
            },
            Event::Comment(_) => {}
            Event::Decl(_) if !tree.started => {}
            Event::Decl(_) => return Err(NOT_WELL_FORMED),
            Event::DocType(_) => return Err(Error::Xml("a document type")),
            Event::PI(_) => return Err(Error::Xml("a processing instruction")),
            Event::Empty(_) => return Err(NOT_WELL_FORMED),
            Event::Eof => return tree.root.filter(|_| tree.open.is_empty()).ok_or(NOT_WELL_FORMED),
        }
        tree.started = true;
    }
}

/// Whether a text is elements that can stand in any document: well-formed, with their namespaces declared.
pub(crate) fn is_fragment(text: &str) -> bool {
    parse(&format!("<x>{text}</x>")).is_ok()
}

const NOT_WELL_FORMED: Error = Error::Xml("it is not well-formed");
const UNDECLARED: Error = Error::Xml("a prefix that is not declared");
const OUTSIDE: Error = Error::Xml("text outside the root");
const REFERENCE: Error = Error::Xml("a reference to what is no character");

/// The attributes that have no namespace.
fn attributes(start: &BytesStart<'_>, reader: &NsReader<&[u8]>) -> Result<Vec<(String, String)>, Error> {
    let (mut own, mut all) = (Vec::new(), Vec::new());
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|_| NOT_WELL_FORMED)?;
        if all.len() == MAX_ATTRIBUTES {
            return Err(Error::Xml("too many attributes"));
        }
        let name = attribute.key.0;
        let value = attribute.normalized_value(XmlVersion::Explicit1_0).map_err(|_| REFERENCE)?;
        if !is_name(name) || attribute.value.contains('<') || !value.chars().all(is_xml_char) {
            return Err(NOT_WELL_FORMED);
        }
        if attribute.key.as_namespace_binding().is_some() {
            continue;
        }
        // Two prefixes may stand for one namespace.
        let (space, local) = reader.resolver().resolve_attribute(attribute.key);
        let expanded = match space {
            ResolveResult::Bound(namespace) => (Some(namespace.0.to_owned()), local.into_inner().to_owned()),
            ResolveResult::Unbound => (None, local.into_inner().to_owned()),
            ResolveResult::Unknown(_) => return Err(UNDECLARED),
        };
        if all.contains(&expanded) {
            return Err(NOT_WELL_FORMED);
        }
        if expanded.0.is_none() {
            own.push((expanded.1.clone(), value.into_owned()));
        }
        all.push(expanded);
    }
    Ok(own)
}

/// The tree while it is being read.
#[derive(Debug, Default)]
struct Tree {
    elements: usize,
    open: Vec<Element>,
    root: Option<Element>,
    /// Nothing but the very start may be an XML declaration.
    started: bool,
}

impl Tree {
    fn start(
        &mut self,
        start: &BytesStart<'_>,
        ours: bool,
        attributes: Vec<(String, String)>,
    ) -> Result<(), Error> {
        self.elements += 1;
        if self.elements > MAX_ELEMENTS || self.open.len() == MAX_DEPTH {
            return Err(Error::Xml("too many elements, or too deep"));
        }
        if self.root.is_some() || !is_name(start.name().0) {
            return Err(NOT_WELL_FORMED);
        }
        let local = start.local_name();
        let name = if ours { local.into_inner().to_owned() } else { String::new() };
        self.open.push(Element { name, attributes, children: Vec::new(), text: Zeroizing::default() });
        Ok(())
    }

    fn end(&mut self) {
        let Some(element) = self.open.pop() else { return };
        match self.open.last_mut() {
            // What is not understood is not kept.
            Some(parent) if parent.name.is_empty() => {}
            Some(parent) => parent.children.push(element),
            None => self.root = Some(element),
        }
    }

    fn text(&mut self, text: &str) -> Result<(), Error> {
        match self.open.last_mut() {
            Some(element) => element.text.push_str(text),
            None if text.chars().all(|c| c.is_ascii_whitespace()) => {}
            None => return Err(OUTSIDE),
        }
        Ok(())
    }
}

/// A name with or without a prefix (Namespaces in XML 1.0, section 4), not asking of letters beyond ASCII
/// whether they are some.
fn is_name(name: &str) -> bool {
    let part = |part: &str| {
        part.starts_with(|c: char| c == '_' || c.is_ascii_alphabetic() || !c.is_ascii())
            && part.chars().all(|c| "_-.".contains(c) || c.is_ascii_alphanumeric() || !c.is_ascii())
    };
    name.split_once(':').map_or_else(|| part(name), |(prefix, local)| part(prefix) && part(local))
}

/// Characters that XML 1.0 (section 2.2) allows.
pub(crate) fn is_xml_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}
