//! The serde forms of [`drm_api`]'s messages, read and written by hand: serde-wasm-bindgen and serde's
//! buffering of tagged enums would make up a fifth of the module. The browser tests read and write them with
//! serde-wasm-bindgen.

use drm_api::cdm::{Display, KeyState, KeyStatus, Whole};
use drm_api::{DrmError, Event, PolicyReason, cdm, device};
use js_sys::{Array, Uint8Array};
use wasm_bindgen::{JsCast as _, JsValue};

use super::interop::{object, octets, property};

/// The properties of a message, as what they are to be.
struct Properties<'a>(&'a JsValue);

impl Properties<'_> {
    fn text(&self, name: &str) -> Option<String> {
        property(self.0, name).as_string()
    }

    fn number(&self, name: &str) -> Option<f64> {
        property(self.0, name).as_f64()
    }

    fn id(&self, name: &str) -> Option<u32> {
        let is_id = |n: &f64| n.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(n);
        self.number(name).filter(is_id).map(|n| n as u32)
    }

    fn octets(&self, name: &str) -> Vec<u8> {
        octets(&property(self.0, name))
    }

    fn display(&self) -> Option<Display> {
        display(&self.text("display")?)
    }

    /// `null` and `undefined` are no text.
    fn optional(&self, name: &str) -> Option<Option<String>> {
        let value = property(self.0, name);
        if value.is_null() || value.is_undefined() { Some(None) } else { value.as_string().map(Some) }
    }
}

/// Open elements of a message, and elements in all, that are read.
const DEPTH: usize = 8;
const ELEMENTS: usize = 4096;

/// Reads a list of elements; of one, attributes, text and children may be missing.
fn elements(list: &JsValue, depth: usize, left: &mut usize) -> Option<Vec<device::Element>> {
    let depth = depth.checked_sub(1)?;
    let read = |value: JsValue| {
        *left = left.checked_sub(1)?;
        let of = Properties(&value);
        let (attributes, children) = (property(&value, "attributes"), property(&value, "children"));
        Some(device::Element {
            name: of.text("name")?,
            attributes: match attributes.is_undefined() {
                true => Vec::new(),
                false => attributes.dyn_ref::<Array>()?.iter().map(attribute).collect::<Option<_>>()?,
            },
            text: of.optional("text")?.unwrap_or_default(),
            children: match children.is_undefined() {
                true => Vec::new(),
                false => elements(&children, depth, left)?,
            },
        })
    };
    list.dyn_ref::<Array>()?.iter().map(read).collect()
}

/// A name and a value.
fn attribute(pair: JsValue) -> Option<(String, String)> {
    let pair = pair.dyn_ref::<Array>()?;
    Some((pair.get(0).as_string()?, pair.get(1).as_string()?))
}

/// Reads what is asked of the device; `None` if it is not understood.
pub fn device_request(message: &JsValue) -> Option<device::Request> {
    use device::Request;
    let of = Properties(message);
    Some(match of.text("type")?.as_str() {
        "open" => Request::Open { account: of.text("account")?, release: of.text("release")? },
        "individualize" => Request::Individualize,
        "reset-identity" => Request::ResetIdentity,
        "seal" => Request::Seal {
            device: of.optional("device")?,
            ticket: of.optional("ticket")?,
            messages: elements(&property(message, "messages"), DEPTH, &mut { ELEMENTS })?,
            clock_offset: of.number("clockOffset")?,
        },
        "keep-domain-key" => Request::KeepDomainKey {
            device: of.text("device")?,
            domain: of.text("domain")?,
            epoch: of.number("epoch")?,
            key: of.octets("key"),
        },
        _ => return None,
    })
}

/// Reads what is asked of sessions and streams; `None` if it is not understood.
pub fn cdm_request(message: &JsValue) -> Option<cdm::Request> {
    use cdm::Request;
    let of = Properties(message);
    Some(match of.text("type")?.as_str() {
        "create-session" => Request::CreateSession,
        "generate-request" => Request::GenerateRequest {
            session: of.id("session")?,
            stream_id: of.number("streamId")?,
            device: of.text("device")?,
            ticket: of.text("ticket")?,
            init_data: of.octets("initData"),
            display: of.display()?,
            clock_offset: of.number("clockOffset")?,
        },
        "update" => Request::Update { session: of.id("session")?, license: of.octets("license") },
        "load" => Request::Load {
            session: of.id("session")?,
            stream_id: of.number("streamId")?,
            device: of.text("device")?,
            display: of.display()?,
        },
        "open-embedded" => Request::OpenEmbedded {
            session: of.id("session")?,
            metadata: of.octets("metadata"),
            display: of.display()?,
        },
        "forget" => Request::Forget { stream_id: of.number("streamId") },
        "display" => Request::Display { display: of.display()? },
        "close-session" => Request::CloseSession { session: of.id("session")? },
        "prepare-init" => Request::PrepareInit { stream: of.id("stream")? },
        "push" => {
            let whole = property(message, "whole");
            let is_whole = !whole.is_null() && !whole.is_undefined();
            let whole = Properties(&whole);
            Request::Push {
                stream: of.id("stream")?,
                whole: match is_whole {
                    true => Some(Whole { kid: whole.text("kid")?, iv: whole.text("iv")? }),
                    false => None,
                },
                last: property(message, "last").as_bool()?,
            }
        }
        "drop" => Request::Drop { stream: of.id("stream")? },
        "close-stream" => Request::CloseStream { stream: of.id("stream")? },
        _ => return None,
    })
}

