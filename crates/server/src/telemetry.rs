//! Numbers for operators: Prometheus text on a listener of its own.

use crate::{Config, Error};
use axum::Router;
use axum::http::header;
use axum::routing::get;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use std::net::SocketAddr;
use std::sync::OnceLock;
use std::time::Duration;
use tokio::net::TcpListener;

/// Where `/metrics` is, unless configured.
const DEFAULT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 9464);
/// Upper bounds of the histograms of seconds.
const SECONDS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// How often what was counted is condensed, so that memory does not grow when nobody asks for it.
const UPKEEP: Duration = Duration::from_secs(5);

static HANDLE: OnceLock<Option<PrometheusHandle>> = OnceLock::new();

/// Binds the listener for `/metrics`, and begins to count. The default one is left out where its port is
/// taken (another server of this machine has it) and where the server itself listens on any free port.
pub(crate) async fn listen(config: &Config) -> Result<Option<TcpListener>, Error> {
    let wanted = config.metrics.listen;
    if config.metrics.off || (wanted.is_none() && config.listen.port() == 0) {
        return Ok(None);
    }
    let listener = match (TcpListener::bind(wanted.unwrap_or(DEFAULT)).await, wanted) {
        (Ok(listener), _) => listener,
        (Err(source), Some(address)) => {
            let reason = format!("cannot listen on {address}: {source}");
            return Err(Error::Setting { name: "metrics.listen", reason });
        }
        (Err(error), None) => {
            tracing::warn!(%error, "no /metrics: {DEFAULT} is taken; name another address in metrics.listen");
            return Ok(None);
        }
    };
    install();
    Ok(Some(listener))
}

/// One recorder a process.
fn install() -> Option<&'static PrometheusHandle> {
    let make = || {
        let suffix = Matcher::Suffix("_seconds".to_owned());
        let builder = PrometheusBuilder::new().set_buckets_for_metric(suffix, SECONDS).ok()?;
        let handle = builder.install_recorder().ok()?;
        describe();
        Some(handle)
    };
    HANDLE.get_or_init(make).as_ref()
}

/// Condenses what was counted, for ever. Returns at once where nothing is counted.
pub(crate) async fn upkeep() {
    let Some(Some(handle)) = HANDLE.get() else { return };
    let mut timer = tokio::time::interval(UPKEEP);
    loop {
        timer.tick().await;
        handle.run_upkeep();
    }
}

fn describe() {
    use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};
    describe_counter!("matinee_http_requests_total", "Requests by route and status");
    describe_histogram!("matinee_http_request_seconds", Unit::Seconds, "Time to the beginning of the answer");
    describe_counter!("matinee_connections_refused_total", "Connections of peers that have too many");
    describe_counter!("matinee_player_reports_total", "What players report (CMCD, event mode) by event");
    describe_counter!("matinee_reloads_total", "Readings of changed files by part and result");
    describe_counter!("matinee_messages_total", "Controller messages by name and result");
    describe_counter!(
        "matinee_sequence_refused_total",
        "Envelopes and challenges out of sequence: copied or restored device data"
    );
    describe_counter!(
        "matinee_device_networks_total",
        "Devices that came to a further network within an hour, by how many it then was"
    );
    describe_counter!("matinee_networks_refused_total", "Requests of devices that were in too many networks");
    describe_counter!("matinee_api_keys_refused_total", "Requests with an API key that is not valid");
    describe_counter!("matinee_grants_total", "Grants made for pages of other sites");
    describe_counter!(
        "matinee_grants_refused_total",
        "Registrations whose grant is over, or not for this page"
    );
    describe_counter!("matinee_streams_refused_total", "Requests of accounts that play enough already");
    describe_counter!(
        "matinee_transactions_joined_total",
        "Transactions that SQLite committed together with others"
    );
    describe_counter!("matinee_logins_total", "Logins by result");
    describe_counter!("matinee_authorizer_total", "Questions to the operator's authorizer by answer");
    describe_counter!("matinee_player_events_total", "Reports of the player by event");
    describe_counter!("matinee_player_stalls_total", "Times that playback waited for data");
    describe_counter!("matinee_player_switches_total", "Changes of representation");
    describe_counter!("matinee_player_dropped_frames_total", "Frames that were not shown");
    describe_counter!("matinee_player_frames_total", "Frames decoded");
    describe_counter!("matinee_player_errors_total", "Errors that ended playback");
    describe_histogram!("matinee_player_startup_seconds", Unit::Seconds, "From the click to the first frame");
    describe_gauge!("matinee_build_info", "The version");
    metrics::gauge!("matinee_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
}

/// `GET /metrics`.
pub(crate) fn router() -> Router {
    let render = async || {
        let handle = install();
        let text = handle.map(PrometheusHandle::render);
        ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text.unwrap_or_default())
    };
    Router::new().route("/metrics", get(render))
}
