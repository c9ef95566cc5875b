//! `GET /steering`: content steering (RFC 8216bis, section 7; ETSI TS 103 998): in which order players of
//! others are to use the CDNs. Anyone may ask; it says what every manifest says.

use crate::Service;
use crate::secret::random_hex;
use crate::use_case::cdns;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use serde_json::json;
use std::sync::Arc;

/// Seconds after which a player asks again.
const TTL: u64 = 300;

pub(super) fn routes() -> Router<Arc<Service>> {
    Router::new().route(cdns::STEERING, get(steer))
}

/// `s=` 16 lowercase hex digits names a draw; what players add (`_HLS_…`, `_DASH_…`) changes nothing: a
/// player leaves a CDN that fails by itself, for the next in this order.
async fn steer(State(service): State<Arc<Service>>, uri: Uri) -> Response {
    let query = uri.query().unwrap_or_default();
    let mut fields = query.split('&').filter_map(|field| field.split_once('='));
    let given = fields.find(|(name, _)| *name == "s").map(|(_, seed)| seed);
    let (seed, reload) = match given {
        Some(text) => (seed_of(text), None),
        None => {
            let text = random_hex::<8>();
            (seed_of(&text), Some(format!("steering?s={text}")))
        }
    };
    let Some(seed) = seed else {
        return (StatusCode::BAD_REQUEST, [(header::CACHE_CONTROL, "no-store")], "Bad Request\n")
            .into_response();
    };
    let tokens = service.url_tokens();
    let order = cdns::ordered(&service.config, &tokens, seed);
    let order: Vec<String> = order.iter().map(|cdn| cdn.id.to_string()).collect();
    let mut steering = json!({"VERSION": 1, "TTL": TTL, "PATHWAY-PRIORITY": order});
    if let Some(reload) = reload {
        steering["RELOAD-URI"] = reload.into();
    }
    // As the first edition for DASH called it.
    if query.contains("_DASH_") {
        steering["SERVICE-LOCATION-PRIORITY"] = steering["PATHWAY-PRIORITY"].clone();
    }
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
        (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("cross-origin")),
    ];
    (headers, steering.to_string()).into_response()
}

fn seed_of(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    (text.len() == 16 && digits).then(|| u64::from_str_radix(text, 16).ok())?
}
