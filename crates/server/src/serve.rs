//! The process: listen, answer, stop in order.

use crate::{Clock, Config, Error, Service, http};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

/// How long running answers may take once the server is told to stop.
const GRACE: Duration = Duration::from_secs(10);
/// How often sessions and log lines that are over are forgotten.
const PURGE: Duration = Duration::from_secs(3600);
/// Seconds for which log lines and devices without slot are kept.
const LOG_LIFE: u64 = 90 * 86_400;

/// A server that listens but does not answer yet.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    service: Arc<Service>,
}

impl Server {
    /// Opens everything and binds. With port 0 and no configured `public_url`, the URL gets the port that was given.
    ///
    /// # Errors
    /// [`Error`], in words for the operator.
    pub async fn bind(mut config: Config, clock: Clock) -> Result<Self, Error> {
        let listener = TcpListener::bind(config.listen).await.map_err(|source| Error::Setting {
            name: "listen",
            reason: format!("cannot listen on {}: {source}", config.listen),
        })?;
        if config.listen.port() == 0 && config.public_url == "http://localhost:0" {
            let port =
                listener.local_addr().map_err(|_| Error::Internal("the socket has no address"))?.port();
            config.public_url = format!("http://localhost:{port}");
        }
        let service = Service::open(config, clock).await?;
        Ok(Self { listener, service: Arc::new(service) })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// [`Error::Internal`] when the socket has no address.
    pub fn address(&self) -> Result<SocketAddr, Error> {
        self.listener.local_addr().map_err(|_| Error::Internal("the socket has no address"))
    }

    /// What it serves.
    pub fn service(&self) -> &Service {
        &self.service
    }

    /// Answers until SIGINT or SIGTERM, then lets running answers end, for at most ten seconds.
    ///
    /// # Errors
    /// [`Error::Internal`] when the socket fails.
    pub async fn run(self) -> Result<(), Error> {
        self.run_until(stop_signal()).await
    }

    /// As [`Server::run`], until `stop` is ready.
    ///
    /// # Errors
    /// As [`Server::run`].
    pub async fn run_until(self, stop: impl Future<Output = ()> + Send + 'static) -> Result<(), Error> {
        let (stopping, stopped) = tokio::sync::watch::channel(false);
        let housekeeping = tokio::spawn(housekeep(Arc::clone(&self.service)));
        let app = http::router(self.service).into_make_service_with_connect_info::<SocketAddr>();
        let told = async move {
            stop.await;
            tracing::info!("stopping");
            let _ = stopping.send(true);
        };
        let server = axum::serve(self.listener, app).with_graceful_shutdown(told);
        let mut waiting = stopped.clone();
        let overtime = async move {
            if waiting.wait_for(|stopping| *stopping).await.is_ok() {
                tokio::time::sleep(GRACE).await;
            } else {
                std::future::pending::<()>().await;
            }
        };
        let result = tokio::select! {
            result = server.into_future() => result.map_err(|_| Error::Internal("the listening socket failed")),
            () = overtime => Ok(()),
        };
        housekeeping.abort();
        drop(stopped);
        result
    }
}

async fn housekeep(service: Arc<Service>) {
    let mut timer = tokio::time::interval(PURGE);
    loop {
        timer.tick().await;
        let now = service.clock.now();
        let purge = async {
            let mut tx = service.store.begin().await?;
            tx.purge(now, now.saturating_sub(LOG_LIFE)).await?;
            tx.commit().await
        };
        match purge.await {
            Ok(()) | Err(crate::store::StoreError::Absent) => {}
            Err(error) => tracing::warn!(%error, "could not forget what is over"),
        }
    }
}

async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = match signal(SignalKind::terminate()) {
        Ok(terminate) => terminate,
        Err(error) => {
            tracing::warn!(%error, "SIGTERM cannot be caught");
            return std::future::pending().await;
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}
