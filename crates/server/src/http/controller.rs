//! `POST /nccp/controller` and `POST /license`.

use super::body::{self, BodyError};
use super::error::JsonError;
use super::{COSE, address, cookies};
use crate::Service;
use crate::use_case::controller::{self, ControllerAnswer, Envelope};
use crate::use_case::license;
use crate::use_case::verify::Audience;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use nccp::{CONTROLLER_PATH, ErrorCode, POLICY_VERSION_HEADER, SIGNATURE_HEADER, TICKET_HEADER};
use std::sync::Arc;

/// Octets of an envelope.
const MAX_ENVELOPE: usize = 256 * 1024;
/// Octets of a challenge.
const MAX_CHALLENGE: usize = 16 * 1024;

/// The routes where `audience` is answered.
pub(super) fn routes(audience: Audience) -> Router<Arc<Service>> {
    let envelope = move |State(service), request| post_envelope(service, audience, request);
    let license = move |State(service), request| post_license(service, audience, request);
    Router::new().route(CONTROLLER_PATH, post(envelope)).route("/license", post(license))
}

async fn post_envelope(service: Arc<Service>, audience: Audience, request: Request) -> Response {
    let now = service.clock.now();
    let refused = |status, code| respond(&service, ControllerAnswer::refused(status, 0, now, code));
    if let Err(throttled) = service.throttle.request(address::of(&request)) {
        let mut response = refused(429, ErrorCode::TryLater);
        response.headers_mut().insert(header::RETRY_AFTER, throttled.0.into());
        return response;
    }
    let place = address::place(&service, &request);
    let (parts, body) = request.into_parts();
    if !is_plain_xml(&parts.headers) {
        return refused(415, ErrorCode::RequestInvalid);
    }
    let single = |name| body::single(&parts.headers, name);
    let (Ok(ticket), Ok(signature)) = (single(TICKET_HEADER), single(SIGNATURE_HEADER)) else {
        return refused(400, ErrorCode::RequestInvalid);
    };
    let body = match body::read(&parts.headers, body, MAX_ENVELOPE).await {
        Ok(body) => body,
        Err(BodyError::TooLarge) => return refused(413, ErrorCode::RequestInvalid),
        Err(BodyError::Broken) => return refused(400, ErrorCode::RequestInvalid),
    };
    let session = cookies::session(&service.config, &parts.headers);
    let browser = cookies::browser(&service.config, &parts.headers);
    let envelope = Envelope {
        body: &body,
        ticket,
        signature,
        session: session.as_ref(),
        browser: browser.as_ref(),
        origin: body::text(&parts.headers, "origin"),
        place: &place,
        audience,
    };
    respond(&service, controller::handle(&service, envelope).await)
}

/// `application/xml`, UTF-8, not compressed.
fn is_plain_xml(headers: &HeaderMap) -> bool {
    let parameters = body::text(headers, "content-type").unwrap_or_default().split(';').skip(1);
    let utf8 = parameters.filter_map(|p| p.trim().split_once('=')).all(|(name, value)| {
        !name.eq_ignore_ascii_case("charset") || value.trim_matches('"').eq_ignore_ascii_case("utf-8")
    });
    utf8 && body::is_plain(headers, nccp::CONTENT_TYPE)
}

/// What another site's page gets: an answer of the protocol, as for everything here.
pub(super) fn refuse_origin(service: &Service) -> Response {
    let now = service.clock.now();
    respond(service, ControllerAnswer::refused(403, 0, now, ErrorCode::OriginRefused))
}

fn respond(service: &Service, answer: ControllerAnswer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers =
        [(header::CONTENT_TYPE, "application/xml; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
    let mut response = (status, headers, answer.response.to_xml()).into_response();
    if let Some(Ok(mut ticket)) = answer.ticket.map(HeaderValue::try_from) {
        ticket.set_sensitive(true);
        response.headers_mut().insert(HeaderName::from_static("x-cticket"), ticket);
    }
    if let Some(browser) = answer.browser {
        response
            .headers_mut()
            .append(header::SET_COOKIE, cookies::remember_browser(&service.config, &browser));
    }
    response
}

async fn post_license(
    service: Arc<Service>,
    audience: Audience,
    request: Request,
) -> Result<Response, JsonError> {
    service.throttle.request(address::of(&request))?;
    let place = address::place(&service, &request);
    let (parts, body) = request.into_parts();
    if !body::is_plain(&parts.headers, COSE) {
        return Err(JsonError::UNSUPPORTED);
    }
    let ticket = body::single(&parts.headers, TICKET_HEADER)?;
    let challenge = body::read(&parts.headers, body, MAX_CHALLENGE).await?;
    let origin = body::text(&parts.headers, "origin");
    let issued = license::issue_raw(&service, audience, ticket, &challenge, origin, &place).await.map_err(
        |failure| {
            let error = JsonError::from(failure);
            // Docs: 401 says that the ticket is not authentic, everything else is 403.
            match error.status {
                StatusCode::SERVICE_UNAVAILABLE => error,
                _ if error.code == ErrorCode::NotAuthentic => error,
                _ => JsonError { status: StatusCode::FORBIDDEN, ..error },
            }
        },
    )?;
    let license::Issued { license, policy_version, .. } = issued;
    let headers =
        [("content-type", COSE), ("cache-control", "no-store"), (POLICY_VERSION_HEADER, &policy_version)];
    Ok((headers, license).into_response())
}
