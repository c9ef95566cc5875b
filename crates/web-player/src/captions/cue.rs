//! A cue's settings and words, as the browser has read them.

use gloo::utils::document;
use wasm_bindgen::JsCast;
use web_sys::{
    AlignSetting, DirectionSetting, DocumentFragment, Element, LineAlignSetting, Node, PositionAlignSetting,
    TextTrack, VttCue,
};

use super::layout::{Align, Placement, Writing};

/// Cues that are looked at at a time: nobody reads more, and each is compared with all others.
const MOST: u32 = 32;
/// Characters of a cue that are told, at most.
const LONGEST: usize = 1_000;
/// Elements in elements, at most: what is deeper is text.
const DEEPEST: u8 = 16;
/// WebVTT's classes of colours (W3C, WebVTT, 5.1 and 5.2); with `bg_` before, of the ground.
const COLOURS: [&str; 8] = ["white", "lime", "cyan", "red", "yellow", "magenta", "blue", "black"];

/// What captions say at a time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ActiveCues {
    /// The track's language (BCP 47); empty where none is known.
    pub language: String,
    /// The words of each cue, at most 32 of at most 1,000 characters, without elements.
    pub texts: Vec<String>,
}

impl ActiveCues {
    /// What a track says now.
    pub fn of(track: &TextTrack) -> Self {
        Self { language: track.language(), texts: active(track).iter().map(plain).collect() }
    }
}

/// The cues of a track that are shown now, in the track's order.
pub(super) fn active(track: &TextTrack) -> Vec<VttCue> {
    let Some(cues) = track.active_cues() else { return Vec::new() };
    (0..cues.length().min(MOST)).filter_map(|n| cues.get(n)).collect()
}

/// The cue's words alone.
fn plain(cue: &VttCue) -> String {
    let words = cue.get_cue_as_html().text_content().unwrap_or_default();
    words.chars().take(LONGEST).collect()
}

/// Where the cue wants to be.
pub(super) fn placement(cue: &VttCue) -> Placement {
    Placement {
        writing: match cue.vertical() {
            DirectionSetting::Lr => Writing::GrowingRight,
            DirectionSetting::Rl => Writing::GrowingLeft,
            _ => Writing::Horizontal,
        },
        // `auto` is no number.
        line: cue.line().as_f64(),
        snaps: cue.snap_to_lines(),
        line_align: match cue.line_align() {
            LineAlignSetting::Center => Align::Center,
            LineAlignSetting::End => Align::End,
            _ => Align::Start,
        },
        position: cue.position().as_f64(),
        position_align: match cue.position_align() {
            PositionAlignSetting::LineLeft => Some(Align::Left),
            PositionAlignSetting::Center => Some(Align::Center),
            PositionAlignSetting::LineRight => Some(Align::Right),
            _ => None,
        },
        size: cue.size(),
        align: align(cue).0,
    }
}

/// How the cue's lines are aligned, and what CSS calls it.
pub(super) fn align(cue: &VttCue) -> (Align, &'static str) {
    match cue.align() {
        AlignSetting::Start => (Align::Start, "start"),
        AlignSetting::End => (Align::End, "end"),
        AlignSetting::Left => (Align::Left, "left"),
        AlignSetting::Right => (Align::Right, "right"),
        _ => (Align::Center, "center"),
    }
}

/// What CSS calls the way that the cue is written.
pub(super) fn writing_mode(writing: Writing) -> &'static str {
    match writing {
        Writing::Horizontal => "horizontal-tb",
        Writing::GrowingRight => "vertical-lr",
        Writing::GrowingLeft => "vertical-rl",
    }
}

/// The cue's words as elements: those that WebVTT has, without classes that the site's style sheets could
/// know. Times inside of a cue are left out.
pub(super) fn words(cue: &VttCue) -> DocumentFragment {
    let made = document().create_document_fragment();
    copy(&cue.get_cue_as_html(), &made, 0);
    made
}

fn copy(from: &Node, to: &Node, depth: u8) {
    let children = from.child_nodes();
    for child in (0..children.length()).filter_map(|n| children.item(n)) {
        match child.node_type() {
            Node::ELEMENT_NODE if depth < DEEPEST => {
                if let Some(made) = like(child.unchecked_ref()) {
                    copy(&child, &made, depth + 1);
                    let _ = to.append_child(&made);
                }
            }
            Node::ELEMENT_NODE | Node::TEXT_NODE => {
                let text = document().create_text_node(&child.text_content().unwrap_or_default());
                let _ = to.append_child(&text);
            }
            _ => {}
        }
    }
}

/// An element like one of a cue, empty.
fn like(element: &Element) -> Option<Element> {
    let name = element.local_name();
    let known = ["b", "i", "u", "ruby", "rt"].into_iter().find(|known| *known == name);
    let made = document().create_element(known.unwrap_or("span")).ok()?;
    // A voice is the element's title.
    for (of, to) in [("lang", "lang"), ("title", "data-voice")] {
        if let Some(value) = element.get_attribute(of).filter(|value| !value.is_empty()) {
            made.set_attribute(to, &value).ok()?;
        }
    }
    let classes = element.class_list();
    for class in (0..classes.length()).filter_map(|n| classes.item(n)) {
        if COLOURS.contains(&class.strip_prefix("bg_").unwrap_or(&class)) {
            made.class_list().add_1(&format!("cue-{class}")).ok()?;
        }
    }
    Some(made)
}
