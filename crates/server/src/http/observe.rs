//! One line per request: method, path without query, status, duration, the client's network. Never headers, cookies, tickets or
//! bodies.

use super::address;
use crate::Service;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use std::sync::Arc;
use std::time::Instant;

/// Logs and counts the request when its answer begins.
pub(super) async fn log(State(service): State<Arc<Service>>, request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let method = request.method().clone();
    let client = address::network(&service, &request);
    // The route, not the path: an operator's numbers must not grow with what callers invent.
    let route =
        request.extensions().get::<MatchedPath>().map_or("none".to_owned(), |m| m.as_str().to_owned());
    // A link is a secret; its route is none.
    let path = match route.as_str() {
        "/v/{token}" => route.clone(),
        _ => request.uri().path().to_owned(),
    };
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
    response
}
