//! The proxy between real sockets.

#![allow(clippy::unwrap_used)]

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use nccp::ByteRange;
use shaper::{Fault, Kind, Link, Network, Proxy, Rule};

const SIZE: usize = 100_000;

/// Octet `n` of the server's file.
fn octet(n: usize) -> u8 {
    (n % 251) as u8
}

/// A server that answers `/range/a-b` and `Range` with octets of one file, `POST` with what was sent, and
/// everything else with the whole file.
fn server() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            std::thread::spawn(move || while answer(stream.as_ref().unwrap()).is_some() {});
        }
    });
    address
}

fn answer(mut stream: &TcpStream) -> Option<()> {
    let head = read_head(stream)?;
    let value = |name: &str| {
        head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix(name).map(str::to_owned))
    };
    let target = head.split(' ').nth(1)?.to_owned();
    let path = target.split('?').next()?;
    let file: Vec<u8> = (0..SIZE).map(octet).collect();
    let (status, extra, body) = if head.starts_with("POST") {
        let mut body = vec![0; value("content-length: ")?.parse().ok()?];
        stream.read_exact(&mut body).ok()?;
        let body = [head.as_bytes(), &body].concat();
        ("200 OK", String::new(), body)
    } else if let Some((_, range)) = path.split_once("/range/") {
        let range: ByteRange = range.parse().ok()?;
        ("200 OK", String::new(), file[range.first() as usize..=range.last() as usize].to_vec())
    } else if let Some(range) = value("range: bytes=") {
        let range: ByteRange = range.parse().ok()?;
        let body = file[range.first() as usize..=range.last() as usize].to_vec();
        ("206 Partial Content", format!("Content-Range: bytes {range}/{SIZE}\r\n"), body)
    } else {
        ("200 OK", String::new(), file)
    };
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n{extra}X-Kept: yes\r\n\r\n", body.len());
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(&body).ok()
}

fn read_head(mut stream: &TcpStream) -> Option<String> {
    let mut head = Vec::new();
    let mut octet = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut octet).ok()?;
        head.extend(octet);
    }
    String::from_utf8(head).ok()
}

struct Client(TcpStream);

impl Client {
    fn connect(proxy: &Proxy) -> Self {
        Self(TcpStream::connect(proxy.address()).unwrap())
    }

    fn ask(&mut self, target: &str, headers: &str) {
        write!(self.0, "GET {target} HTTP/1.1\r\nHost: films.example.org\r\n{headers}\r\n").unwrap();
    }

    /// Status line and headers.
    fn head(&mut self) -> String {
        read_head(&self.0).expect("a head")
    }

    /// The body's octets until `Content-Length`, the connection's end or an error.
    fn body(&mut self, head: &str) -> (Vec<u8>, Option<ErrorKind>) {
        let length = head.lines().find_map(|line| {
            line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse::<usize>().ok()
        });
        let mut body = Vec::new();
        let mut buffer = [0; 8192];
        while Some(body.len()) != length {
            match self.0.read(&mut buffer) {
                Ok(0) => return (body, None),
                Ok(count) => body.extend(&buffer[..count]),
                Err(error) => return (body, Some(error.kind())),
            }
        }
        (body, None)
    }

    fn get(&mut self, target: &str) -> Vec<u8> {
        self.ask(target, "");
        let head = self.head();
        self.body(&head).0
    }
}

fn is_file(body: &[u8], first: usize) -> bool {
    body.iter().enumerate().all(|(n, &found)| found == octet(first + n))
}

