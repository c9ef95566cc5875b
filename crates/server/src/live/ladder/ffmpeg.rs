//! An ffmpeg that runs: what it is given, what it writes, what it complains of.

use crate::live::ladder_handle::Weight;
use ::live::transcode::{Encoder, Means, trial};
use rustix::process::{Pid, setpriority_process};
use std::io;
use std::path::Path;
use std::process::{Output, Stdio};
use std::sync::mpsc::Receiver;
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
/// What it needs of our environment, and drivers of encoders in hardware do: secrets may be in the rest.
const ENVIRONMENT: [&str; 7] = [
    "PATH",
    "LD_LIBRARY_PATH",
    "LANG",
    "TMPDIR",
    "LIBVA_DRIVER_NAME",
    "LIBVA_DRIVERS_PATH",
    "CUDA_VISIBLE_DEVICES",
];
/// How long a list may take, or a picture that is encoded to see whether that can be done.
const ANSWERED: Duration = Duration::from_secs(20);
/// How often it is looked at whether it is through.
const BETWEEN: Duration = Duration::from_millis(20);
/// Octets of an answer that are read.
const MOST_SAID: u64 = 1 << 20;
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

/// Why an ffmpeg cannot make ladders with an encoder by its own account, in words for the operator; `None`
/// where it may. Whether an encoder in hardware is there it does not know.
pub fn unlisted(program: &Path, encoder: Encoder) -> Option<String> {
    match ask(program, &list("-encoders")) {
        Err(error) => Some(not_started(program, &error)),
        Ok(None) => Some(format!("{} does not end when it is asked for its encoders", program.display())),
        Ok(Some(output)) if !is_listed(&output.stdout, encoder.name()) => {
            Some(format!("{} has no {encoder}: install one that has", program.display()))
        }
        Ok(Some(_)) => None,
    }
}

/// As [`unlisted`]; an encoder in hardware has to encode a picture, too, as whoever calls this.
pub(super) fn unfit(program: &Path, means: Means<'_>) -> Option<String> {
    let encoder = means.encoder;
    if let Some(why) = unlisted(program, encoder) {
        return Some(why);
    }
    if !encoder.is_hardware() {
        return None;
    }
    let cannot = |why: &str| {
        format!(
            "{encoder} of {} encodes nothing ({why}): its driver or its device is missing, or the server's \
             user may not use it (the group render, as a rule); see live.ladder_encoder and \
             live.ladder_device of matinee.toml",
            program.display()
        )
    };
    match ask(program, &trial(means)) {
        Err(error) => Some(cannot(&error.to_string())),
        Ok(None) => Some(cannot("it does not end")),
        Ok(Some(output)) if output.status.success() => None,
        Ok(Some(output)) => {
            let said = String::from_utf8_lossy(&output.stderr);
            let last = said.lines().map(str::trim).rfind(|line| !line.is_empty());
            let why = last.unwrap_or("it says nothing").chars().take(LONGEST_LINE).collect::<String>();
            Some(cannot(&why))
        }
    }
}

/// Of our environment what it may see.
fn environment() -> impl Iterator<Item = (&'static str, std::ffi::OsString)> {
    ENVIRONMENT.into_iter().filter_map(|name| Some((name, std::env::var_os(name)?)))
}

/// The arguments that have it list something.
fn list(what: &str) -> Vec<String> {
    ["-hide_banner", "-loglevel", "error", what].map(str::to_owned).to_vec()
}

/// What it says to something that it is through with soon; `None` where it does not end in time. Waits.
fn ask(program: &Path, arguments: &[String]) -> io::Result<Option<Output>> {
    let mut command = std::process::Command::new(program);
    command.args(arguments).env_clear().envs(environment());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let until = std::time::Instant::now() + ANSWERED;
    let mut child = command.spawn()?;
    // Read meanwhile: it waits where a pipe is full.
    let said = (child.stdout.take().map(read_all), child.stderr.take().map(read_all));
    let status = loop {
        match child.try_wait()? {
            Some(status) => break status,
            None if std::time::Instant::now() > until => {
                child.kill()?;
                child.wait()?;
                return Ok(None);
            }
            None => std::thread::sleep(BETWEEN),
        }
    };
    // What it has begun itself may have the pipes still.
    let of = |said: Option<Receiver<Vec<u8>>>| {
        let rest = until.saturating_duration_since(std::time::Instant::now());
        said.and_then(|said| said.recv_timeout(rest).ok()).unwrap_or_default()
    };
    Ok(Some(Output { status, stdout: of(said.0), stderr: of(said.1) }))
}

/// All that is said, as far as it is not too much.
fn read_all(pipe: impl io::Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (whole, said) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let mut all = Vec::new();
        // What came before it failed counts.
        let _ = io::Read::read_to_end(&mut io::Read::take(pipe, MOST_SAID), &mut all);
        let _ = whole.send(all);
    });
    said
}

