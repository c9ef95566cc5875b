//! The serde forms of [`drm_api`]'s messages, read and written by hand: serde-wasm-bindgen and serde's
//! buffering of tagged enums would make up a fifth of the module. The browser tests read and write them with
//! serde-wasm-bindgen.

use drm_api::{Display, DrmError, Event, KeyState, KeyStatus, PolicyReason, Reply, Request};
use js_sys::{Array, Uint8Array};
use wasm_bindgen::JsValue;

use super::interop::{object, octets, property};

/// Reads a request; `None` if it is not understood.
pub fn request(message: &JsValue) -> Option<Request> {
    let text = |name| property(message, name).as_string();
    let number = |name| property(message, name).as_f64();
    let id = |name| {
        number(name).filter(|n| n.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(n)).map(|n| n as u32)
    };
    // `null` and `undefined` are no text.
    let optional = |name| {
        let value = property(message, name);
        if value.is_null() || value.is_undefined() { Some(None) } else { value.as_string().map(Some) }
    };
    Some(match text("type")?.as_str() {
        "open" => Request::Open { account: text("account")?, release: text("release")? },
        "individualize" => Request::Individualize,
        "reset-identity" => Request::ResetIdentity,
        "seal" => Request::Seal {
            device: optional("device")?,
            ticket: optional("ticket")?,
            messages: text("messages")?,
            clock_offset: number("clockOffset")?,
        },
        "create-session" => Request::CreateSession,
        "generate-request" => Request::GenerateRequest {
            session: id("session")?,
            stream_id: number("streamId")?,
            device: text("device")?,
            ticket: text("ticket")?,
            init_data: octets(&property(message, "initData")),
            display: display(&text("display")?)?,
            clock_offset: number("clockOffset")?,
        },
        "update" => Request::Update { session: id("session")?, license: text("license")? },
        "load" => Request::Load {
            session: id("session")?,
            stream_id: number("streamId")?,
            device: text("device")?,
            display: display(&text("display")?)?,
        },
        "forget" => Request::Forget { stream_id: number("streamId") },
        "display" => Request::Display { display: display(&text("display")?)? },
        "keep-domain-key" => Request::KeepDomainKey {
            device: text("device")?,
            domain: text("domain")?,
            epoch: number("epoch")?,
            key: text("key")?,
        },
        "open-embedded" => Request::OpenEmbedded {
            session: id("session")?,
            metadata: text("metadata")?,
            display: display(&text("display")?)?,
        },
        "close-session" => Request::CloseSession { session: id("session")? },
        "prepare-init" => Request::PrepareInit { stream: id("stream")? },
        "whole" => Request::Whole {
            stream: id("stream")?,
            segment: id("segment")?,
            kid: text("kid")?,
            iv: text("iv")?,
        },
        "push" => Request::Push {
            stream: id("stream")?,
            segment: id("segment")?,
            last: property(message, "last").as_bool()?,
        },
        "drop" => Request::Drop { stream: id("stream")? },
        "close-stream" => Request::CloseStream { stream: id("stream")? },
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

/// Writes what answers a request.
pub fn reply(reply: &Result<Reply, DrmError>) -> JsValue {
    match reply {
        Ok(reply) => object(&[("Ok", &success(reply))]).into(),
        Err(error) => object(&[("Err", &self::error(error))]).into(),
    }
}

fn success(reply: &Reply) -> JsValue {
    match reply {
        Reply::Identity { certificate, component, expires } => tagged(
            "identity",
            &[
                ("certificate", &certificate.into()),
                ("component", &component.into()),
                ("expires", &(*expires).into()),
            ],
        ),
        Reply::Sealed { sequence, body, signature } => tagged(
            "sealed",
            &[("sequence", &(*sequence).into()), ("body", &body.into()), ("signature", &signature.into())],
        ),
        Reply::Session { session } => tagged("session", &[("session", &(*session).into())]),
        Reply::Challenge { challenge, license_url } => tagged(
            "challenge",
            &[("challenge", &challenge.into()), ("licenseUrl", &license_url.clone().into())],
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
            // An array of numbers, as serde has it.
            let data = Array::from(&Uint8Array::from(init_data.as_slice()));
            tagged("init", &[("kids", &texts(kids)), ("initData", &data)])
        }
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
        Event::Fragment { stream, segment } => {
            tagged("fragment", &[("stream", &(*stream).into()), ("segment", &(*segment).into())])
        }
        Event::NeedKey { stream, kids } => {
            tagged("need-key", &[("stream", &(*stream).into()), ("kids", &texts(kids))])
        }
        Event::Keys { session, keys } => {
            tagged("keys", &[("session", &(*session).into()), ("keys", &key_states(keys))])
        }
        Event::Failed { error } => tagged("failed", &[("error", &self::error(error))]),
        _ => JsValue::UNDEFINED,
    }
}

/// Writes an error.
pub fn error(error: &DrmError) -> JsValue {
    let of = |kind: &str, details: &[(&str, &JsValue)]| {
        let error = object(details);
        set_text(&error, "kind", kind);
        error.into()
    };
    match error {
        DrmError::Unsupported { what } => of("unsupported", &[("what", &what.into())]),
        DrmError::Network { what, status } => {
            of("network", &[("what", &what.into()), ("status", &(*status).into())])
        }
        DrmError::ModuleMismatch => of("module-mismatch", &[]),
        DrmError::IndividualizationInvalid => of("individualization-invalid", &[]),
        DrmError::LicenseInvalid => of("license-invalid", &[]),
        DrmError::PolicyRefused { reason } => {
            let reason = match reason {
                PolicyReason::KeyLevel => "key-level",
                PolicyReason::Output => "output",
                PolicyReason::Module => "module",
                _ => "player",
            };
            of("policy-refused", &[("reason", &reason.into())])
        }
        DrmError::LicenseExpired => of("license-expired", &[]),
        DrmError::Media { what } => of("media", &[("what", &what.into())]),
        DrmError::Storage { what } => of("storage", &[("what", &what.into())]),
        DrmError::State { what } => of("state", &[("what", &what.into())]),
        DrmError::Aborted => of("aborted", &[]),
        _ => of("state", &[("what", &"unknown".into())]),
    }
}

fn tagged(name: &str, properties: &[(&str, &JsValue)]) -> JsValue {
    let tagged = object(properties);
    set_text(&tagged, "type", name);
    tagged.into()
}

fn set_text(object: &js_sys::Object, name: &str, text: &str) {
    // Setting a property of a fresh plain object cannot fail.
    let _ = js_sys::Reflect::set(object, &name.into(), &text.into());
}

fn texts(texts: &[String]) -> Array {
    texts.iter().map(|text| JsValue::from_str(text)).collect()
}
