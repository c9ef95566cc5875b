//! The XML of TTML: quick-xml cuts it into tags and text; what it lets through is checked here.

use quick_xml::XmlVersion;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::{Namespace, NamespaceError, ResolveResult};
use quick_xml::reader::NsReader;

use crate::Error;

/// Open elements at any point.
const MAX_DEPTH: usize = 32;
/// Elements in all: ten for each cue of the longest track.
const MAX_ELEMENTS: usize = 500_000;
/// Attributes of one element.
const MAX_ATTRIBUTES: usize = 64;
/// Prefixes that are declared at any point: each name is looked for among them. Documents have some ten.
const MAX_NAMESPACES: usize = 64;

/// What the namespaces of TTML begin with: TTML 1 and 2, and the drafts that DFXP files are of.
const TTML: [&str; 3] =
    ["http://www.w3.org/ns/ttml", "http://www.w3.org/2006/10/ttaf1", "http://www.w3.org/2006/04/ttaf1"];

/// What a name belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Space {
    /// `tt:`, the elements.
    Timed,
    /// `ttp:`
    Parameter,
    /// `tts:`
    Styling,
    /// `xml:`
    Xml,
    /// No namespace: most attributes.
    None,
    /// Any other.
    Other,
}

impl Space {
    fn of(resolved: &ResolveResult<'_>) -> Option<Self> {
        let Namespace(uri) = match resolved {
            ResolveResult::Bound(namespace) => namespace,
            ResolveResult::Unbound => return Some(Self::None),
            ResolveResult::Unknown(_) => return None,
        };
        if *uri == "http://www.w3.org/XML/1998/namespace" {
            return Some(Self::Xml);
        }
        Some(match TTML.iter().find_map(|ttml| uri.strip_prefix(ttml)) {
            Some("") => Self::Timed,
            Some("#parameter") => Self::Parameter,
            Some("#styling" | "#style") => Self::Styling,
            _ => Self::Other,
        })
    }
}

/// An element of TTML. Those of other namespaces are left out with all that is in them.
#[derive(Debug)]
pub(super) struct Element {
    /// Its local name.
    pub(super) name: String,
    /// Where it begins, in octets.
    pub(super) at: usize,
    attributes: Vec<(Space, String, String)>,
    /// What is in it.
    pub(super) children: Vec<Node>,
}

/// What can be in an element.
#[derive(Debug)]
pub(super) enum Node {
    /// An element.
    Element(Element),
    /// Text, with references resolved.
    Text(String),
}

impl Element {
    /// The value of an attribute.
    pub(super) fn attribute(&self, space: Space, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(s, n, _)| *s == space && n == name);
        found.map(|(_, _, value)| value.as_str())
    }

    /// The elements in it.
    pub(super) fn elements(&self) -> impl Iterator<Item = &Element> {
        self.children.iter().filter_map(|child| match child {
            Node::Element(element) => Some(element),
            Node::Text(_) => None,
        })
    }

    /// The elements of a name in it.
    pub(super) fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.elements().filter(move |element| element.name == name)
    }
}

/// An error in the line of a place in the text.
pub(super) fn wrong(text: &str, at: usize, what: &'static str) -> Error {
    let before = text.as_bytes().get(..at).unwrap_or(text.as_bytes());
    // CR, LF, and both at once end a line.
    let ends = before.iter().enumerate().filter(|(n, octet)| match octet {
        b'\r' => true,
        b'\n' => *n == 0 || before[n - 1] != b'\r',
        _ => false,
    });
    Error::Line { line: ends.count() + 1, what }
}

const NOT_WELL_FORMED: &str = "it is not well-formed XML";
const REFERENCE: &str = "a reference to what is no character";
const OUTSIDE: &str = "text outside of the document";

