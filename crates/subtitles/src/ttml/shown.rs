//! What is shown when: times of elements inside each other (TTML2, section 12), and the cues of paragraphs.

use super::place::settings;
use super::style::{Style, Styles};
use super::text::Lines;
use super::time::{MOST, SECOND, Times};
use super::xml::{Element, Node, Space, wrong};
use crate::webvtt::cue_text;
use crate::{Cue, Error, MAX_OCTETS, MAX_TEXT, Time};

/// Octets that a cue takes in WebVTT beside its text and its settings, at most; the file's first line is
/// less.
const CUE_FRAME: usize = 40;

/// Pieces of text that are looked at, and their octets, for all moments at which something changes. A few
/// changes in each paragraph of the largest file stay far below.
const MAX_WORK: usize = 8 * MAX_OCTETS;

/// What may still be done for a file.
#[derive(Debug)]
pub(super) struct Budget {
    work: usize,
    /// Octets of WebVTT: what is written can be read again.
    octets: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self { work: MAX_WORK, octets: MAX_OCTETS - CUE_FRAME }
    }
}

/// A piece of a paragraph.
#[derive(Debug)]
struct Piece<'a> {
    begin: u64,
    /// `None`: nothing ends it.
    end: Option<u64>,
    /// The place in the text, for what is wrong with it.
    at: usize,
    style: Style,
    region: Option<&'a str>,
    preserve: bool,
    content: Content<'a>,
}

#[derive(Debug, Clone, Copy)]
enum Content<'a> {
    Text(&'a str),
    Break,
}

impl Piece<'_> {
    fn is_seen(&self) -> bool {
        let hidden = self.style.gone || self.style.hidden == Some(true);
        matches!(self.content, Content::Text(text) if !hidden && !text.trim().is_empty())
    }
}

/// What an element has from those around it. Times are nanoseconds from the document's beginning.
#[derive(Debug, Clone, Copy)]
struct Around<'a> {
    /// What its times are counted from.
    base: u64,
    /// When it is over at the latest.
    limit: Option<u64>,
    /// Whether it is one of a row, in which what has no end is not shown at all.
    in_row: bool,
    style: Style,
    region: Option<&'a str>,
    preserve: bool,
}

/// The cues of a document, in the order of its text.
pub(super) fn cues(root: &Element, text: &str, budget: &mut Budget) -> Result<Vec<Cue>, Error> {
    let times = Times::of(root).map_err(|what| wrong(text, root.at, what))?;
    let mut walk = Walk { text, times, styles: Styles::of(root, text)?, budget, cues: Vec::new() };
    let around = Around {
        base: 0,
        limit: None,
        in_row: false,
        style: Style::default(),
        region: None,
        preserve: preserve(root).unwrap_or(false),
    };
    for body in root.named("body") {
        walk.element(body, around, None)?;
    }
    Ok(walk.cues)
}

fn preserve(element: &Element) -> Option<bool> {
    element.attribute(Space::Xml, "space").map(|space| space == "preserve")
}

fn earlier(a: Option<u64>, b: Option<u64>) -> Option<u64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (one, other) => one.or(other),
    }
}

struct Walk<'a, 'b> {
    text: &'a str,
    times: Times,
    styles: Styles<'a>,
    budget: &'b mut Budget,
    cues: Vec<Cue>,
}

