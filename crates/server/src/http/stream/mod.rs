//! `GET /stream/{set}/{content}`: the way into a persistent connection, behind a URL token like media.

mod connection;

use super::{address, body};
use crate::catalogue::Pack;
use crate::config::Application;
use crate::listen::Tie;
use crate::media_url::{self, Door, Refusal, StreamPath};
use crate::store::Movie;
use crate::stream::Place;
use crate::use_case::{Failure, streaming};
use crate::{Service, config, throttle};
use axum::Router;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{FromRequestParts as _, Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use nccp::ErrorCode;
use nccp::stream::{MAX_ASK, SUBPROTOCOL};
use std::borrow::Cow;
use std::sync::Arc;

pub(super) fn routes() -> Router<Arc<Service>> {
    Router::new().route("/stream/{*path}", any(connect))
}

/// What a client was let in for.
#[derive(Debug)]
struct Admitted {
    application: Application,
    /// As the URL names it.
    content: String,
    movie: Movie,
    pack: Arc<Pack>,
    /// When the URL ends, Unix seconds.
    expires: u64,
    _place: Place,
}

/// Why there is no connection, in words.
struct Refused(StatusCode, Cow<'static, str>);

impl Refused {
    const NOTHING: Self = Self::new(StatusCode::NOT_FOUND, "There is nothing like that to be streamed.");

    const fn new(status: StatusCode, text: &'static str) -> Self {
        Self(status, Cow::Borrowed(text))
    }
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        let told = failure.told();
        let status = match told.code {
            ErrorCode::TryLater => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::FORBIDDEN,
        };
        Self(status, told.text.into())
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Unclean => Self::new(StatusCode::BAD_REQUEST, "Bad Request"),
            Refusal::Expired => Self::new(StatusCode::BAD_REQUEST, "Bad Request: this URL has expired."),
            Refusal::Forbidden => Self::new(StatusCode::FORBIDDEN, "Forbidden"),
            Refusal::NotFound => Self::NOTHING,
        }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let Self(status, text) = self;
        let mut response =
            (status, [(header::CACHE_CONTROL, "no-store")], format!("{text}\n")).into_response();
        let headers = response.headers_mut();
        if status == StatusCode::METHOD_NOT_ALLOWED {
            headers.insert(header::ALLOW, HeaderValue::from_static("GET"));
        }
        if status == StatusCode::UPGRADE_REQUIRED {
            headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
            headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        }
        response
    }
}

async fn connect(State(service): State<Arc<Service>>, request: Request) -> Result<Response, Refused> {
    let from = throttle::network(address::of(&request));
    let (mut request, _) = request.into_parts();
    if request.method != Method::GET {
        return Err(Refused::new(StatusCode::METHOD_NOT_ALLOWED, "Only GET is understood."));
    }
    let set = request.uri.path().split('/').nth(2).unwrap_or_default();
    if set == config::LIVE {
        return Err(Refused::new(StatusCode::FORBIDDEN, streaming::ONLY_FILMS));
    }
    let mut applications = service.config.stream.applications().into_iter();
    let application = applications.find(|application| application.name == set && application.enabled);
    let application = application.ok_or(Refused::NOTHING)?;
    let (tokens, now) = (service.url_tokens(), service.clock.now());
    let doors = [Door { signer: tokens.own(), bases: streaming::bases(&service.config) }];
    let uri = &request.uri;
    let granted = media_url::verify_stream(&doors, uri.path(), uri.query(), now)?;
    if !application.lets(body::text(&request.headers, "origin")) {
        return Err(Refused::new(StatusCode::FORBIDDEN, "This player is not among those that may."));
    }
    let StreamPath { content, .. } = granted.path;
    let found = streaming::find(&service, &application, &content).await?;
    let (movie, pack) = found.ok_or(Refused::NOTHING)?;
    streaming::check_policy(&movie)?;
    // All who got a manifest in the same hour have the same token.
    let caller = format!("{from} {}", uri.query().unwrap_or_default());
    let tie = request.extensions.get::<Tie>().cloned();
    let upgrade = WebSocketUpgrade::from_request_parts(&mut request, &service)
        .await
        .map_err(|_| Refused::new(StatusCode::UPGRADE_REQUIRED, "This is for WebSocket."))?
        .protocols([SUBPROTOCOL])
        .max_message_size(MAX_ASK)
        .max_frame_size(MAX_ASK);
    if upgrade.selected_protocol().is_none() {
        let text = format!("Name the subprotocol {SUBPROTOCOL}.");
        return Err(Refused(StatusCode::BAD_REQUEST, text.into()));
    }
    let most = service.config.stream.connections_per_token;
    let place = service.streams.places.enter(&caller, most).ok_or(Refused::new(
        StatusCode::TOO_MANY_REQUESTS,
        "From here this URL has as many connections as it may have.",
    ))?;
    let admitted = Admitted { application, content, movie, pack, expires: granted.expires, _place: place };
    Ok(upgrade.on_upgrade(move |socket| connection::serve(service, admitted, socket, tie)))
}