/// Reads the documents of a text, one behind the other. Their roots are `tt`.
pub(super) fn parse(text: &str) -> Result<Vec<Element>, Error> {
    let mut reader = NsReader::from_str(text);
    let config = reader.config_mut();
    config.enable_all_checks(true);
    config.expand_empty_elements = true;
    reader.resolver_mut().set_max_namespace_bindings(MAX_NAMESPACES);
    let mut tree = Tree::default();
    loop {
        let at = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
        let wrong = |what| wrong(text, at, what);
        let (space, event) = match reader.read_resolved_event() {
            Ok((resolved, event)) => (Space::of(&resolved), event),
            Err(quick_xml::Error::Namespace(NamespaceError::TooManyBindings(_))) => {
                return Err(wrong("too many namespaces at once"));
            }
            Err(_) => return Err(wrong(NOT_WELL_FORMED)),
        };
        match event {
            Event::Start(start) => {
                let space = space.ok_or_else(|| wrong("a prefix that is not declared"))?;
                let attributes = attributes(&start, &reader).map_err(wrong)?;
                if space != Space::Timed && tree.depth() == 0 {
                    return Err(Error::Unknown);
                }
                let name = start.local_name().into_inner();
                tree.start(name, at, space == Space::Timed, attributes).map_err(wrong)?;
            }
            Event::End(_) => tree.end(),
            Event::Text(text) => tree.text(&text.xml10_content()).map_err(wrong)?,
            Event::CData(text) => tree.text(&text.xml10_content()).map_err(wrong)?,
            Event::GeneralRef(name) => match name.resolve_char_ref().map_err(|_| wrong(REFERENCE))? {
                Some(c) if is_xml_char(c) => tree.text(c.encode_utf8(&mut [0; 4])).map_err(wrong)?,
                Some(_) => return Err(wrong(REFERENCE)),
                None => {
                    let known = resolve_predefined_entity(&name).ok_or_else(|| wrong(REFERENCE))?;
                    tree.text(known).map_err(wrong)?;
                }
            },
            Event::DocType(_) => {
                return Err(wrong("a document type, which TTML has none of and which is not read"));
            }
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            Event::Empty(_) => return Err(wrong(NOT_WELL_FORMED)),
            Event::Eof if tree.depth() > 0 => return Err(wrong("it ends in the middle of an element")),
            Event::Eof => return Ok(tree.roots),
        }
    }
}

/// The attributes of known namespaces, and those without one.
fn attributes(
    start: &BytesStart<'_>,
    reader: &NsReader<&[u8]>,
) -> Result<Vec<(Space, String, String)>, &'static str> {
    let mut attributes = Vec::new();
    for (n, attribute) in start.attributes().enumerate() {
        let attribute = attribute.map_err(|_| NOT_WELL_FORMED)?;
        if n == MAX_ATTRIBUTES {
            return Err("too many attributes");
        }
        if attribute.key.as_namespace_binding().is_some() {
            continue;
        }
        let value = attribute.normalized_value(XmlVersion::Explicit1_0).map_err(|_| REFERENCE)?;
        let (space, local) = reader.resolver().resolve_attribute(attribute.key);
        match Space::of(&space) {
            None => return Err("a prefix that is not declared"),
            Some(Space::Other) => {}
            Some(space) => attributes.push((space, local.into_inner().to_owned(), value.into_owned())),
        }
    }
    Ok(attributes)
}

/// The trees while they are being read.
#[derive(Debug, Default)]
struct Tree {
    elements: usize,
    open: Vec<Element>,
    /// Open elements inside one of another namespace, that one included.
    foreign: usize,
    roots: Vec<Element>,
}

impl Tree {
    fn depth(&self) -> usize {
        self.open.len() + self.foreign
    }

    fn start(
        &mut self,
        name: &str,
        at: usize,
        ours: bool,
        attributes: Vec<(Space, String, String)>,
    ) -> Result<(), &'static str> {
        self.elements += 1;
        if self.elements > MAX_ELEMENTS || self.depth() == MAX_DEPTH {
            return Err("too many elements, or too deep");
        }
        if self.foreign > 0 || !ours {
            self.foreign += 1;
            return Ok(());
        }
        self.open.push(Element { name: name.to_owned(), at, attributes, children: Vec::new() });
        Ok(())
    }

    fn end(&mut self) {
        if self.foreign > 0 {
            self.foreign -= 1;
        } else if let Some(element) = self.open.pop() {
            match self.open.last_mut() {
                Some(parent) => parent.children.push(Node::Element(element)),
                None => self.roots.push(element),
            }
        }
    }

    fn text(&mut self, text: &str) -> Result<(), &'static str> {
        let Some(element) = self.open.last_mut() else {
            // Documents in samples may have a mark each.
            let blank = text.chars().all(|c| c.is_ascii_whitespace() || c == '\u{feff}');
            return if blank { Ok(()) } else { Err(OUTSIDE) };
        };
        if self.foreign == 0 {
            match element.children.last_mut() {
                Some(Node::Text(before)) => before.push_str(text),
                _ => element.children.push(Node::Text(text.to_owned())),
            }
        }
        Ok(())
    }
}

/// Characters that XML 1.0 (section 2.2) allows.
fn is_xml_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}