fn display(name: &str) -> Option<Display> {
    Some(match name {
        "unknown" => Display::Unknown,
        "single" => Display::Single,
        "extended" => Display::Extended,
        _ => return None,
    })
}

/// Writes what answers a request, a reply that has been written or an error.
pub fn reply(reply: Result<JsValue, &DrmError>) -> JsValue {
    match reply {
        Ok(reply) => object(&[("Ok", &reply)]).into(),
        Err(error) => object(&[("Err", &self::error(error))]).into(),
    }
}

/// Writes a reply of the device.
pub fn device_reply(reply: &device::Reply) -> JsValue {
    use device::Reply;
    match reply {
        Reply::Identity { certificate, component, expires } => tagged(
            "identity",
            &[
                ("certificate", &Uint8Array::from(certificate.as_slice())),
                ("component", &component.into()),
                ("expires", &(*expires).into()),
            ],
        ),
        Reply::Sealed { sequence, body, signature } => tagged(
            "sealed",
            &[("sequence", &(*sequence).into()), ("body", &body.into()), ("signature", &signature.into())],
        ),
        Reply::Done => tagged("done", &[]),
        // Nothing else is answered here.
        _ => JsValue::UNDEFINED,
    }
}

/// Writes a reply of sessions and streams.
pub fn cdm_reply(reply: &cdm::Reply) -> JsValue {
    use cdm::Reply;
    match reply {
        Reply::Session { session } => tagged("session", &[("session", &(*session).into())]),
        Reply::Challenge { challenge, license_url } => tagged(
            "challenge",
            &[
                ("challenge", &Uint8Array::from(challenge.as_slice())),
                ("licenseUrl", &license_url.clone().into()),
            ],
        ),
        Reply::Keys { keys, expiration, max_height, renew_after, continuous, persistent } => tagged(
            "keys",
            &[
                ("keys", &key_states(keys)),
                ("expiration", &(*expiration).into()),
                ("maxHeight", &(*max_height).into()),
                ("renewAfter", &(*renew_after).into()),
                ("continuous", &(*continuous).into()),
                ("persistent", &(*persistent).into()),
            ],
        ),
        Reply::Init { kids, init_data } => {
            let data = Uint8Array::from(init_data.as_slice());
            tagged("init", &[("kids", &texts(kids)), ("initData", &data)])
        }
        Reply::Fragment => tagged("fragment", &[]),
        Reply::NeedKey { kids } => tagged("need-key", &[("kids", &texts(kids))]),
        Reply::Done => tagged("done", &[]),
        // Nothing else is answered here.
        _ => JsValue::UNDEFINED,
    }
}

fn key_states(states: &[KeyState]) -> Array {
    states.iter().map(key_state).collect()
}

fn key_state(state: &KeyState) -> JsValue {
    let status = match state.status {
        KeyStatus::Usable => "usable",
        KeyStatus::OutputRestricted => "output-restricted",
        _ => "expired",
    };
    object(&[("kid", &state.kid.as_str().into()), ("status", &status.into())]).into()
}

/// Writes an event.
pub fn event(event: &Event) -> JsValue {
    match event {
        Event::Ready { version } => tagged("ready", &[("version", &version.into())]),
        Event::Keys { session, keys } => {
            tagged("keys", &[("session", &(*session).into()), ("keys", &key_states(keys))])
        }
        Event::Failed { error } => tagged("failed", &[("error", &self::error(error))]),
        _ => JsValue::UNDEFINED,
    }
}

/// Writes an error.
pub fn error(error: &DrmError) -> JsValue {
    match error {
        DrmError::Unsupported { what } => tagged("unsupported", &[("what", &what.into())]),
        DrmError::Network { what, status } => {
            tagged("network", &[("what", &what.into()), ("status", &(*status).into())])
        }
        DrmError::ModuleMismatch => tagged("module-mismatch", &[]),
        DrmError::IndividualizationInvalid => tagged("individualization-invalid", &[]),
        DrmError::LicenseInvalid => tagged("license-invalid", &[]),
        DrmError::PolicyRefused { reason } => {
            let reason = match reason {
                PolicyReason::KeyLevel => "key-level",
                PolicyReason::Output => "output",
                PolicyReason::Module => "module",
                PolicyReason::Clock => "clock",
                _ => "player",
            };
            tagged("policy-refused", &[("reason", &reason.into())])
        }
        DrmError::LicenseExpired => tagged("license-expired", &[]),
        DrmError::Media { what } => tagged("media", &[("what", &what.into())]),
        DrmError::Storage { what } => tagged("storage", &[("what", &what.into())]),
        DrmError::State { what } => tagged("state", &[("what", &what.into())]),
        DrmError::Aborted => tagged("aborted", &[]),
        _ => tagged("state", &[("what", &"unknown".into())]),
    }
}

/// As serde writes a variant: its name, with its fields where it has any.
fn tagged(name: &str, fields: &[(&str, &JsValue)]) -> JsValue {
    match fields {
        [] => name.into(),
        fields => object(&[(name, &object(fields))]).into(),
    }
}

fn texts(texts: &[String]) -> Array {
    texts.iter().map(|text| JsValue::from_str(text)).collect()
}
