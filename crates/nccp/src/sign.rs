//! What a device signs over a request, and the sealing of messages into an envelope.

use crate::ids::{DeviceId, Sequence};
use crate::xml::{NAMESPACE, escape_into};
use base64ct::{Base64UrlUnpadded, Encoding as _};

/// Header that carries the ticket, both ways.
pub const TICKET_HEADER: &str = "X-CTicket";
/// Header with what names a license's rules, beside a license of `POST /license`.
pub const POLICY_VERSION_HEADER: &str = "X-Policy-Version";
/// Header that carries the request signature: base64url of r‖s.
pub const SIGNATURE_HEADER: &str = "X-NCCP-Signature";
/// Content type of requests and answers.
pub const CONTENT_TYPE: &str = "application/xml";
/// Path of the controller under the public URL.
pub const CONTROLLER_PATH: &str = "/nccp/controller";

/// The octets that `X-NCCP-Signature` signs (docs/protocol.md, section 2): five lines joined by LF, none
/// after the last.
///
/// `controller_url` is the public one, as the site's configuration names it; `body_sha256` covers the body's
/// octets, `ticket_sha256` the text of the ticket header (of zero octets without one).
pub fn signing_input(controller_url: &str, body_sha256: &[u8; 32], ticket_sha256: &[u8; 32]) -> String {
    let body = Base64UrlUnpadded::encode_string(body_sha256);
    let ticket = Base64UrlUnpadded::encode_string(ticket_sha256);
    format!("matinee-nccp-1\nPOST\n{controller_url}\n{body}\n{ticket}")
}

/// Wraps composed messages into a request.
///
/// `messages_xml` are elements with the prefix `nccp`, as
/// [`RequestMessage::to_xml`](crate::RequestMessage::to_xml) writes them, one after the other; `time` is in
/// Unix seconds; `client` names the software, as `matinee-web/0.1.0`.
pub fn seal_envelope(
    device: Option<&DeviceId>,
    sequence: Sequence,
    time: u64,
    client: &str,
    messages_xml: &str,
) -> String {
    let mut out = String::with_capacity(messages_xml.len() + 256);
    out.push_str("<nccp:request xmlns:nccp=\"");
    out.push_str(NAMESPACE);
    out.push('"');
    if let Some(device) = device {
        out.push_str(" device=\"");
        escape_into(device.as_str(), &mut out);
        out.push('"');
    }
    out.push_str(&format!(" sequence=\"{sequence}\" time=\"{time}\" client=\""));
    escape_into(client, &mut out);
    out.push_str("\">");
    out.push_str(messages_xml);
    out.push_str("</nccp:request>");
    out
}
