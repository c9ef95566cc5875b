//! A folder with a site in it, and its server as a process.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

pub(crate) fn demo(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../media/demo").join(file)
}

pub(crate) struct Site(tempfile::TempDir);

impl Site {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The data folder, before the first command makes it.
    pub(crate) fn make_data(&self) {
        use std::os::unix::fs::DirBuilderExt as _;
        std::fs::DirBuilder::new().mode(0o700).create(self.path("data")).unwrap();
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_matinee"));
        command.arg("--data").arg(self.path("data")).args(arguments).current_dir(self.0.path());
        for variable in ["MATINEE_DATA", "MATINEE_SITE_DIR", "MATINEE_PASSWORD", "MATINEE_LISTEN"] {
            command.env_remove(variable);
        }
        let amazon = std::env::vars_os().map(|(name, _)| name);
        for variable in amazon.filter(|name| name.as_encoded_bytes().starts_with(b"AWS_")) {
            command.env_remove(variable);
        }
        command.env("MATINEE_LOG", "error");
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).stdin(Stdio::null()).output().unwrap()
    }

    /// Runs what must succeed; its output.
    pub(crate) fn ok(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let errors = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{arguments:?}: {errors}");
        assert_eq!(errors, "", "{arguments:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    pub(crate) fn json(&self, arguments: &[&str]) -> serde_json::Value {
        serde_json::from_str(&self.ok(arguments)).unwrap()
    }

    /// Runs what must fail with status 1 and one line; the line.
    pub(crate) fn fails(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {errors}");
        assert!(errors.starts_with("matinee: ") && errors.lines().count() == 1, "{arguments:?}: {errors}");
        errors
    }

    pub(crate) fn add_user(&self, email: &str) {
        self.ok(&["user", "add", email, "--password", "correct horse"]);
    }

    /// Names in the library, hidden ones too.
    pub(crate) fn library(&self) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.path("data/library")) else { return Vec::new() };
        entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect()
    }
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A server that is ended whatever happens.
pub(crate) struct Running {
    child: Child,
    address: String,
}

impl Running {
    pub(crate) fn start(site: &Site) -> Self {
        Self::start_with(site, &["serve", "--listen", "127.0.0.1:0"])
    }

    /// Listens where `matinee.toml` says.
    pub(crate) fn start_as_configured(site: &Site) -> Self {
        Self::start_with(site, &["serve"])
    }

    fn start_with(site: &Site, arguments: &[&str]) -> Self {
        Self::of(&mut site.command(arguments))
    }

    /// Of a `serve` that is as it is to be.
    pub(crate) fn of(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.strip_prefix("Listening on ").unwrap().split(' ').next().unwrap().to_owned();
        Self { child, address }
    }

    pub(crate) fn request(&self, method: &str, path: &str, more: &str, body: &str) -> String {
        String::from_utf8(self.octets(method, path, more, body)).unwrap()
    }

    /// As [`Running::request`], where the answer is no text.
    pub(crate) fn octets(&self, method: &str, path: &str, more: &str, body: &str) -> Vec<u8> {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let host = self.address.replace("127.0.0.1", "localhost");
        let length = body.len();
        write!(stream, "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {length}\r\n{more}\r\n{body}").unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        answer
    }

    /// Signs in whom [`Site::add_user`] made: the answer, and a line with its cookies for other requests.
    pub(crate) fn sign_in(&self, email: &str) -> (String, String) {
        let body = format!(r#"{{"email":"{email}","password":"correct horse"}}"#);
        let answer = self.request("POST", "/login", "Content-Type: application/json\r\n", &body);
        let cookies = answer.lines().filter_map(|line| line.strip_prefix("set-cookie: "));
        let cookies: Vec<_> = cookies.map(|cookie| cookie.split(';').next().unwrap()).collect();
        let cookies = format!("Cookie: {}\r\n", cookies.join("; "));
        (answer, cookies)
    }

    pub(crate) fn stop(mut self, signal: &str) -> Option<i32> {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}
