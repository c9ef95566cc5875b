//! Styles (TTML2, sections 10 and 8): what of them WebVTT can say, and from where an element has it.

use std::collections::HashMap;

use super::length::{Frame, Pair};
use super::xml::{Element, Space, wrong};
use crate::Error;

/// Styles that refer to each other in a row.
const MAX_CHAIN: usize = 16;

/// Where lines of text are put between the sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Align {
    Start,
    Left,
    Center,
    Right,
    End,
}

/// Where text is put in its region, in the direction in which lines follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Along {
    Before,
    Center,
    After,
}

/// Ruby text, what it is for, and what both lie in (`tts:ruby`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ruby {
    /// Has others of these in it, and no text of its own.
    Container,
    Base,
    Text,
}

/// What is said; `None` where nothing is.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Style {
    pub(super) italic: Option<bool>,
    pub(super) bold: Option<bool>,
    pub(super) underline: Option<bool>,
    pub(super) hidden: Option<bool>,
    pub(super) align: Option<Align>,
    pub(super) ruby: Option<Ruby>,
    /// `tts:display="none"`: what is in it is not shown, whatever it says itself.
    pub(super) gone: bool,
    /// Of regions: where the upper left corner is, in percent.
    pub(super) origin: Option<Pair>,
    /// Of regions: their size, in percent.
    pub(super) extent: Option<Pair>,
    /// Of regions.
    pub(super) along: Option<Along>,
    /// Of regions: `rl` or `lr`, where lines are columns.
    pub(super) columns: Option<&'static str>,
}

impl Style {
    /// What an element's own attributes say.
    fn inline(element: &Element, frame: &Frame) -> Self {
        let said = |name| element.attribute(Space::Styling, name).map(str::trim);
        let decoration = |line: &str, none: [&str; 2]| {
            let words = said("textDecoration")?.split_whitespace();
            let words: Vec<_> = words.collect();
            match () {
                () if words.contains(&line) => Some(true),
                () if words.iter().any(|word| none.contains(word)) => Some(false),
                () => None,
            }
        };
        Self {
            italic: said("fontStyle").map(|style| ["italic", "oblique"].contains(&style)),
            bold: said("fontWeight").map(|weight| weight == "bold"),
            underline: decoration("underline", ["noUnderline", "none"]),
            hidden: said("visibility").map(|visibility| visibility == "hidden"),
            align: said("textAlign").and_then(|align| match align {
                "start" => Some(Align::Start),
                "left" => Some(Align::Left),
                "center" => Some(Align::Center),
                "right" => Some(Align::Right),
                "end" => Some(Align::End),
                _ => None,
            }),
            ruby: said("ruby").and_then(|ruby| match ruby {
                "container" | "baseContainer" | "textContainer" => Some(Ruby::Container),
                "base" => Some(Ruby::Base),
                "text" => Some(Ruby::Text),
                _ => None,
            }),
            // Delimiters stand for the place of ruby text where there is none: WebVTT has it.
            gone: said("display") == Some("none") || said("ruby") == Some("delimiter"),
            origin: said("origin").and_then(|pair| frame.pair(pair)),
            extent: said("extent").and_then(|pair| frame.pair(pair)),
            along: said("displayAlign").and_then(|align| match align {
                "before" => Some(Along::Before),
                "center" => Some(Along::Center),
                "after" => Some(Along::After),
                _ => None,
            }),
            columns: said("writingMode").and_then(|mode| match mode {
                "tbrl" | "tb" => Some("rl"),
                "tblr" => Some("lr"),
                _ => None,
            }),
        }
    }

    /// This, and what another says where this says nothing.
    pub(super) fn over(self, other: Self) -> Self {
        Self {
            italic: self.italic.or(other.italic),
            bold: self.bold.or(other.bold),
            underline: self.underline.or(other.underline),
            hidden: self.hidden.or(other.hidden),
            align: self.align.or(other.align),
            ruby: self.ruby.or(other.ruby),
            gone: self.gone || other.gone,
            origin: self.origin.or(other.origin),
            extent: self.extent.or(other.extent),
            along: self.along.or(other.along),
            columns: self.columns.or(other.columns),
        }
    }

    /// What the elements inside have of it. Those inside of one that is gone are gone, too.
    pub(super) fn inherited(self) -> Self {
        Self { origin: None, extent: None, along: None, columns: None, ..self }
    }
}

/// The styles and regions of a document's head.
#[derive(Debug, Default)]
pub(super) struct Styles<'a> {
    frame: Frame,
    elements: HashMap<&'a str, &'a Element>,
    styles: HashMap<&'a str, Style>,
    regions: HashMap<&'a str, Style>,
}

/// The drafts have `id` without a namespace.
fn id(element: &Element) -> Option<&str> {
    element.attribute(Space::Xml, "id").or_else(|| element.attribute(Space::None, "id"))
}

impl<'a> Styles<'a> {
    /// Reads them. `text` is the document, for what is wrong in it.
    pub(super) fn of(root: &'a Element, text: &str) -> Result<Self, Error> {
        let head = |name: &'static str| root.named("head").flat_map(move |head| head.named(name));
        let mut this = Self { frame: Frame::of(root), ..Self::default() };
        for style in head("styling").flat_map(|styling| styling.named("style")) {
            this.elements.extend(id(style).map(|id| (id, style)));
        }
        for style in head("styling").flat_map(|styling| styling.named("style")) {
            if let Some(id) = id(style) {
                this.style(id, text, 0)?;
            }
        }
        for region in head("layout").flat_map(|layout| layout.named("region")) {
            let Some(id) = id(region) else { continue };
            // The last of the styles in it counts most, and its own attributes more than those.
            let inside = region.named("style").try_fold(Style::default(), |style, element| {
                Ok::<_, Error>(this.specified(element, text, 0)?.over(style))
            })?;
            let own = Style::inline(region, &this.frame);
            let style = own.over(inside).over(this.referenced(region, text, 0)?);
            this.regions.insert(id, style);
        }
        Ok(this)
    }

    /// What is said of an element.
    pub(super) fn of_element(&mut self, element: &Element, text: &str) -> Result<Style, Error> {
        self.specified(element, text, 0)
    }

    /// A region.
    pub(super) fn region(&self, id: &str) -> Option<Style> {
        self.regions.get(id).copied()
    }

    fn specified(&mut self, element: &Element, text: &str, chain: usize) -> Result<Style, Error> {
        Ok(Style::inline(element, &self.frame).over(self.referenced(element, text, chain)?))
    }

    /// What the styles say that an element refers to: of several, the last counts most.
    fn referenced(&mut self, element: &Element, text: &str, chain: usize) -> Result<Style, Error> {
        if chain == MAX_CHAIN {
            return Err(wrong(text, element.at, "a style that refers to itself, or to too many in a row"));
        }
        let mut all = Style::default();
        for id in element.attribute(Space::None, "style").into_iter().flat_map(str::split_whitespace) {
            all = self.style(id, text, chain + 1)?.over(all);
        }
        Ok(all)
    }

    /// The style of a name; nothing where there is none.
    fn style(&mut self, id: &str, text: &str, chain: usize) -> Result<Style, Error> {
        if let Some(style) = self.styles.get(id) {
            return Ok(*style);
        }
        let Some((&id, &element)) = self.elements.get_key_value(id) else { return Ok(Style::default()) };
        let style = self.specified(element, text, chain)?;
        self.styles.insert(id, style);
        Ok(style)
    }
}
