//! Running the server until someone presses Ctrl-C.

use std::net::SocketAddr;
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

/// Gets a message for each Ctrl-C, and when this program is asked to end.
///
/// # Errors
/// [`Error::Server`] when the system refuses.
pub(super) fn interrupts() -> Result<Receiver<()>, Error> {
    let (interrupt, interrupted) = channel();
    let handler = move || {
        // Nobody listens any more once the server is being stopped.
        let _ = interrupt.send(());
    };
    ctrlc::set_handler(handler)
        .map_err(|error| Error::Server(format!("cannot watch for Ctrl-C: {error}")))?;
    Ok(interrupted)
}

/// Refuses an address at which somebody answers already.
///
/// # Errors
/// [`Error::Server`].
pub(super) fn must_be_free(address: SocketAddr) -> Result<(), Error> {
    match std::net::TcpListener::bind(address) {
        Ok(_) => Ok(()),
        Err(error) => Err(Error::Server(format!(
            "port {} is not to be had ({error}): stop what runs there, or choose another with --port",
            address.port()
        ))),
    }
}

/// Starts the server, calls `ready` when it answers at `address`, and waits until it ends or an interrupt
/// comes; then it is interrupted, too, and waited for.
///
/// # Errors
/// [`Error::Server`] when it does not get ready in time; [`Error::Failed`] when it ends by itself, or not
/// well.
pub(super) fn until_interrupted(
    serve: &mut Command,
    address: SocketAddr,
    interrupted: &Receiver<()>,
    ready: impl FnOnce(),
) -> Result<(), Error> {
    // In a process group of its own, so that a terminal's Ctrl-C reaches it once, from here.
    serve.process_group(0);
    let child = serve.spawn().map_err(|source| start(serve, source))?;
    let mut server = Server { child, command: shown(serve) };

    let started = Instant::now();
    while http::status(address, "/readyz") != Some(200) {
        if server.wait_a_turn(interrupted)? {
            return server.stop();
        }
        if started.elapsed() > READY {
            server.stop()?;
            return Err(Error::Server(format!("the server was not ready after {} s", READY.as_secs())));
        }
    }
    ready();
    while !server.wait_a_turn(interrupted)? {}
    server.stop()
}

/// The running server; killed if it is forgotten.
struct Server {
    child: Child,
    command: String,
}

impl Server {
    /// Waits a moment; true when an interrupt came.
    fn wait_a_turn(&mut self, interrupted: &Receiver<()>) -> Result<bool, Error> {
        if let Ok(Some(status)) = self.child.try_wait() {
            let command = self.command.clone();
            return Err(Error::Failed { command, status, detail: "the server ended by itself".to_owned() });
        }
        Ok(!matches!(interrupted.recv_timeout(TURN), Err(RecvTimeoutError::Timeout)))
    }

    /// Interrupts the server and waits for its end.
    fn stop(mut self) -> Result<(), Error> {
        if let Some(id) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            // It may have ended in this moment, which the wait tells.
            let _ = kill_process(id, Signal::INT);
        }
        let command = self.command.clone();
        match self.child.wait() {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(Error::Failed { command, status, detail: String::new() }),
            Err(source) => Err(Error::Start { program: command, source }),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail when it has ended already, as it should have.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use super::*;

    /// Something that answers 200 to everything, in the place of the server's port.
    fn answering() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut request = [0; 256];
                let _ = stream.read(&mut request);
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
            }
        });
        address
    }

    fn shell(script: &str) -> Command {
        let mut shell = Command::new("sh");
        shell.args(["-c", script]);
        shell
    }

    #[test]
    fn an_interrupt_is_passed_on_and_the_end_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let (up, stopped) = (folder.path().join("up"), folder.path().join("stopped"));
        // Perl, because a shell cannot trap a signal that was ignored when it started, as it is under
        // `nohup`.
        let mut server = Command::new("perl");
        server.arg("-e").arg(
            "$SIG{INT} = sub { open(my $f, '>', $ARGV[1]); exit 0 }; open(my $f, '>', $ARGV[0]); sleep 1 while 1",
        );
        server.args([&up, &stopped]);
        let (interrupt, interrupted) = channel();
        let ready = || {
            // The trap must be set before the interrupt.
            while !up.exists() {
                std::thread::yield_now();
            }
            interrupt.send(()).unwrap();
        };
        until_interrupted(&mut server, answering(), &interrupted, ready).unwrap();
        assert!(stopped.exists());
    }

    #[test]
    fn a_server_that_ends_by_itself_is_an_error() {
        let (_interrupt, interrupted) = channel();
        let error = until_interrupted(&mut shell("exit 3"), answering(), &interrupted, || ()).unwrap_err();
        assert!(error.to_string().contains("ended by itself"), "{error}");
    }

    #[test]
    fn a_port_in_use_is_refused() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let error = must_be_free(address).unwrap_err().to_string();
        assert!(error.contains(&address.port().to_string()) && error.contains("--port"), "{error}");
        drop(listener);
        must_be_free(address).unwrap();
    }
}
