//! An ffmpeg that runs: what it is given, what it writes, what it complains of.

use crate::live::ladder_handle::Weight;
use rustix::process::{Pid, setpriority_process};
use std::io;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;

/// How much nicer than the server it is to others: what is live must not wait for what is made of it.
const NICENESS: i32 = 5;
/// Octets read at a time.
const PIECE: usize = 64 << 10;
/// Octets of a line of its complaints, and lines of a run that are logged.
const LONGEST_LINE: usize = 300;
const MOST_LINES: usize = 20;
/// Of what it needs of our environment: secrets may be in the rest.
const ENVIRONMENT: [&str; 4] = ["PATH", "LD_LIBRARY_PATH", "LANG", "TMPDIR"];
/// How long its last words are waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// What is written to it: with what waits for it.
type Written = (Vec<u8>, Option<Weight>);

/// An ffmpeg. It is killed when this is dropped, and ends by itself where this process does not come to that:
/// nothing more can be read, and nobody reads what it writes.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    /// `None` once nothing more comes.
    input: Option<UnboundedSender<Written>>,
    output: ChildStdout,
    buffer: Vec<u8>,
    complaints: JoinHandle<String>,
}

/// That there is no such program, in words for the operator.
fn missing(program: &Path) -> String {
    format!(
        "there is no program {}: install ffmpeg, or name it in live.ffmpeg of matinee.toml",
        program.display()
    )
}

fn not_started(program: &Path, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => missing(program),
        _ => format!("{} cannot be started: {error}", program.display()),
    }
}

/// Why an ffmpeg cannot make ladders, in words for the operator; `None` where it can. Runs it for a moment.
pub fn unfit(program: &Path) -> Option<String> {
    let mut command = std::process::Command::new(program);
    command.args(["-hide_banner", "-loglevel", "error", "-encoders"]).stdin(Stdio::null());
    match command.output() {
        Err(error) => Some(not_started(program, &error)),
        Ok(output) => {
            let list = String::from_utf8_lossy(&output.stdout);
            let has = list.lines().any(|line| line.split_whitespace().nth(1) == Some("libx264"));
            (!has).then(|| format!("{} has no libx264: install one that has", program.display()))
        }
    }
}

impl Process {
    /// Starts it for an event. Fails in words for the operator.
    pub(super) fn start(program: &Path, arguments: &[String], event: String) -> Result<Self, String> {
        let kept = |name: &&'static str| Some((*name, std::env::var_os(name)?));
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env_clear()
            .envs(ENVIRONMENT.iter().filter_map(kept))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // What a terminal sends is for the server, which ends it in order.
            .process_group(0)
            .kill_on_drop(true);
        let mut child = command.spawn().map_err(|error| not_started(program, &error))?;
        let pid = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        if let Some(pid) = pid
            && let Err(error) = setpriority_process(Some(pid), NICENESS)
        {
            tracing::debug!(%error, "an ffmpeg has the server's priority");
        }
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(stdin), Some(output), Some(stderr)) = pipes else {
            return Err("an ffmpeg without pipes".to_owned());
        };
        let (input, to_write) = unbounded_channel();
        tokio::spawn(write(stdin, to_write));
        let complaints = tokio::spawn(listen(stderr, event));
        Ok(Self { child, input: Some(input), output, buffer: vec![0; PIECE], complaints })
    }

    /// Gives it something, behind all that was given before. Never waits.
    pub(super) fn write(&self, bytes: Vec<u8>, weight: Option<Weight>) {
        if let Some(input) = &self.input {
            // One that is gone is noticed by the end of its output.
            let _ = input.send((bytes, weight));
        }
    }

    /// Nothing more comes.
    pub(super) fn close_input(&mut self) {
        self.input = None;
    }

    /// The next piece of its output; empty: it has ended. What is not waited for to the end is not lost.
    pub(super) async fn read(&mut self) -> io::Result<&[u8]> {
        let count = self.output.read(&mut self.buffer).await?;
        Ok(&self.buffer[..count])
    }

    /// Why it has ended.
    pub(super) async fn last_words(mut self) -> String {
        let status = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        let said = tokio::time::timeout(PATIENCE, &mut self.complaints).await;
        match (said, status) {
            (Ok(Ok(said)), _) if !said.is_empty() => format!("ffmpeg ended: {said}"),
            (_, Ok(Ok(status))) => format!("ffmpeg ended: {status}"),
            _ => "ffmpeg ended".to_owned(),
        }
    }
}

