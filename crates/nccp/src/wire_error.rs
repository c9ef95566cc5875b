//! Errors as they stand in answers.

use crate::Error;
use crate::code::{Action, ErrorCode};
use crate::ids::DeviceId;
use crate::request::MessageName;
use crate::xml::Element;
use serde::{Deserialize, Serialize};

/// An error as it stands on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WireError {
    /// Its code.
    pub code: ErrorCode,
    /// What the client does about it.
    pub action: Action,
    /// Words for people.
    pub text: String,
    /// With `STREAM_LIMIT`: where films are playing, the one that began first at the head.
    pub playing: Vec<Playing>,
}

impl From<ErrorCode> for WireError {
    fn from(code: ErrorCode) -> Self {
        Self { code, action: code.action(), text: code.text().to_owned(), playing: Vec::new() }
    }
}

impl WireError {
    pub(crate) fn to_element(&self, message: Option<MessageName>) -> Element {
        let element = Element::with_text("error", &self.text);
        let element = match message {
            Some(message) => element.attr("message", message),
            None => element,
        };
        self.write_into(element)
    }

    /// Writes what an element with the error's text has besides.
    pub(crate) fn write_into(&self, element: Element) -> Element {
        let element = element.attr("code", self.code).attr("action", self.action.as_str());
        self.playing.iter().fold(element, |element, playing| {
            let Playing { device_id, name, title, since } = playing;
            let mut playing = Element::with_text("playing", name).attr("device", device_id);
            if let Some(title) = title {
                playing = playing.attr("title", title);
            }
            if let Some(since) = since {
                playing = playing.attr("since", since);
            }
            element.child(playing)
        })
    }

    pub(crate) fn read(element: &Element) -> Result<Self, Error> {
        let code: ErrorCode = element.parsed_attribute("code")?;
        let action = element.attribute("action").map_or(code.action(), Action::parse);
        let playing = element.all("playing").map(|playing| {
            let device_id = playing.parsed_attribute("device")?;
            Ok(Playing {
                device_id,
                name: playing.trimmed().to_owned(),
                title: playing.attribute("title").map(str::to_owned),
                since: playing.attribute("since").and_then(|since| since.parse().ok()),
            })
        });
        let playing = playing.collect::<Result<_, Error>>()?;
        Ok(Self { code, action, text: element.trimmed().to_owned(), playing })
    }
}

/// A device that plays a film.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Playing {
    /// Its id.
    pub device_id: DeviceId,
    /// Its name; where devices have equal ones, with what tells them apart.
    pub name: String,
    /// Title of what it plays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// When that began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<u64>,
}
