//! Messages that somebody else composed, for whoever signs them: names and values, never text.

use crate::Error;
use crate::envelope::MAX_MESSAGES;
use crate::request::MessageName;
use crate::xml::{Element, Limits};

/// Octets of an envelope that are not its messages', at most.
const HEAD: usize = 1024;

/// The messages of a request, 1 to 16 that the protocol knows by name, written anew: whatever stands in their
/// values is escaped.
///
/// What they have within is for the controller to judge; nothing of it can be more than an element, an
/// attribute or text of one of these messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Messages(String);

impl Messages {
    /// Checks messages and writes them.
    ///
    /// # Errors
    /// [`Error::MessageCount`], [`Error::UnknownMessage`]; [`Error::TooLarge`] and [`Error::Malformed`]
    /// beyond [`Limits::REQUEST`], and for names that no element or attribute of the protocol has.
    pub fn of(elements: &[Element]) -> Result<Self, Error> {
        if elements.is_empty() || elements.len() > MAX_MESSAGES {
            return Err(Error::MessageCount);
        }
        let mut left = Limits::REQUEST.elements;
        let mut xml = String::new();
        for element in elements {
            element.name.parse::<MessageName>()?;
            check(element, Limits::REQUEST.depth - 1, &mut left)?;
            element.write_fragment(&mut xml);
            if xml.len() > Limits::REQUEST.bytes - HEAD {
                return Err(Error::TooLarge);
            }
        }
        Ok(Self(xml))
    }

    /// The elements with the prefix `nccp`, for [`seal_envelope`](crate::seal_envelope).
    pub fn as_xml(&self) -> &str {
        &self.0
    }
}

fn check(element: &Element, depth: usize, left: &mut usize) -> Result<(), Error> {
    *left = left.checked_sub(1).ok_or(Error::TooLarge)?;
    let names = element.attributes.iter().map(|(name, _)| name).chain([&element.name]);
    if depth == 0
        || element.attributes.len() > Limits::REQUEST.attributes
        || !names.map(String::as_str).all(is_name)
    {
        return Err(Error::Malformed("no message of this protocol"));
    }
    element.children.iter().try_for_each(|child| check(child, depth - 1, left))
}

/// As all names of the protocol are; what begins with `xml` has a meaning of its own.
fn is_name(name: &str) -> bool {
    let plain = |octet: u8| octet.is_ascii_lowercase() || octet == b'_';
    (1..=32).contains(&name.len()) && name.bytes().all(plain) && !name.starts_with("xml")
}
