//! TTML (W3C Timed Text Markup Language 2, <https://www.w3.org/TR/ttml2/>): what IMSC 1.1's text profile,
//! EBU-TT-D and SMPTE-TT use of it, and the drafts that DFXP files are of.
//!
//! Times, text, bold, italic, underlined, ruby, and the place of regions are read; colours, fonts, animation,
//! pictures and conditions are not.

mod length;
mod place;
mod shown;
mod style;
mod text;
mod time;
mod xml;

use std::collections::HashMap;

use crate::lines::decode;
use crate::{Cue, Error, Track};

/// Reads a TTML document, or several one behind the other, as the samples of a track in MP4 are (ISO/IEC
/// 14496-30): what is shown over the end of one goes on in the next.
///
/// # Errors
/// [`Error`]; a file whose root is no `tt` is [`Error::Unknown`].
pub fn read_ttml(file: &[u8]) -> Result<Track, Error> {
    read_text(&decode(file)?)
}

/// Whether a text begins as XML does. The other formats do not.
pub(crate) fn has_signature(text: &str) -> bool {
    text.trim_start().starts_with('<')
}

pub(crate) fn read_text(text: &str) -> Result<Track, Error> {
    if !has_signature(text) {
        return Err(Error::Unknown);
    }
    let documents = xml::parse(text)?;
    if documents.iter().any(|root| root.name != "tt") {
        return Err(Error::Unknown);
    }
    let mut budget = shown::Budget::default();
    let mut cues = Vec::new();
    for root in &documents {
        cues.extend(shown::cues(root, text, &mut budget)?);
    }
    cues.sort_by_key(|cue| cue.start);
    if documents.len() > 1 {
        join(&mut cues);
    }
    let mut track = Track::default();
    for cue in cues {
        track.push(cue)?;
    }
    track.finish()
}

/// Joins cues of the same text that touch or overlap: the pieces of one that was cut between documents.
fn join(cues: &mut Vec<Cue>) {
    let mut last: HashMap<(String, String), usize> = HashMap::new();
    let mut joined: Vec<Cue> = Vec::with_capacity(cues.len());
    for cue in cues.drain(..) {
        let key = (cue.text.clone(), cue.settings.clone());
        match last.get(&key).and_then(|n| joined.get_mut(*n)) {
            Some(before) if cue.start <= before.end => before.end = before.end.max(cue.end),
            _ => {
                last.insert(key, joined.len());
                joined.push(cue);
            }
        }
    }
    *cues = joined;
}

#[cfg(test)]
mod tests;
