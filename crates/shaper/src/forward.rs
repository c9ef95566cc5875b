use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Request, Response, StatusCode, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use nccp::ByteRange;
use tokio::time::{Instant, sleep, sleep_until};

use crate::record::range_asked;
use crate::state::State;
use crate::wire::{End, Line};
use crate::{Exchange, Fault, Kind};

/// Headers that are about one connection, not about the answer (RFC 9110, 7.6.1).
const HOP_BY_HOP: [HeaderName; 5] =
    [header::CONNECTION, header::TRANSFER_ENCODING, header::UPGRADE, header::TE, header::TRAILER];

pub(crate) type Upstream = Client<HttpConnector, Full<Bytes>>;

pub(crate) fn upstream() -> Upstream {
    Client::builder(TokioExecutor::new()).build_http()
}

/// Passes a request on and its answer back, later and worse if so wanted.
pub(crate) async fn forward(
    state: Arc<State>,
    upstream: Upstream,
    line: Arc<Line>,
    request: Request<Incoming>,
) -> Result<Response<Passing>, Infallible> {
    let (mut parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    let range = range_asked(&path, parts.headers.get(header::RANGE).and_then(|value| value.to_str().ok()));
    let fault = state.fault_for(parts.method.as_str(), &path, range);
    let number = state.note(Exchange {
        method: parts.method.as_str().to_owned(),
        kind: Kind::of(&path),
        path,
        query: parts.uri.query().unwrap_or_default().to_owned(),
        range,
        status: None,
        octets: 0,
        faulty: fault.is_some(),
        asked: std::time::Instant::now(),
        answered: None,
        ended: None,
    });
    let passing = |body: Inner, size: SizeHint, first: u64| {
        let through = Through { state: Arc::clone(&state), number };
        Passing { body, size, fault, first, sent: 0, line: Arc::clone(&line), through, over: false }
    };
    let empty = || passing(Inner::None, SizeHint::with_exact(0), 0);

    // A body that breaks off is the client's change of mind: it will not read an answer.
    let Ok(body) = body.collect().await else { return Ok(Response::new(empty())) };
    let body = body.to_bytes();
    let half = state.link().rtt / 2;
    let head: usize = parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    let sent = state.reserve_up(head + body.len());
    sleep_until(sent.max(line.connected).max(Instant::now()) + half).await;

    let response = match fault {
        Some(Fault::NoAnswer) => std::future::pending().await,
        Some(Fault::Status(status)) => {
            let mut response = Response::new(empty());
            *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
            let headers = response.headers_mut();
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            response
        }
        _ => {
            strip(&mut parts.headers);
            let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
            let target = format!("http://{}{target}", state.upstream).parse::<Uri>();
            parts.uri = target.unwrap_or_default();
            match upstream.request(Request::from_parts(parts, Full::new(body))).await {
                Ok(answer) => {
                    let (mut parts, body) = answer.into_parts();
                    strip(&mut parts.headers);
                    let first = first_octet(&parts.headers, range);
                    let size = body.size_hint();
                    Response::from_parts(parts, passing(Inner::Body(body), size, first))
                }
                Err(_) => {
                    let mut response = Response::new(empty());
                    *response.status_mut() = StatusCode::BAD_GATEWAY;
                    response
                }
            }
        }
    };
    sleep(half).await;
    let status = response.status().as_u16();
    state.amend(number, |exchange| {
        exchange.status = Some(status);
        exchange.answered = Some(std::time::Instant::now());
    });
    Ok(response)
}

fn strip(headers: &mut HeaderMap) {
    for name in &HOP_BY_HOP {
        headers.remove(name);
    }
    headers.remove("keep-alive");
}

/// Where in the file an answer begins: by what it says, else by what was asked.
fn first_octet(headers: &HeaderMap, asked: Option<ByteRange>) -> u64 {
    let said = headers.get(header::CONTENT_RANGE).and_then(|value| value.to_str().ok());
    let said =
        said.and_then(|text| text.strip_prefix("bytes ")?.split_once('/')?.0.parse::<ByteRange>().ok());
    said.or(asked).map_or(0, |range| range.first())
}

enum Inner {
    None,
    Body(Incoming),
}

/// Where an answer's progress is noted.
struct Through {
    state: Arc<State>,
    number: usize,
}

/// An answer's body on its way to the client.
pub(crate) struct Passing {
    body: Inner,
    size: SizeHint,
    fault: Option<Fault>,
    /// Place in the file of the body's first octet.
    first: u64,
    sent: u64,
    line: Arc<Line>,
    through: Through,
    over: bool,
}

impl Passing {
    /// How many octets may still pass, and what happens then.
    fn limit(&self) -> Option<(u64, Option<End>)> {
        let (after, end) = match self.fault? {
            Fault::Reset { after } => (after, Some(End::Reset)),
            Fault::Truncate { after } => (after, Some(End::Close)),
            Fault::Stall { after } => (after, None),
            _ => return None,
        };
        Some((after.saturating_sub(self.sent), end))
    }

    fn altered(&self, octets: Bytes) -> Bytes {
        let Some(Fault::Corrupt { offset, length }) = self.fault else { return octets };
        let start = self.first + self.sent;
        let mut octets = BytesMut::from(octets);
        for (place, octet) in (start..).zip(octets.iter_mut()) {
            if (offset..offset.saturating_add(length)).contains(&place) {
                *octet = !*octet;
            }
        }
        octets.freeze()
    }

    fn note_end(&mut self) {
        if !std::mem::replace(&mut self.over, true) {
            let sent = self.sent;
            self.through.state.amend(self.through.number, |exchange| {
                exchange.octets = sent;
                exchange.ended = Some(std::time::Instant::now());
            });
        }
    }
}

impl Body for Passing {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let this = &mut *self;
        let limit = this.limit();
        if let Some((0, end)) = limit {
            // Pending for ever: the connection ends from outside, when all before this has been written, or
            // never.
            if let Some(end) = end {
                this.line.end(end);
            }
            this.note_end();
            return Poll::Pending;
        }
        let Inner::Body(body) = &mut this.body else {
            this.note_end();
            return Poll::Ready(None);
        };
        let octets = match ready!(Pin::new(body).poll_frame(context)) {
            Some(Ok(frame)) => match frame.into_data() {
                Ok(octets) => octets,
                // Trailers: none are sent by what this stands before.
                Err(_) => return Poll::Ready(None),
            },
            other => {
                this.note_end();
                return Poll::Ready(other);
            }
        };
        let most = limit
            .map_or(octets.len(), |(left, _)| octets.len().min(usize::try_from(left).unwrap_or(usize::MAX)));
        let octets = this.altered(octets.slice(..most));
        this.sent += most as u64;
        let sent = this.sent;
        this.through.state.amend(this.through.number, |exchange| exchange.octets = sent);
        // hyper asks no further once it has the length that the head promised.
        if this.size.exact() == Some(sent) {
            this.note_end();
        }
        Poll::Ready(Some(Ok(Frame::data(octets))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.body, Inner::None)
    }

    fn size_hint(&self) -> SizeHint {
        self.size
    }
}
