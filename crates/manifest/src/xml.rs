//! XML, written element by element.

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};
use std::fmt::Display;

/// An element's name and attributes.
pub(crate) struct Tag {
    name: &'static str,
    attributes: Vec<(&'static str, String)>,
}

impl Tag {
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, attributes: Vec::new() }
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Display) -> Self {
        self.attributes.push((name, value.to_string()));
        self
    }

    pub(crate) fn maybe(self, name: &'static str, value: Option<impl Display>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    fn start(&self) -> BytesStart<'_> {
        let attributes = self.attributes.iter().map(|(name, value)| (*name, value.as_str()));
        BytesStart::new(self.name).with_attributes(attributes)
    }
}

/// A document in the making.
pub(crate) struct Xml(Writer<Vec<u8>>);

impl Xml {
    pub(crate) fn new() -> Self {
        let mut this = Self(Writer::new_with_indent(Vec::new(), b' ', 2));
        this.event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)));
        this
    }

    /// Writing into memory does not fail.
    fn event(&mut self, event: Event<'_>) {
        let done = self.0.write_event(event);
        debug_assert!(done.is_ok());
    }

    /// An element with others in it.
    pub(crate) fn element(&mut self, tag: Tag, inside: impl FnOnce(&mut Self)) {
        self.event(Event::Start(tag.start()));
        inside(self);
        self.event(Event::End(BytesEnd::new(tag.name)));
    }

    pub(crate) fn empty(&mut self, tag: Tag) {
        self.event(Event::Empty(tag.start()));
    }

    /// An element with text in it. What XML cannot hold is dropped (XML 1.0, production 2).
    pub(crate) fn text(&mut self, tag: Tag, text: &str) {
        let may = |c: &char| !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}');
        let text: String = text.chars().filter(may).collect();
        self.event(Event::Start(tag.start()));
        self.event(Event::Text(BytesText::new(&text)));
        self.event(Event::End(BytesEnd::new(tag.name)));
    }

    /// XML that is there already, well-formed.
    pub(crate) fn raw(&mut self, xml: &str) {
        self.event(Event::Text(BytesText::from_escaped(xml)));
    }

    pub(crate) fn finish(self) -> String {
        let mut octets = self.0.into_inner();
        octets.push(b'\n');
        // All that went in was text.
        String::from_utf8(octets).unwrap_or_default()
    }
}
