//! `/login` and `/logout`.

use super::error::JsonError;
use super::{address, body, cookies, pages};
use crate::Service;
use crate::use_case::login::{self, LoginFailure};
use axum::Router;
use axum::extract::{Form, FromRequest as _, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use nccp::json::Login;
use std::sync::Arc;

const MAX_BODY: usize = 8 * 1024;
const FORM: &str = "application/x-www-form-urlencoded";

pub(super) fn routes() -> Router<Arc<Service>> {
    Router::new().route("/login", get(pages::app).post(log_in)).route("/logout", post(log_out))
}

async fn log_in(State(service): State<Arc<Service>>, request: Request) -> Response {
    let (address, place) = (address::of(&request), address::place(&service, &request));
    let (parts, body) = request.into_parts();
    let headers = parts.headers.clone();
    let form = body::media_type(&headers) == FORM;
    let read = async {
        let bytes = body::read(&headers, body, MAX_BODY).await?;
        match body::media_type(&headers).as_str() {
            "application/json" => serde_json::from_slice::<Login>(&bytes).map_err(|_| JsonError::BAD_REQUEST),
            FORM => {
                let request = Request::from_parts(parts, bytes.into());
                let form = Form::<Login>::from_request(request, &()).await;
                form.map(|Form(login)| login).map_err(|_| JsonError::BAD_REQUEST)
            }
            _ => Err(JsonError::UNSUPPORTED),
        }
    };
    let login = match read.await {
        Ok(login) => login,
        Err(error) => return error.into_response(),
    };
    let next = login.next.clone();
    let browser = cookies::browser(&service.config, &headers);
    let agent = body::text(&headers, "user-agent").unwrap_or_default();
    let result = login::login(&service, login, address, &place, (browser.as_ref(), agent)).await;
    let outcome = match &result {
        Ok(_) => "done",
        Err(LoginFailure::Throttled(_)) => "throttled",
        Err(LoginFailure::Busy) => "busy",
        Err(LoginFailure::Other(_)) => "refused",
    };
    metrics::counter!("matinee_logins_total", "result" => outcome).increment(1);
    match result {
        Ok(session) => {
            let mut response = done(form, next.as_deref().filter(|next| is_ours(next)).unwrap_or("/library"));
            for cookie in cookies::begin(&service.config, &session) {
                response.headers_mut().append(header::SET_COOKIE, cookie);
            }
            response
        }
        Err(failure) => refusal(failure).into_response(),
    }
}

pub(super) fn refusal(failure: LoginFailure) -> JsonError {
    match failure {
        LoginFailure::Throttled(throttled) => throttled.into(),
        LoginFailure::Busy => JsonError::BUSY,
        LoginFailure::Other(failure) => failure.into(),
    }
}

async fn log_out(State(service): State<Arc<Service>>, headers: HeaderMap) -> Response {
    let session = cookies::session(&service.config, &headers);
    if let Err(failure) = login::logout(&service, session.as_ref()).await {
        return JsonError::from(failure).into_response();
    }
    let mut response = done(body::media_type(&headers) == FORM, "/login");
    for cookie in cookies::end(&service.config) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

fn done(form: bool, next: &str) -> Response {
    let mut response =
        if form { Redirect::to(next).into_response() } else { StatusCode::NO_CONTENT.into_response() };
    response.headers_mut().insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    response
}

/// A path of this site: one leading slash, nothing that a browser would take for a host.
fn is_ours(next: &str) -> bool {
    let mut bytes = next.bytes();
    bytes.next() == Some(b'/')
        && !matches!(bytes.next(), Some(b'/' | b'\\'))
        && next.bytes().all(|b| (0x21..=0x7E).contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_queue_says_when_to_come_again() {
        let response = refusal(LoginFailure::Busy).into_response();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()[header::RETRY_AFTER], "2");
    }

    /// A3: `next` never leads off the site.
    #[test]
    fn next_stays_here() {
        for good in ["/", "/library", "/watch?movieid=1", "/a//b"] {
            assert!(is_ours(good), "{good}");
        }
        for bad in [
            "",
            "library",
            "https://evil",
            "//evil",
            "/\\evil",
            "\\/evil",
            "/\tevil",
            "/ evil",
            "/é",
            "/a\r\nX: y",
        ] {
            assert!(!is_ours(bad), "{bad}");
        }
    }
}
