mod template;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde::Deserialize;
use tempfile::TempDir;
use template::Template;

use crate::http::client;
use crate::{eventually, free_port, repository};

/// The account that every server has.
pub const EMAIL: &str = "ada@example.org";
/// Its password.
pub const PASSWORD: &str = "correct horse battery staple";
/// The demo film's id.
pub const MOVIE: u64 = 60_027_274;
/// The demo film's title.
pub const TITLE: &str = "Matinee demo film";

/// A running `matinee serve` with a data directory of its own, the demo film packaged and [`EMAIL`] signed
/// up.
pub struct Server {
    child: Child,
    data: TempDir,
    port: u16,
}

/// A registered device, as the command line lists it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Device {
    /// The account's address.
    pub email: String,
    /// Its id.
    #[serde(rename = "device_id")]
    pub id: String,
    /// What its subscriber knows it by.
    pub name: String,
    /// Its place among the account's devices; a box has one only while it counts.
    pub slot: Option<u64>,
    /// How well it keeps its keys.
    pub key_level: String,
}

/// How many messages of this name were answered, by the count of the server whose metrics are at this port.
///
/// # Panics
/// When it does not answer.
pub async fn messages(metrics: u16, name: &str) -> u64 {
    let text =
        reqwest::get(format!("http://127.0.0.1:{metrics}/metrics")).await.unwrap().text().await.unwrap();
    let lines = text.lines().filter(|line| line.starts_with("matinee_messages_total{"));
    let ours = lines.filter(|line| line.contains(&format!("\"{name}\"")));
    ours.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
}

/// What the server wrote to standard output and standard error.
pub struct Log(pub String);

impl Server {
    /// Serves, with the demo film packaged and the account added.
    pub async fn start() -> Self {
        Self::start_with("").await
    }

    /// The same with lines of `matinee.toml` on top.
    pub async fn start_with(config: &str) -> Self {
        Self::start_somewhere(|_| config.to_owned()).await
    }

    /// The same, with the public URL in `matinee.toml`, so that the other commands of `matinee` know it as
    /// well.
    pub async fn start_public(config: &str) -> Self {
        Self::start_somewhere(|port| format!("public_url = \"http://localhost:{port}\"\n{config}")).await
    }

    /// On a port that is free, and on another where a program was faster; with these settings at a port.
    async fn start_somewhere(config: impl Fn(u16) -> String) -> Self {
        for _ in 0..5 {
            let port = free_port();
            if let Some(server) = Self::try_at(port, &config(port), &demo_film()).await {
                return server;
            }
            eprintln!("somebody else has port {port}; the server is started again on another one");
        }
        panic!("no port is free for long enough")
    }

    /// The same on this port, with this film's files.
    pub async fn start_at(port: u16, config: &str, film: &[PathBuf]) -> Self {
        Self::try_at(port, config, film).await.unwrap_or_else(|| panic!("somebody else has port {port}"))
    }

    /// `None`: the port is somebody else's.
    async fn try_at(port: u16, config: &str, film: &[PathBuf]) -> Option<Self> {
        let data = private_folder("matinee-e2e-");
        Template::of(film).copy_to(data.path());
        std::fs::write(data.path().join("matinee.toml"), config).unwrap();
        let child = serve(data.path(), port);
        let mut server = Self { child, data, port };
        server.is_ready().await.then_some(server)
    }

    /// Its own URL, without a trailing slash: the public one, unless the configuration names another.
    pub fn url(&self) -> String {
        format!("http://localhost:{}", self.port)
    }

    /// The data directory.
    pub fn data(&self) -> &Path {
        self.data.path()
    }

    /// Runs `matinee` on this server's data, for instance `["device", "list", "--json"]`.
    ///
    /// # Panics
    /// When it fails.
    pub fn run(&self, arguments: &[&str]) -> String {
        let output = succeed(matinee(self.data.path()).args(arguments));
        String::from_utf8(output.stdout).unwrap()
    }

