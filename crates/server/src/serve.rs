//! The process: listen, answer, stop in order.

use crate::listen::{Endpoint, Peers, room_for};
use crate::live::{Live, unfit_encoder};
use crate::reload::Hangup;
use crate::rtmp::Publish;
use crate::store::retried;
use crate::tls::TlsIdentity;
use crate::{Clock, Config, Error, Role, Service, http, reload, telemetry};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};

/// How long running answers may take once the server is told to stop.
const GRACE: Duration = Duration::from_secs(10);
/// How long the database may take to close.
const CLOSE: Duration = Duration::from_secs(2);
/// How often live events are looked at.
const LOOK: Duration = Duration::from_secs(1);
/// Connections for `/metrics`.
const OPERATORS: usize = 16;
/// How often sessions and log lines that are over are forgotten.
const PURGE: Duration = Duration::from_secs(3600);
/// Time before the domains' keys are looked at, and between making two.
const BEFORE_DOMAINS: Duration = Duration::from_secs(10);
const BETWEEN_DOMAINS: Duration = Duration::from_secs(5);
/// Seconds for which log lines and devices without slot are kept.
const LOG_LIFE: u64 = 90 * 86_400;
/// A server that listens but does not answer yet.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    boxes: Option<TcpListener>,
    metrics: Option<TcpListener>,
    ingest: Option<TcpListener>,
    rtmp: Option<TcpListener>,
    rtmps: Option<TcpListener>,
    tls: Option<Arc<TlsIdentity>>,
    service: Arc<Service>,
    hangup: Option<Hangup>,
}

async fn bind(name: &'static str, address: SocketAddr) -> Result<TcpListener, Error> {
    TcpListener::bind(address)
        .await
        .map_err(|source| Error::Setting { name, reason: format!("cannot listen on {address}: {source}") })
}

/// The listeners for HTTP of encoders, RTMP and RTMPS, where the role is.
async fn listen_for_encoders(config: &Config) -> Result<[Option<TcpListener>; 3], Error> {
    let mut listeners = [None, None, None];
    if config.has(Role::Ingest) {
        let live = &config.live;
        let wanted = [("live.http", live.http), ("live.rtmp", live.rtmp), ("live.rtmps", live.rtmps)];
        for (listener, (name, address)) in listeners.iter_mut().zip(wanted) {
            if let Some(address) = address {
                *listener = Some(bind(name, address).await?);
            }
        }
    }
    Ok(listeners)
}

/// Says early where an encoder in hardware does not work. Films and events go on without: it is tried again
/// for each ladder.
async fn try_encoder(service: Arc<Service>) {
    match tokio::task::spawn_blocking(move || unfit_encoder(service.config())).await {
        Ok(None) => {}
        Ok(Some(reason)) => tracing::error!(reason, "live.ladder_encoder: events go without their ladders"),
        Err(error) => tracing::error!(%error, "live.ladder_encoder was not tried"),
    }
}

fn address_of(listener: &TcpListener) -> Result<SocketAddr, Error> {
    listener.local_addr().map_err(|_| Error::Internal("the socket has no address"))
}

