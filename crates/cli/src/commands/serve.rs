//! `matinee serve`.

use crate::{Failure, output};
use std::io::IsTerminal as _;

use server::{Clock, Config, HOW_TO_BUILD, LogFormat, Role, Server};
use tracing_subscriber::EnvFilter;

pub(crate) fn run(config: Config) -> Result<(), Failure> {
    let filter = EnvFilter::try_from_env("MATINEE_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let colours = std::io::stderr().is_terminal();
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match config.log.format {
        LogFormat::Text => log.with_ansi(colours).init(),
        LogFormat::Json => log.json().with_ansi(false).flatten_event(true).init(),
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|e| Failure::Command(format!("cannot start: {e}")))?;
    let done = runtime.block_on(async {
        let server = Server::bind(config, Clock::System).await?;
        let service = server.service();
        if service.config().has(Role::Site) && !service.has_site() {
            tracing::warn!("{HOW_TO_BUILD}");
        }
        if service.config().is_plain_http() {
            let url = &service.config().public_url;
            tracing::warn!(
                "{url} is plain http: for trusted networks only. Whoever is on the network can read cookies and change pages; browsers \
                 keep device keys at level `software`, with the module `decryptor-compat`. For anything else configure [tls], or put a \
                 proxy with https in front"
            );
        }
        let address = server.address()?;
        // For people and for programs that started us with port 0: what is served, and where.
        output::line(&format!("Listening on {address} for {}", service.config().public_url))?;
        if let Some(boxes) = server.boxes_address() {
            tracing::info!(address = %boxes, "boxes");
        }
        if let Some(metrics) = server.metrics_address() {
            tracing::info!(address = %metrics, "metrics");
        }
        if let Some(encoders) = server.ingest_address() {
            tracing::info!(address = %encoders, "encoders by HTTP");
        }
        for (address, by) in server.rtmp_addresses().into_iter().zip(["RTMP", "RTMPS"]) {
            if let Some(address) = address {
                tracing::info!(%address, "encoders by {by}");
            }
        }
        server.run().await.map_err(Failure::from)
    });
    // A blocking password hash must not keep a stopped server alive.
    runtime.shutdown_background();
    done
}
