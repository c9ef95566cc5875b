//! Real servers of S3 for tests: SeaweedFS, and moto. Where they are is said by the variables `WEED` (the
//! program) and `MOTO` (the folder with the Python packages); `cargo xtask test` installs both and sets them.
#![allow(dead_code, clippy::unwrap_used)]

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use test_ports::free_port;

/// How long a server may take for anything that is waited for.
const PATIENCE: Duration = Duration::from_secs(120);
/// The key pair that may do everything.
pub(crate) const ACCESS_KEY: (&str, &str) = ("AKIATEST", "secret-of-the-test");
/// One that may not.
pub(crate) const POWERLESS: (&str, &str) = ("AKIANONE", "secret-of-nobody");

/// A server with a bucket `films`. It ends with what holds it, even where that is killed.
pub(crate) struct Server {
    pub(crate) name: &'static str,
    pub(crate) endpoint: String,
    /// The program itself.
    pub(crate) pid: u32,
    guard: Child,
    /// Closed by the system when this process ends, however it does.
    stdin: Option<ChildStdin>,
    _folder: TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let _ = self.guard.wait();
    }
}

impl Server {
    /// SeaweedFS; `None`, and said, where it is not installed.
    pub(crate) fn weed() -> Option<Self> {
        let Some(program) = std::env::var_os("WEED").map(PathBuf::from) else {
            println!("skipped: no SeaweedFS; `cargo xtask test` installs it");
            return None;
        };
        let keys = |(id, secret): (&str, &str), actions: &str| {
            format!(
                r#"{{"name":"{id}","credentials":[{{"accessKey":"{id}","secretKey":"{secret}"}}],"actions":[{actions}]}}"#
            )
        };
        let identities = format!(
            r#"{{"identities":[{},{}]}}"#,
            keys(ACCESS_KEY, r#""Admin","Read","List","Tagging","Write""#),
            keys(POWERLESS, r#""Read:other""#)
        );
        Some(Self::start_somewhere(|folder, port| {
            std::fs::write(folder.join("s3.json"), &identities).unwrap();
            std::fs::create_dir(folder.join("data")).unwrap();
            let mut weed = Command::new(&program);
            weed.args(["server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-volume.max=100", "-filer", "-s3"])
                .args(["-master.volumeSizeLimitMB=64", "-s3.port.iceberg=0", "-s3.port.lance=0"])
                .arg(format!("-dir={}", folder.join("data").display()))
                .arg(format!("-s3.config={}", folder.join("s3.json").display()))
                .arg(format!("-s3.port={port}"));
            for what in ["master.port", "volume.port", "filer.port"] {
                weed.arg(format!("-{what}={}", free_port()));
                weed.arg(format!("-{what}.grpc={}", free_port()));
            }
            weed.arg(format!("-s3.port.grpc={}", free_port()));
            ("SeaweedFS", weed, "/status")
        }))
    }

    /// moto; `None`, and said, where it is not installed.
    pub(crate) fn moto() -> Option<Self> {
        let Some(packages) = std::env::var_os("MOTO") else {
            println!("skipped: no moto; `cargo xtask test` installs it");
            return None;
        };
        Some(Self::start_somewhere(|_, port| {
            let mut moto = Command::new("python3");
            moto.args(["-m", "moto.server", "-H", "127.0.0.1", "-p", &port.to_string()])
                .env("PYTHONPATH", &packages);
            ("moto", moto, "/moto-api/")
        }))
    }

    /// Starts a server on ports that are free, and on others where somebody else was faster: what it is, how
    /// it is started with a folder and a port, and where it answers.
    fn start_somewhere(command: impl Fn(&Path, u16) -> (&'static str, Command, &'static str)) -> Self {
        for _ in 0..5 {
            let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
            let (name, command, status) = command(folder.path(), port);
            if let Some(server) = Self::start(name, &command, port, status, folder) {
                return server;
            }
            println!("{name}: somebody else has a port of it; started again on others");
        }
        panic!("no port is free for long enough")
    }

    /// `None`: a port is somebody else's.
    fn start(
        name: &'static str,
        command: &Command,
        port: u16,
        status: &str,
        folder: TempDir,
    ) -> Option<Self> {
        // SeaweedFS does not end on SIGTERM for minutes.
        let script = r#""$@" </dev/null >"$LOG" 2>&1 & echo $!; exec >&-; cat >/dev/null; kill -9 $!; wait; rm -rf "$FOLDER""#;
        let mut guard = Command::new("sh");
        guard.args(["-c", script, "sh"]).arg(command.get_program()).args(command.get_args());
        guard.env("LOG", folder.path().join("log")).env("FOLDER", folder.path());
        for (variable, value) in command.get_envs() {
            guard.env(variable, value.unwrap());
        }
        let mut guard = guard.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut pid = String::new();
        guard.stdout.take().unwrap().read_to_string(&mut pid).unwrap();
        let this = Self {
            name,
            endpoint: format!("http://127.0.0.1:{port}"),
            pid: pid.trim().parse().unwrap(),
            stdin: guard.stdin.take(),
            guard,
            _folder: folder,
        };
        let log = || {
            let bytes = std::fs::read(this._folder.path().join("log")).unwrap_or_default();
            String::from_utf8_lossy(&bytes).into_owned()
        };
        let deadline = Instant::now() + PATIENCE;
        loop {
            let is_answered = answers(port, status);
            // Who answers may be another one on that port.
            if log().to_lowercase().contains("address already in use") {
                return None;
            }
            if is_answered {
                return Some(this);
            }
            assert!(Instant::now() < deadline, "{name} does not answer: {}", log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Sends it a signal: `-STOP`, `-CONT`.
    pub(crate) fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.pid.to_string()]).status().unwrap();
        assert!(sent.success());
    }
}

fn answers(port: u16, path: &str) -> bool {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { return false };
    let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
    let request = format!("GET {path} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\n\r\n");
    let mut answer = Vec::new();
    stream.write_all(request.as_bytes()).is_ok()
        && stream.read_to_end(&mut answer).is_ok()
        && answer.windows(5).any(|part| part == b" 200 ")
}
