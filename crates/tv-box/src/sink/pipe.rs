//! A player program at the other end of a pipe.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::{Program, Reports};
use crate::Error;

/// Fragments that wait for a player that does not read.
const WAITING: usize = 4;
/// Longest line of a program that is looked at, in octets.
const MAX_LINE: usize = 4096;
/// What mpv writes in front of its status line, so that a terminal clears the one before.
const CLEAR_LINE: &str = "\x1b[K";
/// How long what an ended program has said may take to come.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// What is known of the program.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Status {
    /// Where it is, in seconds, if it says so.
    pub(crate) position: Option<f64>,
    /// It has ended: well, or with these words.
    pub(crate) ended: Option<Result<(), String>>,
}

/// A running program; dropped, it is ended.
#[derive(Debug)]
pub(crate) struct Pipe {
    feed: Option<mpsc::Sender<Vec<u8>>>,
    status: watch::Receiver<Status>,
    task: JoinHandle<()>,
}

impl Pipe {
    /// Starts the program.
    pub(crate) fn start(program: &Program) -> Result<Self, Error> {
        let failed = |error: std::io::Error| Error::Player {
            program: program.name.clone(),
            reason: error.to_string(),
        };
        let mut child = Command::new(&program.path)
            .args(&program.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        let (feed, mut fed) = mpsc::channel::<Vec<u8>>(WAITING);
        let (tell, status) = watch::channel(Status::default());
        let input = child.stdin.take();
        let (output, errors) = (child.stdout.take(), child.stderr.take());
        let writing = tokio::spawn(async move {
            let Some(mut input) = input else { return };
            while let Some(octets) = fed.recv().await {
                // A program that no longer reads has ended, or will.
                if input.write_all(&octets).await.is_err() {
                    break;
                }
            }
            let _ = input.shutdown().await;
        });
        let on_errors = program.reports == Reports::StandardError;
        let told = tell.clone();
        let reading = tokio::spawn(async move {
            let (mut words, mut others) = (String::new(), String::new());
            let on_position = |seconds| told.send_modify(|status| status.position = Some(seconds));
            tokio::join!(
                read_lines(output, false, &on_position, &mut others),
                read_lines(errors, on_errors, &on_position, &mut words),
            );
            if words.is_empty() { others } else { words }
        });
        let task = tokio::spawn(async move {
            let ended = child.wait().await;
            writing.abort();
            let words = tokio::time::timeout(LAST_WORDS, reading).await;
            let words = words.ok().and_then(Result::ok).unwrap_or_default();
            let result = match ended {
                Ok(status) if status.success() => Ok(()),
                Ok(status) if words.is_empty() => Err(status.to_string()),
                Ok(_) => Err(words),
                Err(error) => Err(error.to_string()),
            };
            tell.send_modify(|status| status.ended = Some(result));
        });
        Ok(Self { feed: Some(feed), status, task })
    }

    /// Whether it takes another fragment now.
    pub(crate) fn takes(&self) -> bool {
        self.feed.as_ref().is_some_and(|feed| feed.capacity() > 0)
    }

    /// Gives it octets; they are lost on a program that has ended.
    pub(crate) fn give(&self, octets: Vec<u8>) {
        if let Some(feed) = &self.feed {
            let _ = feed.try_send(octets);
        }
    }

    /// There is no more: it plays what it has, and ends.
    pub(crate) fn finish(&mut self) {
        self.feed = None;
    }

    /// Whether it has been told that there is no more.
    pub(crate) fn is_finished(&self) -> bool {
        self.feed.is_none()
    }

    pub(crate) fn status(&self) -> Status {
        self.status.borrow().clone()
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Reads lines to the end: positions are told, the last words of others kept.
async fn read_lines(
    from: Option<impl AsyncRead + Unpin>,
    positions: bool,
    on_position: &impl Fn(f64),
    words: &mut String,
) {
    let Some(mut from) = from else { return };
    let mut line = Vec::new();
    let mut octets = [0; 1024];
    while let Ok(count @ 1..) = from.read(&mut octets).await {
        for octet in &octets[..count] {
            match octet {
                b'\r' | b'\n' => {
                    let text = String::from_utf8_lossy(&line).trim().to_owned();
                    line.clear();
                    match position(&text).filter(|_| positions) {
                        Some(seconds) => on_position(seconds),
                        None if text.is_empty() || positions && is_status(&text) => {}
                        // They go to a terminal, which would obey some.
                        None => *words = text.chars().filter(|letter| !letter.is_control()).collect(),
                    }
                }
                _ if line.len() < MAX_LINE => line.push(*octet),
                _ => {}
            }
        }
    }
}

/// The seconds that a line begins with: `  12.34 A-V:  0.012 fd=   0 …`, `\x1b[K12.340000`.
fn position(line: &str) -> Option<f64> {
    let line = line.strip_prefix(CLEAR_LINE).unwrap_or(line);
    let first = line.split_ascii_whitespace().next()?;
    first.parse().ok().filter(|seconds: &f64| seconds.is_finite() && *seconds >= 0.0)
}

/// A status without a position: before it begins, a player knows none.
fn is_status(line: &str) -> bool {
    line.starts_with("nan") || line.starts_with(CLEAR_LINE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_read_from_what_players_print() {
        assert_eq!(
            position("  12.34 A-V:  0.012 fd=   0 aq=   19KB vq=   98KB sq=    0B f=0/0"),
            Some(12.34)
        );
        assert_eq!(position("\x1b[K0.041000"), Some(0.041));
        for other in
            ["nan A-V: nan fd=", "-1.5 A-V", "", "inf", "pipe:0: Invalid data", "\x1b[K(unavailable)"]
        {
            assert_eq!(position(other), None, "{other}");
        }
    }

    fn shell(script: &str) -> Program {
        let arguments = ["-c", script].iter().map(Into::into).collect();
        let path = "/bin/sh".into();
        Program { name: "sh".into(), path, arguments, reports: Reports::StandardError }
    }

    async fn ended(pipe: &Pipe) -> Status {
        let mut status = pipe.status.clone();
        status.wait_for(|status| status.ended.is_some()).await.unwrap().clone()
    }

    #[tokio::test]
    async fn a_program_gets_everything_and_ends_by_itself() {
        let mut pipe = Pipe::start(&shell("test $(wc -c) = 300000 && echo 7.5 >&2")).unwrap();
        for _ in 0..3 {
            assert!(pipe.takes());
            pipe.give(vec![0; 100_000]);
        }
        pipe.finish();
        let status = ended(&pipe).await;
        assert_eq!(status, Status { position: Some(7.5), ended: Some(Ok(())) });
    }

    #[tokio::test]
    async fn a_program_that_fails_says_why() {
        let pipe = Pipe::start(&shell("echo 1.0 >&2; echo no screen >&2; exit 3")).unwrap();
        pipe.give(vec![0; 100_000]);
        assert_eq!(ended(&pipe).await.ended, Some(Err("no screen".into())));
        assert!(Pipe::start(&Program { path: "/none".into(), ..shell("") }).is_err());
    }

    #[tokio::test]
    async fn a_program_that_does_not_read_is_waited_for() {
        let pipe = Pipe::start(&shell("exec tail -f /dev/null")).unwrap();
        let mut given = 0;
        while pipe.takes() && given < 100 {
            pipe.give(vec![0; 1 << 20]);
            given += 1;
        }
        assert!(given <= WAITING, "{given}");
    }
}
