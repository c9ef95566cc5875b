//! `matinee serve`.

use crate::{Failure, output};
use std::io::IsTerminal as _;

use server::{Clock, Config, HOW_TO_BUILD, Role, Server};
use tracing_subscriber::EnvFilter;

pub(crate) fn run(config: Config) -> Result<(), Failure> {
    let filter = EnvFilter::try_from_env("MATINEE_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let colours = std::io::stderr().is_terminal();
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(std::io::stderr).init();
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
        let address = server.address()?;
        // For people and for programs that started us with port 0: what is served, and where.
        output::line(&format!("Listening on {address} for {}", service.config().public_url))?;
        server.run().await.map_err(Failure::from)
    });
    // A blocking password hash must not keep a stopped server alive.
    runtime.shutdown_background();
    done
}
