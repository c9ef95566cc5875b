use std::error::Error as StdError;

use object_store::client::{HttpError, HttpErrorKind};

use crate::Trouble;

/// What an error of the library means, and what the store said of it.
pub(super) fn of(error: &object_store::Error) -> (Trouble, String) {
    let text = chain(error).last().map(ToString::to_string).unwrap_or_default();
    let all = error.to_string();
    let code = tag(&all, "Code").unwrap_or_default();
    let trouble = match error {
        _ if code == "NoSuchBucket" => Trouble::NoBucket,
        _ if code == "RequestTimeTooSkewed" => Trouble::Clock,
        // Where lists are asked for, the library tells no refusal from other errors.
        _ if ["AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch"].contains(&code) => {
            Trouble::Refused
        }
        _ if ["PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"]
            .contains(&code) =>
        {
            Trouble::Elsewhere
        }
        object_store::Error::PermissionDenied { .. } | object_store::Error::Unauthenticated { .. } => {
            Trouble::Refused
        }
        _ => match (status(&all), http(error)) {
            (Some(301 | 307 | 308), _) => Trouble::Elsewhere,
            (Some(status @ (429 | 500..)), _) => Trouble::Failing(status),
            (Some(_), _) => Trouble::Other,
            (None, Some(HttpErrorKind::Timeout)) => Trouble::Silent,
            (None, Some(HttpErrorKind::Decode | HttpErrorKind::Unknown)) if is_timeout(&all) => {
                Trouble::Silent
            }
            (None, Some(_)) => Trouble::Unreachable,
            (None, None) if all.contains("without LOCATION") => Trouble::Elsewhere,
            // What is asked for where there are no keys, and does not answer elsewhere than at Amazon.
            (None, None) if all.contains("nstance metadata") => Trouble::NoCredentials,
            (None, None) => Trouble::Other,
        },
    };
    let said = match (code, tag(&all, "Message")) {
        ("", _) => text,
        (code, None) => code.to_owned(),
        (code, Some(message)) => format!("{code}: {message}"),
    };
    (trouble, short(&said))
}

/// Whether another try may help.
pub(super) fn passes(error: &object_store::Error) -> bool {
    matches!(of(error).0, Trouble::Unreachable | Trouble::Silent | Trouble::Failing(_))
}

fn chain<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let error = next?;
        next = error.source();
        Some(error)
    })
}

fn http(error: &object_store::Error) -> Option<HttpErrorKind> {
    chain(error).find_map(|error| error.downcast_ref::<HttpError>()).map(HttpError::kind)
}

fn is_timeout(text: &str) -> bool {
    text.contains("timed out")
}

/// The status in the library's words, which it gives no other access to.
fn status(text: &str) -> Option<u16> {
    let behind = text.split_once("status code: ")?.1;
    behind.get(..3)?.parse().ok()
}

/// What an answer in XML has between two tags.
fn tag<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let behind = text.split_once(&format!("<{name}>"))?.1;
    Some(behind.split_once(&format!("</{name}>"))?.0)
}

/// One line of bounded length.
fn short(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(200).collect();
    line.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generic(text: &str) -> object_store::Error {
        object_store::Error::Generic { store: "S3", source: text.to_owned().into() }
    }

    #[test]
    fn words_of_stores() {
        for (text, trouble) in [
            ("Server returned non-2xx status code: 503 Service Unavailable: ", Trouble::Failing(503)),
            (
                "Server returned non-2xx status code: 403 Forbidden: <Error><Code>RequestTimeTooSkewed</Code>",
                Trouble::Clock,
            ),
            (
                "Server returned non-2xx status code: 404 Not Found: <Code>NoSuchBucket</Code><Message>No\nsuch</Message>",
                Trouble::NoBucket,
            ),
            ("Received redirect without LOCATION, this normally", Trouble::Elsewhere),
            ("status code: 4", Trouble::Other),
        ] {
            assert_eq!(of(&generic(text)).0, trouble, "{text}");
        }
        let said = of(&generic("<Code>A</Code><Message>b\nc</Message>")).1;
        assert_eq!(said, "A: b c");
    }
}
