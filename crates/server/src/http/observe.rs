//! One line per request: method, path without query, status, duration, the client's network. Never headers,
//! cookies, tickets or bodies.

use super::address;
use crate::Service;
use crate::client_data;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use std::sync::Arc;
use std::time::Instant;

/// A path without the secrets that some have in them: links to films, and stream keys behind application and
/// event.
fn shown(path: &str) -> String {
    let parts = |most| path.split('/').filter(|part| !part.is_empty()).take(most);
    match path {
        _ if path.starts_with("/v/") => "/v/{token}".to_owned(),
        _ if path.starts_with("/ingest/") => parts(3).map(|part| format!("/{part}")).collect(),
        _ => path.to_owned(),
    }
}

/// Finds out whom the request is from, logs and counts it when its answer begins.
pub(super) async fn log(State(service): State<Arc<Service>>, mut request: Request, next: Next) -> Response {
    let begun = Instant::now();
    address::resolve(&service, &mut request);
    let method = request.method().clone();
    let client = address::network(&service, &request);
    // The route, not the path: an operator's numbers must not grow with what callers invent.
    let route =
        request.extensions().get::<MatchedPath>().map_or("none".to_owned(), |m| m.as_str().to_owned());
    let path = shown(request.uri().path());
    // Bounded, and nothing that is acted on: anybody may write anything there.
    let told = client_data::without_told(request.uri().query().unwrap_or_default()).1;
    let told = told.filter(|_| tracing::enabled!(tracing::Level::DEBUG)).map(str::to_owned);
    let response = next.run(request).await;
    let status = response.status().as_u16();
    let elapsed = begun.elapsed();
    let ms = elapsed.as_millis() as u64;
    metrics::counter!("matinee_http_requests_total", "route" => route.clone(), "status" => status.to_string())
        .increment(1);
    metrics::histogram!("matinee_http_request_seconds", "route" => route).record(elapsed.as_secs_f64());
    if status >= 500 {
        tracing::error!(%method, path, status, ms, client, "request");
    } else {
        tracing::info!(%method, path, status, ms, client, "request");
    }
    if let Some(cmcd) = told {
        tracing::debug!(path, cmcd, "a player's client data");
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_and_stream_keys_are_not_shown() {
        assert_eq!(shown("/ingest/school/lecture/5ec2e7/v.cmfv"), "/ingest/school/lecture");
        assert_eq!(shown("/ingest//school/lecture//5ec2e7"), "/ingest/school/lecture");
        assert_eq!(shown("/v/5ec2e7/x"), "/v/{token}");
        assert_eq!(shown("/s/0/541/1811192541.mp4"), "/s/0/541/1811192541.mp4");
    }
}
