//! Running the server until someone presses Ctrl-C.

use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::command::{shown, start};
use crate::error::Error;
use crate::http;

/// How long the server may take to get ready.
const READY: Duration = Duration::from_secs(60);
/// How often it is looked after.
const TURN: Duration = Duration::from_millis(100);

/// Starts the server, calls `ready` when it answers, and waits until it ends or this program is interrupted; then it is
/// interrupted, too, and waited for.
///
/// # Errors
/// [`Error::Server`] when it does not get ready or ends by itself; [`Error::Failed`] when it does not end well.
pub(super) fn until_interrupted(serve: &mut Command, port: u16, ready: impl FnOnce()) -> Result<(), Error> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    if http::status(address, "/").is_some() {
        return Err(Error::Server(format!(
            "port {port} is in use: stop what runs there, or choose another with --port"
        )));
    }
    let (interrupt, interrupted) = channel();
    ctrlc::set_handler(move || {
        // Nobody listens any more once the server is being stopped.
        let _ = interrupt.send(());
    })
    .map_err(|error| Error::Server(format!("cannot watch for Ctrl-C: {error}")))?;
    // In a process group of its own, so that a terminal's Ctrl-C reaches it once, from here.
    serve.process_group(0);
    let child = serve.spawn().map_err(|source| start(serve, source))?;
    let mut server = Server { child, command: shown(serve) };

    let started = Instant::now();
    while http::status(address, "/readyz") != Some(200) {
        if server.wait_a_turn(&interrupted)? {
            return server.stop();
        }
        if started.elapsed() > READY {
            server.stop()?;
            return Err(Error::Server(format!("the server was not ready after {} s", READY.as_secs())));
        }
    }
    ready();
    while !server.wait_a_turn(&interrupted)? {}
    println!("stopping");
    server.stop()
}

/// The running server; killed if it is forgotten.
struct Server {
    child: Child,
    command: String,
}

impl Server {
    /// Waits a moment; true when this program was interrupted.
    fn wait_a_turn(&mut self, interrupted: &Receiver<()>) -> Result<bool, Error> {
        if let Ok(Some(status)) = self.child.try_wait() {
            let command = self.command.clone();
            return Err(Error::Failed { command, status, detail: "the server ended by itself".to_owned() });
        }
        Ok(!matches!(interrupted.recv_timeout(TURN), Err(RecvTimeoutError::Timeout)))
    }

    /// Interrupts the server and waits for its end.
    fn stop(mut self) -> Result<(), Error> {
        let id = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let Some(id) = id else { return Err(Error::Server("the server has no process".to_owned())) };
        // It may have ended in this moment, which the wait tells.
        let _ = kill_process(id, Signal::INT);
        let status =
            self.child.wait().map_err(|source| Error::Start { program: self.command.clone(), source })?;
        if status.success() {
            return Ok(());
        }
        Err(Error::Failed { command: self.command.clone(), status, detail: String::new() })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail when it has ended already, as it should have.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
