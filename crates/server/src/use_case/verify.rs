//! Whether a request is authentic: decided before the database is touched.

use crate::Service;
use crate::secret::{from_base64url, sha256};
use crate::ticket::Ticket;
use license::{CheckedDevice, KeyLevel, SigningPoint};
use nccp::{Register, Request, RequestMessage, signing_input};
use std::sync::Arc;

/// Seconds by which a client's clock may differ.
pub(crate) const CLOCK_TOLERANCE: u64 = 300;
/// Seconds after its end for which a ticket can be renewed.
pub(crate) const RENEWABLE: u64 = 30 * 86_400;

/// What authenticates a request.
#[derive(Debug)]
pub(crate) enum Proof {
    /// It holds only `ping`.
    None,
    /// A ticket and a signature by the key in it.
    Ticket { ticket: Box<Ticket>, text: String },
    /// A registration: a certificate and a signature by its key.
    Certificate(Arc<CheckedDevice>),
    /// A registration whose certificate does not hold: the client is told to individualize.
    BadCertificate,
    /// A ticket whose keys were revoked, and a signature by them: the client is told the same.
    Revoked(Box<Ticket>),
}

/// Ticket or signature is missing, malformed or not authentic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotAuthentic;

/// Who is answered where a request came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Audience {
    /// Browsers and boxes.
    Everybody,
    /// Boxes have a listener of their own: A125.
    Browsers,
    /// This is it.
    Boxes,
}

impl Audience {
    pub(crate) fn admits(self, level: KeyLevel) -> bool {
        match self {
            Self::Everybody => true,
            Self::Browsers => level != KeyLevel::Box,
            Self::Boxes => level == KeyLevel::Box,
        }
    }

    /// The controller's URL there: part of what is signed.
    fn controller_url(self, service: &Service) -> String {
        match (self, &service.config.boxes.url) {
            (Self::Boxes, Some(url)) => format!("{url}{}", nccp::CONTROLLER_PATH),
            _ => service.config.controller_url(),
        }
    }
}

/// Checks ticket and signature of a request.
pub(crate) fn authenticate(
    service: &Service,
    request: &Request,
    body: &[u8],
    ticket_text: Option<&str>,
    signature: Option<&str>,
    audience: Audience,
    now: u64,
) -> Result<Proof, NotAuthentic> {
    let first = request.messages.iter().find(|message| !matches!(message, RequestMessage::Ping));
    let signed = |key: &SigningPoint| {
        let signature: [u8; 64] =
            signature.and_then(from_base64url).and_then(|s| s.try_into().ok()).ok_or(NotAuthentic)?;
        let ticket_sha256 = sha256(ticket_text.unwrap_or_default().as_bytes());
        let input = signing_input(&audience.controller_url(service), &sha256(body), &ticket_sha256);
        key.verify(input.as_bytes(), &signature).map_err(|_| NotAuthentic)
    };
    match first {
        None => Ok(Proof::None),
        Some(
            message @ (RequestMessage::Register(Register { certificate, .. })
            | RequestMessage::ActivationCode { certificate }),
        ) => {
            let for_box = matches!(message, RequestMessage::ActivationCode { .. });
            match service.keys().verify_device(certificate, now) {
                Ok(device)
                    if (device.certificate.level == KeyLevel::Box) == for_box
                        && audience.admits(device.certificate.level) =>
                {
                    signed(&device.point)?;
                    Ok(Proof::Certificate(device))
                }
                _ => Ok(Proof::BadCertificate),
            }
        }
        Some(_) => {
            let (ticket, text) = open_ticket(service, ticket_text)?;
            signed(&ticket.point)?;
            if request.device.as_ref() != Some(&ticket.device) || !audience.admits(ticket.level) {
                return Err(NotAuthentic);
            }
            if is_revoked(service, &ticket) {
                return Ok(Proof::Revoked(Box::new(ticket)));
            }
            Ok(Proof::Ticket { ticket: Box::new(ticket), text })
        }
    }
}

/// Whether nobody trusts the ticket's keys any more.
pub(crate) fn is_revoked(service: &Service, ticket: &Ticket) -> bool {
    service.keys().revoked.holds(ticket.component, ticket.point.compressed().as_bytes())
}

/// Opens a ticket header; whether it is over, or its keys were revoked, is not asked.
pub(crate) fn open_ticket(service: &Service, text: Option<&str>) -> Result<(Ticket, String), NotAuthentic> {
    let text = text.ok_or(NotAuthentic)?;
    let ticket = service.keys().tickets.open(text).ok_or(NotAuthentic)?;
    Ok((ticket, text.to_owned()))
}

/// A device's sequence number was heard before, or does not fit. The operator should see it: this is how
/// copies of one device show themselves.
pub(crate) fn out_of_order(device: &str, of: &'static str) {
    tracing::warn!(device, of, "sequence number out of order");
    metrics::counter!("matinee_sequence_refused_total").increment(1);
}
