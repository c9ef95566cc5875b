use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio::time::Instant;

use crate::forward::{Upstream, forward, upstream};
use crate::state::State;
use crate::wire::{End, Line, Wire};
use crate::{Count, Exchange, Kind, Link, Network, Rule};

const BACKLOG: u32 = 256;

/// A running proxy; it ends when this is dropped.
pub struct Proxy {
    state: Arc<State>,
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Proxy {
    /// A proxy on a free port of the loopback interface.
    ///
    /// # Errors
    /// When no port or thread is available.
    pub fn start(upstream: SocketAddr) -> io::Result<Self> {
        Self::start_at(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), upstream)
    }

    /// A proxy at an address.
    ///
    /// # Errors
    /// When the address or a thread is not available.
    pub fn start_at(listen: SocketAddr, upstream: SocketAddr) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let state = Arc::new(State::new(upstream));
        let listener = {
            let _inside = runtime.enter();
            bound(listen)?.listen(BACKLOG)?
        };
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel();
        let shared = Arc::clone(&state);
        let thread = std::thread::Builder::new().name("shaper".to_owned()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    // Only the system's refusal of the port ends the loop: then nobody can connect, which
                    // tests see.
                    _ = accept(&shared, listener, address) => {}
                    _ = stopped => {}
                }
            });
        })?;
        Ok(Self { state, address, stop: Some(stop), thread: Some(thread) })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:port`
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Changes bandwidth and distance, at once.
    pub fn set_link(&self, link: Link) {
        self.state.set_link(link);
    }

    /// Adds a rule behind those that are there: of several that fit, the first one counts.
    pub fn add_rule(&self, rule: Rule) {
        self.state.add_rule(rule);
    }

    /// Takes all rules away. Answers that are under way keep their faults.
    pub fn clear_rules(&self) {
        self.state.clear_rules();
    }

    /// Takes the network away, or brings it back.
    pub fn set_network(&self, network: Network) {
        self.state.set_network(network);
    }

    /// Takes the network away and brings it back after a time.
    pub fn network_gone_for(&self, network: Network, time: Duration) {
        self.set_network(network);
        let state = Arc::clone(&self.state);
        std::thread::spawn(move || {
            std::thread::sleep(time);
            state.set_network(Network::Up);
        });
    }

    /// Resets all connections.
    pub fn reset_connections(&self) {
        self.state.resets.send_modify(|times| *times += 1);
    }

    /// All requests, in the order in which they came.
    #[must_use]
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.state.exchanges()
    }

    /// Requests and octets by kind.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<Kind, Count> {
        self.state.counts()
    }

    /// How many connections were accepted.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.state.connections()
    }

    /// Begins to count anew. What is under way is forgotten, too.
    pub fn forget(&self) {
        self.state.forget();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It panicked or ended: gone in any case.
            let _ = thread.join();
        }
    }
}

/// A socket that holds the address without listening: whoever connects is refused.
fn bound(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

async fn accept(state: &Arc<State>, listener: TcpListener, address: SocketAddr) -> io::Result<()> {
    let upstream = upstream();
    let mut network = state.network.subscribe();
    let mut listener = Some(listener);
    loop {
        let now = *network.borrow_and_update();
        if now == Network::Refusing {
            drop(listener.take());
            let socket = bound(address)?;
            while *network.borrow_and_update() == Network::Refusing {
                if network.changed().await.is_err() {
                    return Ok(());
                }
            }
            listener = Some(socket.listen(BACKLOG)?);
            continue;
        }
        let Some(open) = &listener else { return Ok(()) };
        tokio::select! {
            accepted = open.accept(), if now == Network::Up => {
                // A connection that ended before it was accepted is nobody's loss.
                if let Ok((stream, _)) = accepted {
                    state.connected();
                    let line = Arc::new(Line::new(Instant::now() + state.link().rtt));
                    tokio::spawn(serve(Arc::clone(state), upstream.clone(), line, stream));
                }
            }
            changed = network.changed() => if changed.is_err() { return Ok(()) },
        }
    }
}

async fn serve(state: Arc<State>, upstream: Upstream, line: Arc<Line>, stream: TcpStream) {
    // Without it, small answers would wait for acknowledgements.
    let _ = stream.set_nodelay(true);
    let mut network = state.network.subscribe();
    let mut resets = state.resets.subscribe();
    let wire = TokioIo::new(Wire::new(stream, Arc::clone(&state), Arc::clone(&line)));
    let handler =
        service_fn(|request| forward(Arc::clone(&state), upstream.clone(), Arc::clone(&line), request));
    let connection = http1::Builder::new().serve_connection(wire, handler);
    let reset = async {
        tokio::select! {
            () = refused(&mut network) => {}
            // The proxy ends with its connections.
            _ = resets.changed() => {}
        }
        // Before the socket is dropped.
        line.end(End::Reset);
    };
    tokio::select! {
        // However it ends, it has ended.
        _ = connection => {}
        () = line.over.notified() => {}
        () = reset => {}
    }
}

async fn refused(network: &mut watch::Receiver<Network>) {
    while *network.borrow_and_update() != Network::Refusing {
        if network.changed().await.is_err() {
            return;
        }
    }
}
