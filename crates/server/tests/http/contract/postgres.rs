//! A PostgreSQL server of the test's own, in a folder of its own, behind a socket in that folder.

use server::store::PostgresStore;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub(crate) struct Postgres {
    folder: tempfile::TempDir,
    tools: PathBuf,
    server: Child,
}

/// Who runs the server: PostgreSQL refuses to be root.
fn user() -> Option<(u32, u32)> {
    let root = id("-u", None)? == 0;
    if !root {
        return None;
    }
    let name = ["postgres", "nobody"].into_iter().find(|name| id("-u", Some(name)).is_some())?;
    Some((id("-u", Some(name))?, id("-g", Some(name))?))
}

fn id(what: &str, name: Option<&str>) -> Option<u32> {
    let output = Command::new("id").arg(what).args(name).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok().filter(|_| output.status.success())
}

/// The folder with initdb and postgres.
fn tools() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    folders.push("/usr/local/bin".into());
    let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .map(|entries| entries.filter_map(|e| Some(e.ok()?.path().join("bin"))).collect())
        .unwrap_or_default();
    versions.sort();
    folders.extend(versions.into_iter().rev());
    folders.into_iter().find(|folder| folder.join("initdb").is_file() && folder.join("postgres").is_file())
}

fn command(program: &Path) -> Command {
    let mut command = match user() {
        None => Command::new(program),
        Some((uid, gid)) => {
            let mut command = Command::new("setpriv");
            command.args([&format!("--reuid={uid}"), &format!("--regid={gid}"), "--clear-groups", "--"]);
            command.arg(program);
            command
        }
    };
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).current_dir("/");
    command
}

impl Postgres {
    /// Starts one, or prints why not.
    pub(crate) async fn start() -> Option<Self> {
        let Some(tools) = tools() else {
            println!("skipped: there is no PostgreSQL (initdb, postgres) on this machine");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        if let Some((uid, gid)) = user() {
            std::os::unix::fs::chown(folder.path(), Some(uid), Some(gid)).unwrap();
        }
        let initdb = command(&tools.join("initdb"))
            .args(["--auth=trust", "--username=matinee", "--encoding=UTF8", "--locale=C", "--no-sync"])
            .arg(folder.path().join("data"))
            .status()
            .unwrap();
        assert!(initdb.success(), "initdb failed");
        let server = spawn(&tools, folder.path());
        let mut this = Self { folder, tools, server };
        this.ready().await;
        Some(this)
    }

    pub(crate) fn url(&self) -> String {
        format!("postgres://matinee@localhost/postgres?host={}", self.folder.path().display())
    }

    /// A store on it.
    pub(crate) async fn store(&self) -> PostgresStore {
        PostgresStore::open(&self.url(), 16).await.unwrap()
    }

    async fn ready(&mut self) {
        let begun = Instant::now();
        while let Err(error) = PostgresStore::open(&self.url(), 1).await {
            assert!(begun.elapsed() < Duration::from_secs(120), "PostgreSQL does not start: {error}");
            // After a kill it refuses to start as long as one of the old server's processes still holds the
            // memory they shared.
            if self.server.try_wait().unwrap().is_some() {
                self.server = spawn(&self.tools, self.folder.path());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    fn signal(&self, signal: &str) {
        let pid = std::fs::read_to_string(self.folder.path().join("data/postmaster.pid")).unwrap();
        let pid = pid.lines().next().unwrap();
        assert!(Command::new("kill").args([signal, pid]).status().unwrap().success());
    }

    /// Ends it without a chance to tidy up, and starts it again.
    pub(crate) async fn kill_and_restart(&mut self) {
        self.signal("-KILL");
        self.server.wait().unwrap();
        self.server = spawn(&self.tools, self.folder.path());
        self.ready().await;
    }
}

fn spawn(tools: &Path, folder: &Path) -> Child {
    command(&tools.join("postgres"))
        .arg("-D")
        .arg(folder.join("data"))
        .arg("-k")
        .arg(folder)
        .args(["-c", "listen_addresses=", "-c", "max_connections=100"])
        .spawn()
        .unwrap()
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if let Ok(pid) = std::fs::read_to_string(self.folder.path().join("data/postmaster.pid")) {
            let _ = Command::new("kill").args(["-QUIT", pid.lines().next().unwrap_or_default()]).status();
        }
        let _ = self.server.wait();
    }
}
