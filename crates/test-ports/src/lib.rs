//! Ports of the loopback interface for servers that tests start as programs, or whose address must be known
//! before they run.
//!
//! A server of ours in the test's own process is better bound to port 0, and asked for its address.

use std::fs::{File, TryLockError};
use std::net::TcpListener;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

/// The first port that is given, and how many there are: below those that systems give out by themselves
/// (from 32768 on Linux), for other programs ask for some of these all the time.
const PORTS: (u16, u32) = (10_000, 20_000);

/// A TCP port on which nobody listens. As long as this process lives, no other caller of this function gets
/// it, in whatever process; a program that chooses it by itself still may. So whoever starts a server on it
/// looks whether it runs, and starts it on another one where the port was taken.
///
/// # Panics
/// Where none is free.
pub fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    /// The system gives them up with the process.
    static LOCKS: Mutex<Vec<File>> = Mutex::new(Vec::new());
    let folder = std::env::temp_dir().join("matinee-test-ports");
    // Where there can be no folder or no locks, it goes without them.
    let _ = std::fs::create_dir_all(&folder);
    let (first, count) = PORTS;
    for _ in 0..count {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        // Processes begin in different places, so that they seldom try the same ones.
        let port = first + (std::process::id().wrapping_mul(97).wrapping_add(number) % count) as u16;
        let lock =
            File::options().create(true).truncate(false).write(true).open(folder.join(port.to_string()));
        let lock = lock.ok();
        if lock.as_ref().is_some_and(|lock| matches!(lock.try_lock(), Err(TryLockError::WouldBlock))) {
            continue;
        }
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            LOCKS.lock().unwrap_or_else(PoisonError::into_inner).extend(lock);
            return port;
        }
    }
    panic!("none of the {count} ports from {first} on is free");
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::process::{Command, Stdio};

    const CHILD: &str = "MATINEE_TEST_PORTS_CHILD";

    #[test]
    fn none_is_given_twice() {
        let ports: Vec<u16> = (0..200).map(|_| free_port()).collect();
        assert_eq!(ports.iter().collect::<BTreeSet<_>>().len(), ports.len());
    }

    /// Another process does not get it either, though nobody listens there yet.
    #[test]
    fn none_is_given_to_another_process() {
        if let Ok(port) = std::env::var(CHILD) {
            let lock = std::env::temp_dir().join("matinee-test-ports").join(port);
            let lock = File::options().write(true).open(lock).unwrap();
            assert!(matches!(lock.try_lock(), Err(TryLockError::WouldBlock)));
            return;
        }
        let port = free_port();
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", "tests::none_is_given_to_another_process"]).env(CHILD, port.to_string());
        assert!(child.stdout(Stdio::null()).status().unwrap().success());
    }
}