/// Whether a list of ffmpeg's has a name: in the second column.
fn is_listed(list: &[u8], name: &str) -> bool {
    String::from_utf8_lossy(list).lines().any(|line| line.split_whitespace().nth(1) == Some(name))
}

/// Which filters an ffmpeg lacks, in words for the operator; `None`: none of these.
pub(super) async fn lacks(program: &Path, filters: &[&str]) -> Option<String> {
    let asked = program.to_owned();
    let answer = tokio::task::spawn_blocking(move || ask(&asked, &list("-filters"))).await;
    // What is wrong with it is said when it is started.
    let Ok(Ok(Some(Output { stdout: list, .. }))) = answer else { return None };
    let lacking: Vec<_> = filters.iter().filter(|filter| !is_listed(&list, filter)).copied().collect();
    let names = lacking.join(" and ");
    (!lacking.is_empty()).then(|| format!("{} has no {names}: install one that has", program.display()))
}

impl Process {
    /// Starts it for an event. Fails in words for the operator.
    pub(super) fn start(program: &Path, arguments: &[String], event: String) -> Result<Self, String> {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env_clear()
            .envs(environment())
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

    /// A program that has an encoder by its own account, and cannot encode: it is said why, and which setting
    /// it is about.
    #[tokio::test]
    async fn an_encoder_in_hardware_is_tried() {
        let folder = tempfile::tempdir().unwrap();
        let program = |then: &str| {
            let path = folder.path().join("ffmpeg");
            let script = format!(
                "#!/bin/sh\ncase \"$*\" in\n*-encoders*) echo ' V....D h264_nvenc NVIDIA' ;;\n\
                 *-filters*) echo ' .SC zscale V->V x' ;;\n*) {then} ;;\nesac\n"
            );
            // By another process, as nobody can run what this one has open for writing.
            let written = std::process::Command::new("/bin/sh")
                .args(["-c", "printf '%s' \"$2\" >\"$1\" && chmod 700 \"$1\"", "sh"])
                .args([path.as_os_str(), script.as_ref()])
                .status();
            assert!(written.unwrap().success());
            path
        };
        let means = Means { encoder: Encoder::Nvenc, device: None, threads: 1 };
        assert_eq!(unfit(&program("exit 0"), means), None);
        let said = unfit(&program("echo first >&2; echo 'no CUDA here' >&2; exit 1"), means).unwrap();
        assert!(said.contains("(no CUDA here)") && said.contains("live.ladder_encoder"), "{said}");
        let path = program("exit 1");
        assert!(unfit(&path, means).unwrap().contains("it says nothing"));
        assert_eq!(unlisted(&path, Encoder::Nvenc), None, "by its own account it has it");
        assert!(unlisted(&path, Encoder::Qsv).unwrap().contains("has no h264_qsv"));
        assert_eq!(lacks(&path, &["zscale"]).await, None);
        let said = lacks(&path, &["zscale", "tonemap"]).await.unwrap();
        assert!(said.contains("has no tonemap:"), "{said}");
    }

    /// Whatever it is asked, it has no more of our environment than it needs; a long answer is read whole.
    #[test]
    fn an_answer_is_read_whole_and_says_nothing_of_us() {
        let asked = |script: &str| {
            let arguments = ["-c".to_owned(), script.to_owned()];
            ask(Path::new("/bin/sh"), &arguments).unwrap().unwrap()
        };
        let said = String::from_utf8(asked("env").stdout).unwrap();
        let shell = ["PWD", "SHLVL", "_", "OLDPWD"];
        let known = |name: &str| ENVIRONMENT.contains(&name) || shell.contains(&name);
        assert!(said.lines().all(|line| line.split_once('=').is_some_and(|(name, _)| known(name))), "{said}");
        let long = asked("n=0; while [ $n -lt 30 ]; do printf '%09999d' 0; n=$((n + 1)); done; exit 3");
        assert_eq!((long.stdout.len(), long.status.code()), (30 * 9999, Some(3)));
    }

    #[tokio::test]
    async fn what_cannot_make_ladders_says_why() {
        let means = |encoder| Means { encoder, device: None, threads: 1 };
        let none = unfit(Path::new("/nowhere/ffmpeg"), means(Encoder::X264)).unwrap();
        assert!(none.contains("/nowhere/ffmpeg") && none.contains("live.ffmpeg"), "{none}");
        assert!(unfit(Path::new("true"), means(Encoder::X264)).unwrap().contains("libx264"));
        assert!(unfit(Path::new("true"), means(Encoder::Vaapi)).unwrap().contains("h264_vaapi"));
        assert!(Process::start(Path::new("/nowhere/ffmpeg"), &[], String::new()).is_err());
    }
}
