//! Reading request bodies, never more than allowed.

use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderMap, header};

/// Why a body was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BodyError {
    TooLarge,
    Broken,
}

/// Reads at most `most` octets.
pub(super) async fn read(headers: &HeaderMap, body: Body, most: usize) -> Result<Bytes, BodyError> {
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|n| n > most as u64) {
        return Err(BodyError::TooLarge);
    }
    to_bytes(body, most).await.map_err(|error| {
        let mut source: Option<&dyn std::error::Error> = Some(&error);
        while let Some(e) = source {
            // The limit's own error has no name to match on in the public interface of axum.
            if e.to_string().contains("length limit exceeded") {
                return BodyError::TooLarge;
            }
            source = e.source();
        }
        BodyError::Broken
    })
}

/// The media type without parameters, lowercase; empty where there is none, or two.
pub(super) fn media_type(headers: &HeaderMap) -> String {
    let value = single(headers, header::CONTENT_TYPE.as_str()).ok().flatten().unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// A header that stands once at most, as text: which of two holds is not for the server to choose.
pub(super) fn single<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, NotSingle> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().map(|value| value.to_str().map_err(|_| NotSingle)).transpose()?;
    if values.next().is_some() { Err(NotSingle) } else { Ok(value) }
}

/// A header stands twice, or holds what is not visible ASCII.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotSingle;

/// Whether the body is of that type and not compressed.
pub(super) fn is_plain(headers: &HeaderMap, media_type: &str) -> bool {
    self::media_type(headers) == media_type && !headers.contains_key(header::CONTENT_ENCODING)
}

/// A header's value as text.
pub(super) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|v| v.to_str().ok())
}