    /// What `matinee device list --json` says, device by device.
    ///
    /// # Panics
    /// When it fails.
    pub fn devices(&self) -> Vec<Device> {
        serde_json::from_str(&self.run(&["device", "list", "--json"])).unwrap()
    }

    /// Puts the film under the policy `own` with these rules (lines of its table), and waits until the server
    /// goes by them.
    ///
    /// # Panics
    /// When the rules are not understood.
    pub async fn set_policy(&self, rules: &str) {
        let read =
            || self.log().0.lines().filter(|l| l.contains("read again") && l.contains("policies")).count();
        let before = read();
        std::fs::write(self.data.path().join("policies.toml"), format!("[own]\n{rules}\n")).unwrap();
        self.run(&["movie", "edit", &MOVIE.to_string(), "--policy", "own"]);
        signal(&self.child, "-HUP");
        eventually("the policies to be read", || async { (read() > before).then_some(()) }).await;
    }

    /// What the server has logged so far.
    pub fn log(&self) -> Log {
        let text = std::fs::read_to_string(self.data.path().join("serve.log")).unwrap();
        Log(text)
    }

    /// Interrupts the server as Ctrl-C does and waits for its end; true when it exited with success.
    pub fn stop(&mut self) -> bool {
        interrupt(&self.child);
        self.child.wait().unwrap().success()
    }

    /// Starts the server again on the same data and port.
    pub async fn restart(&mut self) {
        self.child = serve(self.data.path(), self.port);
        assert!(self.is_ready().await, "somebody else has port {}", self.port);
    }

    /// Waits until it answers; `false`: it cannot, for its port is somebody else's.
    async fn is_ready(&mut self) -> bool {
        let url = format!("http://127.0.0.1:{}/readyz", self.port);
        let (child, http) = (&mut self.child, client());
        // An answer, not only a connection: before it, an interrupt might end the process at once.
        let ended = eventually("the server to answer", || {
            let ended = child.try_wait().unwrap();
            let asked = http.get(&url).send();
            async move {
                match ended {
                    Some(status) => Some(Some(status)),
                    None => asked.await.ok()?.status().is_success().then_some(None),
                }
            }
        })
        .await;
        let Some(status) = ended else { return true };
        assert!(self.log().0.to_lowercase().contains("address already in use"), "the server ended: {status}");
        false
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- the server's log ---\n{}", self.log().0);
        }
    }
}

/// The committed film, smallest size first.
pub fn demo_film() -> Vec<PathBuf> {
    ["240p.mp4", "360p.mp4", "720p.mp4"].map(|name| repository().join("media/demo").join(name)).into()
}

/// A folder for data: the server refuses one that others can read.
pub(crate) fn private_folder(prefix: &str) -> TempDir {
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    tempfile::Builder::new().prefix(prefix).permissions(private).tempdir().unwrap()
}

fn serve(data: &Path, port: u16) -> Child {
    let log = File::options().create(true).append(true).open(data.join("serve.log")).unwrap();
    let mut command = matinee(data);
    command.args(["serve", "--listen", &format!("127.0.0.1:{port}")]);
    command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
    command.spawn().unwrap()
}

pub(crate) fn matinee(data: &Path) -> Command {
    let binary = std::env::var_os("MATINEE_BIN").map(PathBuf::from);
    let binary = binary.unwrap_or_else(|| repository().join("target/debug/matinee"));
    let mut command = Command::new(binary);
    command.arg("--data").arg(data).arg("--config").arg(data.join("matinee.toml"));
    if std::env::var_os("MATINEE_SITE_DIR").is_none() {
        command.env("MATINEE_SITE_DIR", repository().join("target/site"));
    }
    command
}

pub(crate) fn succeed(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

fn interrupt(child: &Child) {
    signal(child, "-INT");
}

fn signal(child: &Child, signal: &str) {
    // The `kill` program, so that this crate needs no unsafe code.
    let status = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
    assert!(status.success());
}
