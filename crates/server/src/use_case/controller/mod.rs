//! The controller's envelope: authentic, in time, in sequence, then message by message (docs/protocol.md,
//! section 2).

mod conversation;

use super::at_hand::with_films;
use super::entitlement::Entitlements;
use super::login::{self, SessionCookies};
use super::playback;
use super::verify::{self, Audience, CLOCK_TOLERANCE, Proof, RENEWABLE};
use super::{Failure, audit, license, networks};
use crate::Service;
use crate::region::Place;
use crate::secret::CookieSecret;
use conversation::{Challenges, Conversation};
use nccp::{Answer, ErrorCode, Request, RequestMessage, Response};

/// A request as it came by HTTP.
#[derive(Debug)]
pub(crate) struct Envelope<'a> {
    pub(crate) body: &'a [u8],
    pub(crate) ticket: Option<&'a str>,
    pub(crate) signature: Option<&'a str>,
    pub(crate) session: Option<&'a SessionCookies>,
    pub(crate) browser: Option<&'a CookieSecret>,
    /// The page's origin, where the browser says.
    pub(crate) origin: Option<&'a str>,
    /// Where the request comes from.
    pub(crate) place: &'a Place,
    /// Who is answered where it came in.
    pub(crate) audience: Audience,
}

/// The answer and what goes into its headers.
#[derive(Debug)]
pub(crate) struct ControllerAnswer {
    pub(crate) status: u16,
    pub(crate) response: Response,
    /// A ticket that was issued.
    pub(crate) ticket: Option<String>,
    /// The browser's cookie, set by a registration.
    pub(crate) browser: Option<CookieSecret>,
}

impl ControllerAnswer {
    pub(crate) fn refused(status: u16, sequence: u64, time: u64, code: ErrorCode) -> Self {
        Self { status, response: Response::refused(sequence, time, code), ticket: None, browser: None }
    }
}

/// Answers an envelope.
pub(crate) async fn handle(service: &Service, envelope: Envelope<'_>) -> ControllerAnswer {
    let now = service.clock.now();
    let request = match Request::parse(envelope.body) {
        Ok(request) => request,
        Err(refused) => {
            let status = if refused.error == nccp::Error::TooLarge { 413 } else { 400 };
            return ControllerAnswer::refused(status, refused.sequence, now, ErrorCode::RequestInvalid);
        }
    };
    let sequence = request.sequence.get();
    let refused = |status, code| ControllerAnswer::refused(status, sequence, now, code);
    let (ticket, signature) = (envelope.ticket, envelope.signature);
    let proof =
        verify::authenticate(service, &request, envelope.body, ticket, signature, envelope.audience, now);
    let Ok(proof) = proof else { return refused(401, ErrorCode::NotAuthentic) };
    // `ping` alone tells the time to whoever asks, however wrong their clock.
    if !matches!(proof, Proof::None) && request.time.abs_diff(now) > CLOCK_TOLERANCE {
        return refused(200, ErrorCode::ClockSkew);
    }
    if let Proof::Ticket { ticket, .. } = &proof
        && let Some(code) = ticket_over(&request, ticket.expires, now)
    {
        return refused(200, code);
    }
    match &proof {
        Proof::Revoked(ticket) => {
            let entry = audit::envelope(ticket, ErrorCode::CertificateInvalid, envelope.place, now);
            audit::alone(service, entry).await;
        }
        // Whose it was, the session says; without one, nobody knows.
        Proof::BadCertificate => {
            if let Ok(account) = login::session(service, envelope.session).await {
                audit::certificate_refused(service, account.id, envelope.place).await;
            }
        }
        _ => {}
    }
    let envelope = &envelope;
    let asked = Entitlements::of_request(service, &request, &proof, envelope.session, envelope.place).await;
    let entitlements = match &asked {
        Ok(entitlements) => entitlements,
        Err(_) => return refused(200, ErrorCode::TryLater),
    };
    let challenges = verify_challenges(service, &request, now);
    let attempt = async || {
        let asked = (entitlements, &challenges);
        let mut conversation = Conversation::new(service, envelope, asked, now, request.sequence);
        let answers = conversation.answer(&request, &proof).await?;
        let answer = ControllerAnswer {
            status: 200,
            response: Response { sequence, time: now, outcome: nccp::Outcome::Answers(answers) },
            ticket: conversation.ticket,
            browser: conversation.browser,
        };
        Ok::<_, Failure>((answer, conversation.reports, conversation.moves))
    };
    match with_films!(service, attempt()) {
        Ok((answer, reports, moves)) => {
            count(&answer.response);
            // Only what is committed counts, and once, however often the transaction ran.
            reports.iter().for_each(playback::Report::count);
            moves.iter().for_each(|(device, whereabouts)| networks::tell(device, Some(*whereabouts)));
            answer
        }
        Err(failure) => {
            audit::envelope_refused(service, &proof, &failure, envelope.place).await;
            refused(200, failure.code())
        }
    }
}

/// Verifies the challenges of an authentic request: once, and outside of its transaction.
fn verify_challenges(service: &Service, request: &Request, now: u64) -> Challenges {
    let challenge = |(at, message): (usize, &RequestMessage)| match message {
        RequestMessage::License { challenge, .. } => {
            Some((at, license::verify_challenge(service, challenge, now)))
        }
        _ => None,
    };
    request.messages.iter().enumerate().filter_map(challenge).collect()
}

fn count(response: &Response) {
    let nccp::Outcome::Answers(answers) = &response.outcome else { return };
    for answer in answers {
        let (message, result) = match answer {
            Answer::Done(done) => (done.name(), "done"),
            Answer::Failed { message, error } => (*message, error.code.as_str()),
        };
        let labels = [("message", message.as_str()), ("result", result)];
        metrics::counter!("matinee_messages_total", &labels).increment(1);
    }
}

/// Whether the ticket's time is over for this request.
fn ticket_over(request: &Request, expires: u64, now: u64) -> Option<ErrorCode> {
    if now < expires {
        return None;
    }
    let first = request.messages.iter().find(|message| !matches!(message, RequestMessage::Ping));
    let renewal = matches!(first, Some(RequestMessage::AuthenticationRenewal { .. }));
    if renewal && now - expires <= RENEWABLE { None } else { Some(ErrorCode::TicketExpired) }
}