impl Server {
    /// Opens everything and binds. With port 0 and no configured `public_url`, the URL gets the port that was
    /// given.
    ///
    /// # Errors
    /// [`Error`], in words for the operator.
    pub async fn bind(mut config: Config, clock: Clock) -> Result<Self, Error> {
        // First of all: without it a SIGHUP ends the process.
        let hangup = Hangup::listen();
        let listener = bind("listen", config.listen).await?;
        if config.listen.port() == 0 && config.public_url.ends_with("://localhost:0") {
            let port = address_of(&listener)?.port();
            config.public_url = config.public_url.replace("localhost:0", &format!("localhost:{port}"));
        }
        let boxes = match config.boxes.listen {
            Some(address) => Some(bind("boxes.listen", address).await?),
            None => None,
        };
        if config.boxes.url.is_none()
            && let Some(listener) = &boxes
        {
            let scheme = if config.tls.is_some() { "https" } else { "http" };
            config.boxes.url = Some(format!("{scheme}://localhost:{}", address_of(listener)?.port()));
        }
        let metrics = telemetry::listen(&config).await?;
        let [ingest, rtmp, rtmps] = listen_for_encoders(&config).await?;
        let tls = config.tls.as_ref().map(TlsIdentity::open).transpose()?.map(Arc::new);
        let service = Arc::new(Service::open(config, clock).await?);
        Ok(Self { listener, boxes, metrics, ingest, rtmp, rtmps, tls, service, hangup })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// [`Error::Internal`] when the socket has no address.
    pub fn address(&self) -> Result<SocketAddr, Error> {
        address_of(&self.listener)
    }

    /// Where it listens for boxes, if they have a listener of their own.
    pub fn boxes_address(&self) -> Option<SocketAddr> {
        self.boxes.as_ref().and_then(|listener| listener.local_addr().ok())
    }

    /// Where `/metrics` is, if anywhere.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics.as_ref().and_then(|listener| listener.local_addr().ok())
    }

    /// Where it listens for encoders that send by HTTP, if they have a listener of their own.
    pub fn ingest_address(&self) -> Option<SocketAddr> {
        self.ingest.as_ref().and_then(|listener| listener.local_addr().ok())
    }

    /// Where it listens for encoders by RTMP and by RTMPS, if it does.
    pub fn rtmp_addresses(&self) -> [Option<SocketAddr>; 2] {
        [&self.rtmp, &self.rtmps].map(|listener| listener.as_ref().and_then(|it| it.local_addr().ok()))
    }

    /// What it serves.
    pub fn service(&self) -> &Service {
        &self.service
    }

    /// Answers until SIGINT or SIGTERM, then lets running answers and films of events that are over end, for
    /// at most ten seconds. SIGHUP reads keys, policies, certificate and regions again; so does a change of
    /// their files, within half a minute.
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
        let Self { listener, boxes, metrics, ingest, rtmp, rtmps, tls, service, hangup } = self;
        let (stop_all, stopping) = watch::channel(false);
        let connections = room_for(service.config().limits.connections.min(Semaphore::MAX_PERMITS));
        let permits = Arc::new(Semaphore::new(connections));
        let peers = Peers::new(
            service.config().limits.connections_per_address,
            service.config().trusted_proxies.clone(),
        );
        // Before anything is answered: players that come back find their event.
        if service.config.has(Role::Ingest)
            && let Err(error) = service.resume_live().await
        {
            tracing::error!(%error, "the live events cannot be read");
        }
        let background = [
            tokio::spawn(housekeep(Arc::clone(&service))),
            tokio::spawn(reload::keep_fresh(Arc::clone(&service), tls.clone(), hangup)),
            tokio::spawn(telemetry::upkeep()),
            tokio::spawn(keep_domains(Arc::clone(&service))),
            tokio::spawn(look_after_live(Arc::clone(&service))),
            tokio::spawn(try_encoder(Arc::clone(&service))),
        ];
        let mut endpoints = tokio::task::JoinSet::new();
        let main = Endpoint {
            listener,
            app: http::router(Arc::clone(&service)),
            tls: tls.clone(),
            peers: Arc::clone(&peers),
        };
        endpoints.spawn(main.serve(Arc::clone(&permits), stopping.clone()));
        for (listener, tls) in [(rtmp, None), (rtmps, tls.clone())] {
            let Some(listener) = listener else { continue };
            let (app, peers) = (Publish(Arc::clone(&service)), Arc::clone(&peers));
            endpoints
                .spawn(Endpoint { listener, app, tls, peers }.serve(Arc::clone(&permits), stopping.clone()));
        }
        if let Some(listener) = ingest {
            let (app, tls, peers) =
                (http::ingest_router(Arc::clone(&service)), tls.clone(), Arc::clone(&peers));
            endpoints
                .spawn(Endpoint { listener, app, tls, peers }.serve(Arc::clone(&permits), stopping.clone()));
        }
        if let Some(listener) = boxes {
            let endpoint = Endpoint { listener, app: http::box_router(Arc::clone(&service)), tls, peers };
            endpoints.spawn(endpoint.serve(Arc::clone(&permits), stopping.clone()));
        }
        if let Some(listener) = metrics {
            // A budget of its own, so that operators see what a full house does.
            let endpoint = Endpoint {
                listener,
                app: telemetry::router(),
                tls: None,
                peers: Peers::new(OPERATORS, Vec::new()),
            };
            endpoints.spawn(endpoint.serve(Arc::new(Semaphore::new(OPERATORS)), stopping));
        }
        stop.await;
        tracing::info!("stopping");
        let _ = stop_all.send(true);
        service.suspend_live().await;
        let all = u32::try_from(connections).unwrap_or(u32::MAX);
        let ended = async {
            while endpoints.join_next().await.is_some() {}
            let _ = permits.acquire_many(all).await;
        };
        let ended = tokio::time::timeout(GRACE, ended);
        let filmed = tokio::time::timeout(GRACE, service.live.closed());
        let (ended, _) = tokio::join!(ended, filmed);
        if ended.is_err() {
            tracing::warn!("some answers did not end in time");
        }
        service.live.abandon().await;
        background.iter().for_each(tokio::task::JoinHandle::abort);
        if tokio::time::timeout(CLOSE, service.store.close()).await.is_err() {
            tracing::warn!("the database did not close in time");
        }
        Ok(())
    }
}