/// Writes what there is; closes the pipe when nothing more comes.
async fn write(mut stdin: ChildStdin, mut given: UnboundedReceiver<Written>) {
    while let Some((bytes, weight)) = given.recv().await {
        let written = stdin.write_all(&bytes).await;
        drop(weight);
        if written.is_err() {
            break;
        }
    }
}

/// Logs what it complains of, as far as that is not too much; its last line when it is over.
async fn listen(mut stderr: ChildStderr, event: String) -> String {
    let (mut lines, mut line, mut last) = (0, Vec::new(), String::new());
    let mut buffer = [0; 2048];
    let mut end = |line: &mut Vec<u8>| {
        let text = String::from_utf8_lossy(line).trim().to_owned();
        line.clear();
        if text.is_empty() {
            return;
        }
        lines += 1;
        if lines <= MOST_LINES {
            tracing::warn!(event, "ffmpeg: {text}");
        }
        last = text;
    };
    while let Ok(count @ 1..) = stderr.read(&mut buffer).await {
        for byte in &buffer[..count] {
            match byte {
                b'\n' | b'\r' => end(&mut line),
                _ if line.len() < LONGEST_LINE => line.push(*byte),
                _ => {}
            }
        }
    }
    end(&mut line);
    if lines > MOST_LINES {
        tracing::warn!(event, lines, "ffmpeg complained of more");
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(script: &str) -> Process {
        Process::start(Path::new("/bin/sh"), &["-c".to_owned(), script.to_owned()], "lecture".to_owned())
            .unwrap()
    }

    async fn output(process: &mut Process) -> Vec<u8> {
        let mut all = Vec::new();
        loop {
            match process.read().await.unwrap() {
                [] => return all,
                piece => all.extend_from_slice(piece),
            }
        }
    }

    #[tokio::test]
    async fn what_is_written_is_read_and_the_end_is_told() {
        let mut process = start("cat; echo not well >&2; exit 3");
        process.write(b"one ".to_vec(), None);
        process.write(b"two".to_vec(), None);
        process.close_input();
        assert_eq!(output(&mut process).await, b"one two");
        assert_eq!(process.last_words().await, "ffmpeg ended: not well");
        let mut silent = start("exit 3");
        assert!(output(&mut silent).await.is_empty());
        let words = silent.last_words().await;
        assert!(words.contains('3'), "{words}");
    }

    /// It has neither our environment nor our terminal's signals, and complaints without end do not stop it.
    #[tokio::test]
    async fn it_is_a_process_of_its_own() {
        let mut process = start("env; for n in 1 2 3 4 5 6 7 8 9; do printf '%09999d' 0 >&2; done; echo >&2");
        let said = String::from_utf8(output(&mut process).await).unwrap();
        let ours = ["PATH=", "LD_LIBRARY_PATH=", "LANG=", "TMPDIR=", "PWD=", "SHLVL=", "_=", "OLDPWD="];
        assert!(said.lines().all(|line| ours.iter().any(|name| line.starts_with(name))), "{said}");
        assert!(process.last_words().await.len() < 400);
        if cfg!(target_os = "linux") {
            // Its id, its name, its state, its parent, its group.
            let mut process = start("cat /proc/$$/stat");
            let said = String::from_utf8(output(&mut process).await).unwrap();
            let words: Vec<_> = said.split_whitespace().collect();
            assert_eq!(words[0], words[4], "{said}");
        }
    }

    /// Dropped, it is gone: what waits for its output sees the end of that.
    #[tokio::test]
    async fn what_is_dropped_is_killed() {
        let mut process = start("echo begun; exec sleep 3600");
        assert_eq!(process.read().await.unwrap(), b"begun\n");
        let Process { child, output: mut rest, .. } = process;
        drop(child);
        assert_eq!(rest.read(&mut [0; 8]).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn what_cannot_make_ladders_says_why() {
        let none = unfit(Path::new("/nowhere/ffmpeg")).unwrap();
        assert!(none.contains("/nowhere/ffmpeg") && none.contains("live.ffmpeg"), "{none}");
        assert!(unfit(Path::new("true")).unwrap().contains("libx264"));
        assert!(Process::start(Path::new("/nowhere/ffmpeg"), &[], String::new()).is_err());
    }
}