impl<'a> Walk<'a, '_> {
    fn time(&self, element: &Element, name: &str) -> Result<Option<u64>, Error> {
        let Some(said) = element.attribute(Space::None, name) else { return Ok(None) };
        let wrong = || wrong(self.text, element.at, "no time such as 00:00:01.5, 00:00:01:12, 1.5s or 36f");
        self.times.read(said).map(Some).ok_or_else(wrong)
    }

    /// An element and what is in it. Gives when it ends by itself, whatever is around it; `None`: never.
    /// `pieces` are those of the paragraph in which it is.
    fn element(
        &mut self,
        element: &'a Element,
        around: Around<'a>,
        pieces: Option<&mut Vec<Piece<'a>>>,
    ) -> Result<Option<u64>, Error> {
        let (begin, end) = (self.time(element, "begin")?.unwrap_or(0), self.time(element, "end")?);
        if end.is_some_and(|end| end < begin) {
            return Err(wrong(self.text, element.at, "a cue that ends before it begins"));
        }
        let lasts = self.time(element, "dur")?.map(|lasts| begin + lasts);
        // In a row, times add up.
        if [Some(begin), end, lasts].iter().flatten().any(|time| around.base + time >= MOST) {
            return Err(wrong(self.text, element.at, "a time after more than a year"));
        }
        let begin = around.base + begin;
        let said_end = earlier(end, lasts).map(|end| around.base + end);
        let in_row = match element.attribute(Space::None, "timeContainer") {
            None | Some("par") => false,
            Some("seq") => true,
            Some(_) => {
                return Err(wrong(self.text, element.at, "a timeContainer that is neither par nor seq"));
            }
        };
        let own = self.styles.of_element(element, self.text)?;
        let inside = Around {
            base: begin,
            limit: earlier(said_end, around.limit),
            in_row,
            style: own.over(around.style.inherited()),
            region: element.attribute(Space::None, "region").or(around.region),
            preserve: preserve(element).unwrap_or(around.preserve),
        };
        let by_itself = match (&element.name[..], pieces) {
            ("br", Some(pieces)) => {
                // It is part of the text around it, and has no times.
                pieces.push(self.piece(element, around, Content::Break));
                return Ok(if around.in_row { Some(around.base) } else { None });
            }
            ("p", None) => {
                let mut pieces = Vec::new();
                let end = self.children(element, inside, Some(&mut pieces))?;
                self.paragraph(&pieces)?;
                end
            }
            ("span", Some(pieces)) => self.children(element, inside, Some(pieces))?,
            ("body" | "div", None) => self.children(element, inside, None)?,
            // Metadata, animation.
            _ => return Ok(Some(around.base)),
        };
        Ok(said_end.or(by_itself))
    }

    fn piece(&self, element: &Element, around: Around<'a>, content: Content<'a>) -> Piece<'a> {
        let Around { base, limit, style, region, preserve, .. } = around;
        Piece { begin: base, end: limit, at: element.at, style, region, preserve, content }
    }

    /// What is in an element; gives when the last of it ends.
    fn children(
        &mut self,
        element: &'a Element,
        around: Around<'a>,
        mut pieces: Option<&mut Vec<Piece<'a>>>,
    ) -> Result<Option<u64>, Error> {
        let mut end = Some(around.base);
        // In a row: when the one before is over.
        let mut base = Some(around.base);
        for child in &element.children {
            let Some(from) = base else { break };
            let around = Around { base: from, ..around };
            let child_end = match (child, pieces.as_deref_mut()) {
                (Node::Element(element), pieces) => self.element(element, around, pieces)?,
                // Text has no times: in a row it lasts for no time (TTML2, section 12.2.4).
                (Node::Text(_), Some(_)) if around.in_row => continue,
                (Node::Text(text), Some(pieces)) => {
                    pieces.push(self.piece(element, around, Content::Text(text)));
                    None
                }
                (Node::Text(_), None) => continue,
            };
            end = match (end, child_end) {
                (Some(a), Some(b)) => Some(a.max(b)),
                _ => None,
            };
            if around.in_row {
                base = child_end;
            }
        }
        Ok(end)
    }

    /// The cues of a paragraph: one for each time in which its text does not change.
    fn paragraph(&mut self, pieces: &[Piece<'a>]) -> Result<(), Error> {
        let mut changes: Vec<u64> =
            pieces.iter().flat_map(|piece| [Some(piece.begin), piece.end]).flatten().collect();
        changes.sort_unstable();
        changes.dedup();
        if let Some(piece) = pieces.iter().find(|piece| piece.is_seen() && piece.end.is_none()) {
            return Err(wrong(self.text, piece.at, "text that never ends: give it an end, or a dur"));
        }
        let mut before: Option<Cue> = None;
        for times in changes.windows(2) {
            let Some(cue) = self.cue(pieces, times[0], times[1])? else {
                self.push(before.take())?;
                continue;
            };
            if let Some(before) = &mut before
                && (&before.text, &before.settings) == (&cue.text, &cue.settings)
            {
                before.end = cue.end;
            } else {
                self.push(before.replace(cue))?;
            }
        }
        self.push(before)
    }

    /// What is shown between two moments at which something changes.
    fn cue(&mut self, pieces: &[Piece<'a>], begin: u64, end: u64) -> Result<Option<Cue>, Error> {
        let is_shown = |piece: &Piece<'_>| piece.begin <= begin && piece.end.is_none_or(|until| until >= end);
        let mut lines = Lines::new();
        let mut first: Option<&Piece<'a>> = None;
        let mut work = pieces.len();
        for piece in pieces.iter().filter(|piece| is_shown(piece)) {
            match piece.content {
                Content::Break => lines.end_line(),
                Content::Text(text) => {
                    let region = piece.region.and_then(|id| self.styles.region(id)).unwrap_or_default();
                    let style = piece.style.over(region.inherited());
                    work += text.len();
                    if !style.gone && style.hidden != Some(true) {
                        lines.add(text, style, piece.preserve);
                        first = first.or_else(|| piece.is_seen().then_some(piece));
                    }
                }
            }
        }
        self.budget.work = self.budget.work.checked_sub(work).ok_or(Error::TooLarge)?;
        let millis = |time: u64| Time((time + 500_000) / (SECOND / 1000));
        let (Some(first), true) = (first, millis(begin) < millis(end)) else { return Ok(None) };
        let lines = lines.finish();
        let lines: Vec<_> = lines.iter().map(|line| (0, &line[..])).collect();
        let text = cue_text(&lines).map_err(|error| match error {
            Error::Line { what, .. } => wrong(self.text, first.at, what),
            other => other,
        })?;
        if text.is_empty() {
            return Ok(None);
        }
        let region = first.region.and_then(|id| self.styles.region(id));
        let style = first.style.over(region.unwrap_or_default().inherited());
        Ok(Some(Cue { start: millis(begin), end: millis(end), settings: settings(region, style), text }))
    }

    /// Adds a cue; one that is shown with the one before, in the same place, is more of its text: the order
    /// of paragraphs is that of lines.
    fn push(&mut self, cue: Option<Cue>) -> Result<(), Error> {
        let Some(cue) = cue else { return Ok(()) };
        let octets = cue.text.len() + cue.settings.len() + CUE_FRAME;
        self.budget.octets = self.budget.octets.checked_sub(octets).ok_or(Error::TooLarge)?;
        if let Some(last) = self.cues.last_mut()
            && (last.start, last.end, &last.settings) == (cue.start, cue.end, &cue.settings)
            && last.text.len() + cue.text.len() < MAX_TEXT
        {
            last.text.push('\n');
            last.text += &cue.text;
            return Ok(());
        }
        self.cues.push(cue);
        Ok(())
    }
}
