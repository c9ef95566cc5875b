//! Connections: how many, how slow they may be, and how they end.

mod descriptors;
mod http2;
mod patience;
mod peers;

pub(crate) use descriptors::room_for;
pub(crate) use peers::Peers;

use crate::tls::{HTTP2, TlsIdentity};
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use patience::Patient;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tower::ServiceExt as _;

/// How long a request's head may take to arrive, and how long an idle connection is kept.
const HEAD: Duration = Duration::from_secs(20);
/// How long a TLS handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long an answer waits for a peer that takes none of it.
const STALL: Duration = Duration::from_secs(30);
/// Octets of a request's head at most.
const MAX_HEAD: u32 = 64 * 1024;
/// How long to wait when the system has no descriptors left.
const EXHAUSTED: Duration = Duration::from_millis(500);

/// What a connection has, for whoever takes it over: its places, which others get when it is dropped, and
/// when the server stops.
#[derive(Debug, Clone)]
pub(crate) struct Tie {
    _places: Arc<dyn std::any::Any + Send + Sync>,
    stopping: watch::Receiver<bool>,
    /// Whether TLS agreed on HTTP/2.
    is_http2: bool,
}

impl Tie {
    /// Ready when the server stops.
    pub(crate) async fn stopping(&mut self) {
        let _ = self.stopping.wait_for(|stopping| *stopping).await;
    }
}

/// A connection's octets, in the clear or by TLS.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Stream for S {}

/// What answers on a connection, to its end.
pub(crate) trait Answers: Clone + Send + 'static {
    /// Ends soon after [`Tie::stopping`].
    fn answer(self, stream: impl Stream, peer: SocketAddr, tie: Tie) -> impl Future<Output = ()> + Send;
}

/// HTTP.
impl Answers for Router {
    async fn answer(self, stream: impl Stream, peer: SocketAddr, tie: Tie) {
        match tie.is_http2 {
            true => http2::requests(stream, peer, self, tie).await,
            false => requests(stream, peer, self, tie).await,
        }
    }
}

/// A listening socket and what answers there.
pub(crate) struct Endpoint<A> {
    pub(crate) listener: TcpListener,
    pub(crate) app: A,
    pub(crate) tls: Option<Arc<TlsIdentity>>,
    pub(crate) peers: Arc<Peers>,
}

impl<A: Answers> Endpoint<A> {
    /// Takes connections until `stopping` says `true`; each holds one of the permits until it ends.
    pub(crate) async fn serve(self, permits: Arc<Semaphore>, stopping: watch::Receiver<bool>) {
        let mut told = stopping.clone();
        loop {
            let accepted = async {
                // First a place, then a connection: who finds none waits in the system's queue.
                let permit = Arc::clone(&permits).acquire_owned().await;
                (permit, self.listener.accept().await)
            };
            let stop = async {
                let _ = told.wait_for(|stopping| *stopping).await;
            };
            let (permit, accepted) = tokio::select! {
                accepted = accepted => accepted,
                () = stop => return,
            };
            let (Ok(permit), Ok((stream, peer))) = (permit, accepted) else {
                tracing::warn!("a connection could not be accepted");
                tokio::time::sleep(EXHAUSTED).await;
                continue;
            };
            let Some(place) = self.peers.enter(peer.ip()) else {
                metrics::counter!("matinee_connections_refused_total").increment(1);
                tracing::debug!(%peer, "it has too many connections");
                continue;
            };
            let (app, tls, stopping) = (self.app.clone(), self.tls.clone(), stopping.clone());
            let tie = Tie { _places: Arc::new((permit, place)), stopping, is_http2: false };
            tokio::spawn(connection(stream, peer, app, tls, tie));
        }
    }
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    app: impl Answers,
    tls: Option<Arc<TlsIdentity>>,
    tie: Tie,
) {
    // Answers are written whole: nothing is gained by waiting for more.
    let _ = stream.set_nodelay(true);
    let stream = Patient::new(stream, STALL);
    match tls {
        None => app.answer(stream, peer, tie).await,
        Some(tls) => match tokio::time::timeout(HANDSHAKE, tls.acceptor().accept(stream)).await {
            Ok(Ok(stream)) => {
                let is_http2 = stream.get_ref().1.alpn_protocol() == Some(HTTP2);
                app.answer(stream, peer, Tie { is_http2, ..tie }).await;
            }
            Ok(Err(error)) => tracing::debug!(%error, "no TLS handshake"),
            Err(_) => tracing::debug!("a TLS handshake took too long"),
        },
    }
}

async fn requests(stream: impl Stream, peer: SocketAddr, app: Router, mut tie: Tie) {
    let mine = tie.clone();
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        request.extensions_mut().insert(mine.clone());
        app.clone().oneshot(request.map(Body::new))
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(MAX_HEAD as usize)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    tokio::pin!(connection);
    let told = tie.stopping();
    let result = tokio::select! {
        // One that has ended already must not be polled again.
        biased;
        result = connection.as_mut() => result,
        () = told => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = result {
        tracing::debug!(%error, "a connection ended early");
    }
}