#[test]
fn what_goes_through_stays_as_it_is() {
    let proxy = Proxy::start(server()).unwrap();
    let mut client = Client::connect(&proxy);
    let body = "challenge";
    write!(
        client.0,
        "POST /nccp/controller?x=1 HTTP/1.1\r\nHost: films.example.org\r\nX-CTicket: t\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let head = client.head();
    assert!(head.starts_with("HTTP/1.1 200") && head.to_ascii_lowercase().contains("x-kept: yes"), "{head}");
    let echo = String::from_utf8(client.body(&head).0).unwrap().to_ascii_lowercase();
    assert!(echo.starts_with("post /nccp/controller?x=1 http/1.1\r\n"), "{echo}");
    assert!(echo.contains("host: films.example.org\r\n") && echo.contains("x-cticket: t\r\n"), "{echo}");
    assert!(echo.ends_with(body), "{echo}");

    // The same connection serves another request.
    let file = client.get("/s/0/1.mp4?p=1");
    assert!(file.len() == SIZE && is_file(&file, 0));
    client.ask("/s/0/1.mp4", "Range: bytes=500-599\r\n");
    let head = client.head();
    assert!(head.starts_with("HTTP/1.1 206") && is_file(&client.body(&head).0, 500), "{head}");
    assert!(is_file(&client.get("/s/0/1.mp4/range/7-9"), 7));

    assert_eq!(proxy.connections(), 1);
    let counts = proxy.counts();
    assert_eq!(counts[&Kind::Controller].requests, 1);
    let media = counts[&Kind::Media];
    assert_eq!((media.requests, media.octets), (3, SIZE as u64 + 103));
    let ranges: Vec<_> = proxy.exchanges().iter().map(|exchange| exchange.range).collect();
    assert_eq!(ranges, [None, None, ByteRange::new(500, 599).ok(), ByteRange::new(7, 9).ok()]);
    for exchange in proxy.exchanges() {
        let (Some(answered), Some(ended)) = (exchange.answered, exchange.ended) else {
            panic!("{exchange:?}")
        };
        assert!(exchange.asked <= answered && answered <= ended && !exchange.faulty);
    }
    proxy.forget();
    assert!(proxy.exchanges().is_empty());
}

#[test]
fn a_reset_and_a_cut_come_after_their_octets() {
    let proxy = Proxy::start(server()).unwrap();
    for after in [0, 1, 5000, 70_000] {
        proxy.clear_rules();
        proxy.add_rule(Rule::new("/s/*", Fault::Reset { after }).times(1));
        proxy.add_rule(Rule::new("/s/*", Fault::Truncate { after }).times(1));

        let mut client = Client::connect(&proxy);
        client.ask("/s/0", "");
        let head = client.head();
        let (body, error) = client.body(&head);
        assert_eq!(error, Some(ErrorKind::ConnectionReset), "reset after {after}");
        assert!(body.len() as u64 <= after && is_file(&body, 0));

        let mut client = Client::connect(&proxy);
        client.ask("/s/0", "");
        let head = client.head();
        assert!(head.to_ascii_lowercase().contains(&format!("content-length: {SIZE}")), "{head}");
        let (body, error) = client.body(&head);
        assert_eq!((body.len() as u64, error), (after, None), "cut after {after}");

        assert!(is_file(&Client::connect(&proxy).get("/s/0"), 0), "the rules are used up");
    }
    let faulty = proxy.exchanges().iter().filter(|exchange| exchange.faulty).count();
    assert_eq!(faulty, 8);
}

#[test]
fn a_stall_keeps_the_connection() {
    let proxy = Proxy::start(server()).unwrap();
    proxy.add_rule(Rule::new("*", Fault::Stall { after: 3000 }).times(1));
    proxy.add_rule(Rule::new("*", Fault::NoAnswer).times(1));
    let mut stalled = Client::connect(&proxy);
    stalled.ask("/s/0", "");
    let head = stalled.head();
    let mut body = vec![0; 3000];
    stalled.0.read_exact(&mut body).unwrap();
    let mut mute = Client::connect(&proxy);
    mute.ask("/s/0", "");
    assert!(is_file(&Client::connect(&proxy).get("/s/0"), 0), "others go on");

    // Nothing more comes but the reset, so the connections were there, and still.
    proxy.reset_connections();
    assert_eq!(stalled.body(&head), (vec![], Some(ErrorKind::ConnectionReset)));
    assert_eq!(mute.0.read(&mut [0]).map_err(|error| error.kind()), Err(ErrorKind::ConnectionReset));
}

#[test]
fn statuses_and_wrong_octets() {
    let proxy = Proxy::start(server()).unwrap();
    proxy.add_rule(Rule::new("/s/*", Fault::Status(503)).times(1));
    proxy.add_rule(Rule::new("/s/*", Fault::Corrupt { offset: 1000, length: 2 }));
    let mut client = Client::connect(&proxy);
    client.ask("/s/0", "");
    let head = client.head().to_ascii_lowercase();
    assert!(head.starts_with("http/1.1 503") && head.contains("access-control-allow-origin: *"), "{head}");

    let wrong = |body: &[u8], first: usize| -> Vec<usize> {
        (0..body.len()).filter(|&n| body[n] != octet(first + n)).map(|n| first + n).collect()
    };
    assert_eq!(wrong(&client.get("/s/0"), 0), [1000, 1001]);
    assert_eq!(wrong(&client.get("/s/0/range/1001-2000"), 1001), [1001]);
    assert_eq!(wrong(&client.get("/s/0/range/1002-2000"), 1002), []);
    client.ask("/s/0", "Range: bytes=900-1000\r\n");
    let head = client.head();
    assert_eq!(wrong(&client.body(&head).0, 900), [1000]);
}

#[test]
fn a_network_that_is_gone_comes_back() {
    let proxy = Proxy::start(server()).unwrap();
    let mut before = Client::connect(&proxy);
    assert_eq!(before.get("/s/0").len(), SIZE);

    proxy.set_network(Network::Refusing);
    assert_eq!(before.0.read(&mut [0]).map_err(|error| error.kind()), Err(ErrorKind::ConnectionReset));
    // The old listener may still have been there a moment ago: then the connection is reset unanswered.
    while TcpStream::connect(proxy.address()).map_err(|error| error.kind()).err()
        != Some(ErrorKind::ConnectionRefused)
    {}
    proxy.set_network(Network::Up);
    let again = loop {
        if let Ok(stream) = TcpStream::connect(proxy.address()) {
            break stream;
        }
    };
    let mut client = Client(again);
    assert_eq!(client.get("/s/0").len(), SIZE);

    // Silence loses nothing.
    proxy.set_network(Network::Silent);
    client.ask("/s/0", "");
    client.0.set_nonblocking(true).unwrap();
    assert_eq!(client.0.read(&mut [0]).map_err(|error| error.kind()), Err(ErrorKind::WouldBlock));
    client.0.set_nonblocking(false).unwrap();
    proxy.network_gone_for(Network::Silent, Duration::from_millis(20));
    let head = client.head();
    assert_eq!(client.body(&head).0.len(), SIZE);
}

/// Only lower bounds: nothing may be faster than the link.
#[test]
fn nothing_is_faster_than_the_link() {
    let proxy = Proxy::start(server()).unwrap();
    let rtt = Duration::from_millis(60);
    proxy.set_link(Link { megabits: None, rtt });
    let started = Instant::now();
    let mut client = Client::connect(&proxy);
    client.get("/s/0/range/0-9");
    assert!(started.elapsed() >= 2 * rtt, "handshake and request: {:?}", started.elapsed());
    let again = Instant::now();
    client.get("/s/0/range/0-9");
    assert!(again.elapsed() >= rtt, "request: {:?}", again.elapsed());

    proxy.set_link(Link::new(16.0, 0));
    let started = Instant::now();
    let clients: Vec<_> = (0..2)
        .map(|_| {
            let mut client = Client::connect(&proxy);
            std::thread::spawn(move || client.get("/s/0").len())
        })
        .collect();
    assert!(clients.into_iter().all(|client| client.join().unwrap() == SIZE));
    // 1.6 Mbit at 16 Mb/s, less what may be caught up.
    assert!(started.elapsed() >= Duration::from_millis(94), "{:?}", started.elapsed());
}
