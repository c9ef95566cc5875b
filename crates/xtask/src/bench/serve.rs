//! A folder by HTTP on this machine, and the one answer that its page posts.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

use crate::error::Error;

/// The most that a page may post, bytes.
const MOST: u64 = 16 << 20;

/// Serves until the program ends.
pub(super) struct Server {
    port: u16,
    results: Receiver<String>,
}

impl Server {
    /// Serves the folder's files.
    ///
    /// # Errors
    /// [`Error::Server`] where no port is available.
    pub(super) fn start(folder: &Path) -> Result<Self, Error> {
        let listener =
            TcpListener::bind("127.0.0.1:0").and_then(|listener| Ok((listener.local_addr()?, listener)));
        let (address, listener) = listener.map_err(|error| Error::Server(error.to_string()))?;
        let (sender, results) = mpsc::channel();
        let folder = folder.to_owned();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (folder, sender) = (folder.clone(), sender.clone());
                // A browser that hangs up is none of ours.
                std::thread::spawn(move || answer(stream, &folder, &sender).ok());
            }
        });
        Ok(Self { port: address.port(), results })
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// What was posted to `/result`, if it comes in time.
    pub(super) fn result(&self, limit: Duration) -> Option<String> {
        self.results.recv_timeout(limit).ok()
    }
}

fn answer(mut stream: TcpStream, folder: &Path, results: &Sender<String>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut request = String::new();
    reader.read_line(&mut request)?;
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap_or(0);
        }
    }
    let mut words = request.split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let path = path.split('?').next().unwrap_or_default();
    let (status, kind, body) = if method == "POST" && path == "/result" {
        let mut text = String::new();
        reader.take(length.min(MOST)).read_to_string(&mut text)?;
        // Nobody waits any more when the limit has passed.
        let _ = results.send(text);
        ("204 No Content", "text/plain", Vec::new())
    } else {
        match file(folder, path).map(|file| (kind(&file), std::fs::read(file))) {
            Some((kind, Ok(body))) => ("200 OK", kind, body),
            _ => ("404 Not Found", "text/plain", Vec::new()),
        }
    };
    // Isolated, so that the clock is fine.
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\
         Cross-Origin-Opener-Policy: same-origin\r\nCross-Origin-Embedder-Policy: require-corp\r\n\r\n",
        body.len()
    )?;
    stream.write_all(&body)
}

/// The file of a path, within the folder.
fn file(folder: &Path, path: &str) -> Option<PathBuf> {
    let path = path.strip_prefix('/')?;
    let plain = |part: &str| !part.is_empty() && !part.starts_with('.');
    path.split('/').all(plain).then(|| folder.join(path))
}

fn kind(file: &Path) -> &'static str {
    match file.extension().and_then(|ending| ending.to_str()) {
        Some("html") => "text/html",
        Some("js") => "text/javascript",
        Some("wasm") => "application/wasm",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serves_the_folder_and_takes_the_result() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("page.js"), "1").unwrap();
        let server = Server::start(folder.path()).unwrap();
        let ask = |request: &str| {
            let mut stream = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
            stream.write_all(request.as_bytes()).unwrap();
            let mut text = String::new();
            stream.read_to_string(&mut text).unwrap();
            text
        };
        let page = ask("GET /page.js?x=1 HTTP/1.1\r\n\r\n");
        assert!(
            page.starts_with("HTTP/1.1 200") && page.contains("text/javascript") && page.ends_with("\r\n1")
        );
        assert!(ask("GET /../page.js HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 404"));
        assert!(ask("GET //etc/passwd HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 404"));
        ask("POST /result HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}");
        assert_eq!(server.result(Duration::from_secs(60)).as_deref(), Some("{}"));
    }
}
