//! `cargo xtask soak edge`: thousands of connections that are idle or read slowly, at an edge and an origin,
//! and what the server takes for them.

mod client;

use std::net::SocketAddr;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use clap::Args;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use self::client::Client;
use crate::bench::delivery::{Film, Server, Stage};
use crate::error::Error;
use crate::http;
use crate::project::Project;

/// Of so many connections one reads slowly; the others are idle between short answers.
const SLOW: usize = 10;
/// Threads that hold the connections.
const THREADS: usize = 8;
/// How often each connection is used. An idle one is closed after 20 s, and one that takes nothing after 30
/// s.
const ROUND: Duration = Duration::from_secs(8);
/// Descriptors of this process that are no connections.
const OTHERS: u64 = 256;
/// Memory may grow from the first full round to the last by a tenth and so many bytes, which the allocator
/// and the caches of a server that runs for a minute take.
const SLACK: u64 = 32 << 20;
/// From one address to another a system has so many ports (Linux by itself: 32,768 to 60,999), and some are
/// not free.
const MOST_CONNECTIONS: i64 = 25_000;
/// In each round a slow reader takes `client::SIP` of the film, which lasts for so many.
const MOST_ROUNDS: i64 = 180;

/// Options of `cargo xtask soak edge`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Connections at a time, all from one address.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(100..=MOST_CONNECTIONS))]
    connections: u32,
    /// Rounds, in each of which every connection is used; one takes 8 s at least, and the film lasts for 180.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(2..=MOST_ROUNDS))]
    rounds: u32,
}

/// Runs the task.
///
/// # Errors
/// Where this machine lets no process have so many files open; where an answer is missing or wrong, or the
/// server's memory grows.
pub(crate) fn run(project: &Project, arguments: &Arguments) -> Result<(), Error> {
    let connections = arguments.connections as usize;
    raise(u64::from(arguments.connections) + OTHERS)?;
    // One for each who looks whether there is room, and for whoever comes back before its old one is gone.
    let room = connections + connections / 10 + 64;
    let limits = format!("[limits]\nconnections = {room}\nconnections_per_address = {room}\n");
    let stage = Stage::prepare(project, &limits)?;
    let server = stage.matinee(project)?;
    let before = server.resident()?;
    println!("no connections: {} MB", before >> 20);
    let sizes = hold(&server, &[&stage.packed, &stage.made], connections, arguments.rounds as usize)?;
    report(before, &sizes, connections)
}

/// Raises the limit of open files of this process, which its children get.
fn raise(needed: u64) -> Result<(), Error> {
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= needed) {
        return Ok(());
    }
    if let Some(maximum) = limit.maximum.filter(|maximum| *maximum < needed) {
        return Err(Error::Rule(format!(
            "a process may have {maximum} files open here, and {needed} are needed: raise the limit (`ulimit -Hn {needed}` \
             as root), or ask for fewer (--connections {})",
            maximum.saturating_sub(OTHERS)
        )));
    }
    setrlimit(Resource::Nofile, Rlimit { current: Some(needed), maximum: limit.maximum }).map_err(|error| {
        Error::Rule(format!("the limit of open files cannot be raised to {needed}: {error}"))
    })
}

/// Opens all connections and uses each in every round. Gives the server's memory after each round.
fn hold(server: &Server, films: &[&Film], connections: usize, rounds: usize) -> Result<Vec<u64>, Error> {
    let address = server.address;
    let expected = films.iter().map(|film| client::head_of(address, film)).collect::<Result<Vec<_>, _>>()?;
    let round_ends = Barrier::new(THREADS + 1);
    thread::scope(|scope| {
        let holders: Vec<_> = (0..THREADS)
            .map(|thread| {
                let (expected, round_ends) = (&expected, &round_ends);
                scope.spawn(move || {
                    let mine = (thread..connections).step_by(THREADS);
                    let mut held = Held::new(address, films, expected, mine);
                    for _ in 0..rounds {
                        held.round();
                        // Once that the others are there, and once that the memory was looked at.
                        round_ends.wait();
                        round_ends.wait();
                    }
                    held.outcome()
                })
            })
            .collect();
        let mut sizes = Vec::new();
        for round in 1..=rounds {
            let begun = Instant::now();
            round_ends.wait();
            let looked = server.resident().and_then(|size| match http::status(address, "/readyz") {
                Some(200) => Ok(size),
                other => {
                    Err(Error::Server(format!("beside {connections} connections /readyz says {other:?}")))
                }
            });
            if let Ok(size) = looked {
                println!("round {round}: {} MB, {:.1} s", size >> 20, begun.elapsed().as_secs_f64());
            }
            sizes.push(looked);
            thread::sleep(ROUND.saturating_sub(begun.elapsed()));
            round_ends.wait();
        }
        let mut reopened = 0;
        for holder in holders {
            let outcome = holder.join().map_err(|_| Error::Server("a client panicked".to_owned()))?;
            reopened += outcome?;
        }
        println!("idle connections that the server had closed, and which were opened again: {reopened}");
        sizes.into_iter().collect()
    })
}

/// The connections of a thread.
struct Held<'a> {
    address: SocketAddr,
    all: Vec<(Client, &'a Film, &'a [u8])>,
    /// The first that went wrong; all goes on, for others wait at the barrier.
    failed: Option<Error>,
    reopened: usize,
}

impl<'a> Held<'a> {
    fn new(
        address: SocketAddr,
        films: &[&'a Film],
        expected: &'a [Vec<u8>],
        numbers: impl Iterator<Item = usize>,
    ) -> Self {
        let of = |number: usize| {
            let is_slow = number.is_multiple_of(SLOW);
            // Of the idle ones and of the slow ones as many at each film.
            let film = number / SLOW % films.len().max(1);
            let client = if is_slow { Client::slow() } else { Client::idle() };
            Some((client, *films.get(film)?, expected.get(film)?.as_slice()))
        };
        Self { address, all: numbers.filter_map(of).collect(), failed: None, reopened: 0 }
    }

    fn round(&mut self) {
        for (client, film, expected) in &mut self.all {
            match client.turn(self.address, film, expected) {
                Ok(reopened) => self.reopened += usize::from(reopened),
                Err(error) => {
                    self.failed.get_or_insert(error);
                }
            }
        }
    }

    fn outcome(self) -> Result<usize, Error> {
        self.failed.map_or(Ok(self.reopened), Err)
    }
}

/// Whether memory stayed as it was when all connections were there.
fn report(before: u64, sizes: &[u64], connections: usize) -> Result<(), Error> {
    let (Some(first), Some(last)) = (sizes.first(), sizes.last()) else { return Ok(()) };
    let each = first.saturating_sub(before) / connections.max(1) as u64;
    println!("{connections} connections: {} KB each, all answered", each >> 10);
    if is_flat(*first, *last) {
        return Ok(());
    }
    Err(Error::Rule(format!(
        "memory grows: {} MB after the first round, {} MB after the last",
        first >> 20,
        last >> 20
    )))
}

fn is_flat(first: u64, last: u64) -> bool {
    last <= first + first / 10 + SLACK
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_flat_or_not() {
        let megabytes = |number: u64| number << 20;
        assert!(is_flat(megabytes(200), megabytes(200)) && is_flat(megabytes(200), megabytes(252)));
        assert!(!is_flat(megabytes(200), megabytes(253)));
        assert!(report(0, &[], 0).is_ok());
        assert!(report(megabytes(20), &[megabytes(200), megabytes(400)], 10_000).is_err());
    }
}
