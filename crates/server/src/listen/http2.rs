//! HTTP/2 (RFC 9113), where TLS agreed on it: one connection with many requests at a time, and what bounds
//! them.
//!
//! `h2` ends connections by itself that reset streams faster than they are taken (CVE-2023-44487), or whose
//! headers never end (CVE-2024-27316). What it does not know is when nobody needs a connection any more.

mod activity;

use super::{HEAD, MAX_HEAD, Stream, Tie};
use activity::{Activity, Held};
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderValue, Request, header};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;
use tower::ServiceExt as _;

/// Requests of a connection at the same time: what section 6.5.2 calls the least that is wise.
const STREAMS: u32 = 100;
/// Octets of an answer that wait for the peer's window.
const SEND: usize = 128 * 1024;
/// How often a peer is asked whether it is there, and how long it may take to say so.
const PING: Duration = Duration::from_secs(20);
/// Streams that were reset before they were taken: beyond that the connection ends.
const RESETS: usize = 20;

/// Answers on a connection, to its end.
pub(super) async fn requests(stream: impl Stream, peer: SocketAddr, app: Router, mut tie: Tie) {
    let activity = Activity::new();
    let (mine, all) = (tie.clone(), activity.clone());
    let service = service_fn(move |mut request: Request<Incoming>| {
        let busy = all.busy();
        name_host(&mut request);
        request.extensions_mut().insert(ConnectInfo(peer));
        request.extensions_mut().insert(mine.clone());
        let app = app.clone();
        async move {
            let response = app.oneshot(request.map(Body::new)).await?;
            Ok::<_, Infallible>(response.map(|body| Held::new(body, &busy)))
        }
    });
    let connection = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_pending_accept_reset_streams(RESETS)
        .max_header_list_size(MAX_HEAD)
        .max_send_buf_size(SEND)
        .keep_alive_interval(PING)
        .keep_alive_timeout(PING)
        .serve_connection(TokioIo::new(stream), service);
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
        () = activity.quiet() => {
            connection.as_mut().graceful_shutdown();
            // Who does not even take leave is hung up on.
            tokio::time::timeout(HEAD, connection).await.unwrap_or(Ok(()))
        }
    };
    if let Err(error) = result {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// Gives a request the `Host` that everything here looks for: `:authority` stands in its place, and goes
/// before it where there are both (section 8.3.1).
fn name_host<B>(request: &mut Request<B>) {
    let authority = request.uri().authority().and_then(|it| HeaderValue::from_str(it.as_str()).ok());
    if let Some(authority) = authority {
        request.headers_mut().insert(header::HOST, authority);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_authority_is_the_host() {
        let named = |uri: &str, host: Option<&str>| {
            let request = host.map_or(Request::get(uri), |host| Request::get(uri).header("host", host));
            let mut request = request.body(()).unwrap();
            name_host(&mut request);
            let hosts: Vec<_> = request.headers().get_all("host").iter().cloned().collect();
            hosts.iter().map(|host| host.to_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(named("https://films.example:8443/a?b", None), ["films.example:8443"]);
        assert_eq!(named("https://films.example/", Some("evil.example")), ["films.example"]);
        assert_eq!(named("/a", Some("films.example")), ["films.example"]);
        assert!(named("/a", None).is_empty());
    }
}