async fn housekeep(service: Arc<Service>) {
    let mut timer = tokio::time::interval(PURGE);
    loop {
        timer.tick().await;
        let now = service.clock.now();
        let purge = retried!(async {
            let mut tx = service.store.begin().await?;
            tx.purge(now, now.saturating_sub(LOG_LIFE)).await?;
            if let days @ 1.. = service.config.audit.days {
                tx.purge_audit(now.saturating_sub(days * 86_400)).await?;
            }
            tx.commit().await
        });
        match purge {
            Ok(()) | Err(crate::store::StoreError::Absent) => {}
            Err(error) => tracing::warn!(%error, "could not forget what is over"),
        }
    }
}

/// Looks whether live events were ended, and how those under way do.
async fn look_after_live(service: Arc<Service>) {
    if !service.config.has(Role::Ingest) {
        return;
    }
    let mut timer = tokio::time::interval(LOOK);
    loop {
        timer.tick().await;
        Live::look_on(&service).await;
    }
}

/// Makes the domains' keys ahead of their time, while nobody waits for them.
async fn keep_domains(service: Arc<Service>) {
    if !service.config.has(Role::Control) {
        return;
    }
    // One by one: a server that is told to stop waits for one at most, and one that begins has better to do.
    let mut wait = BEFORE_DOMAINS;
    loop {
        tokio::time::sleep(wait).await;
        let service = Arc::clone(&service);
        wait = match tokio::task::spawn_blocking(move || service.make_domain()).await {
            Ok(Ok(true)) => BETWEEN_DOMAINS,
            Ok(Ok(false)) => PURGE,
            Ok(Err(error)) => {
                tracing::warn!(%error, "the domains' keys could not be made; `matinee keys generate` makes them, too");
                PURGE
            }
            Err(error) => {
                tracing::error!(%error, "the domains' keys were not looked at");
                PURGE
            }
        };
    }
}

/// Ready at SIGINT or SIGTERM, which are caught from the call on: before anything is answered.
fn stop_signal() -> impl Future<Output = ()> + Send + 'static {
    use tokio::signal::unix::{SignalKind, signal};
    let caught = [SignalKind::interrupt(), SignalKind::terminate()].map(|kind| {
        signal(kind).inspect_err(|error| tracing::warn!(%error, ?kind, "a signal cannot be caught"))
    });
    async move {
        let [interrupt, terminate] = caught.map(|signal| async move {
            match signal {
                Ok(mut signal) => _ = signal.recv().await,
                Err(_) => std::future::pending().await,
            }
        });
        tokio::select! {
            () = interrupt => {}
            () = terminate => {}
        }
    }
}
