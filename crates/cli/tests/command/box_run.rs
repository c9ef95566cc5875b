//! `matinee box run` against `matinee serve`, both as processes.

use crate::site::{Running, Site, demo, text};
use serde_json::Value;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdout, Command, Stdio};
use test_ports::free_port;

const MOVIE: &str = "60027274";

/// A site with the demo film, boxes on their own listener, and a box.
fn site() -> (Site, Running) {
    let site = Site::new();
    let (listen, boxes) = (free_port(), free_port());
    let config = format!(
        "listen = \"127.0.0.1:{listen}\"\npublic_url = \"http://localhost:{listen}\"\n\
         [boxes]\nlisten = \"127.0.0.1:{boxes}\"\n[metrics]\noff = true\n"
    );
    std::fs::write(site.path("matinee.toml"), config).unwrap();
    site.add_user("ada@example.org");
    site.ok(&["package", text(&demo("240p.mp4")), "--movie", MOVIE, "--title", "Demo film"]);
    let file = site.path("0001.json");
    site.ok(&["box", "provision", "--model", "Matinee One", "--serial", "0001", "--output", text(&file)]);
    let server = Running::start_as_configured(&site);
    (site, server)
}

/// A signed-in user's cookies, as a header.
fn login(server: &Running) -> String {
    let body = r#"{"email":"ada@example.org","password":"correct horse"}"#;
    let answer = server.request("POST", "/login", "Content-Type: application/json\r\n", body);
    let cookies = answer.lines().filter_map(|line| line.strip_prefix("set-cookie: "));
    let cookies: Vec<_> = cookies.map(|cookie| cookie.split(';').next().unwrap()).collect();
    format!("Cookie: {}\r\n", cookies.join("; "))
}

fn confirm(server: &Running, cookies: &str, code: &str) {
    let headers = format!("Content-Type: application/json\r\n{cookies}");
    let answer =
        server.request("POST", "/activate", &headers, &format!(r#"{{"code":"{code}","confirm":true}}"#));
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

/// A box as a process. It is ended whatever happens.
struct Tv {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl Tv {
    fn start(site: &Site, more: &[&str]) -> Self {
        let arguments = [&["box", "run", "--box-file", "0001.json", "--sink", "null"], more].concat();
        let mut command = site.command(&arguments);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// The first line that is wanted.
    fn until(&mut self, wanted: &str) -> String {
        let mut before = Vec::new();
        for line in &mut self.lines {
            let line = line.unwrap();
            if line.contains(wanted) {
                return line;
            }
            before.push(line);
        }
        panic!("no {wanted:?} in {before:#?}");
    }

    fn event(&mut self, name: &str) -> Value {
        serde_json::from_str(&self.until(&format!("\"event\":\"{name}\""))).unwrap()
    }

    fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }

    /// Its status, and what it said on standard error.
    fn ended(mut self) -> (Option<i32>, String) {
        let status = self.child.wait().unwrap().code();
        let errors = std::io::read_to_string(self.child.stderr.take().unwrap()).unwrap();
        (status, errors)
    }
}

impl Drop for Tv {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}

/// A112, A119, A120, A124: from the factory to the end of a film of the list, by commands alone; in JSON.
#[test]
fn a112_a120_a_box_plays_the_list() {
    let (site, server) = site();
    let cookies = login(&server);
    let put = server.request("PUT", &format!("/api/queue/{MOVIE}"), &cookies, "");
    assert!(put.starts_with("HTTP/1.1 204 "), "{put}");
    let mut tv = Tv::start(&site, &["--speed", "100", "--once", "--json"]);
    let code = tv.event("code");
    let url = code["url"].as_str().unwrap();
    assert!(url.ends_with("/activate"));
    assert_eq!(code["link"], format!("{url}?code={}", code["code"].as_str().unwrap()));
    confirm(&server, &cookies, code["code"].as_str().unwrap());
    tv.event("activated");
    assert_eq!(tv.event("account")["name"], "ada@example.org");
    assert_eq!(tv.event("queue")["movies"][0]["title"], "Demo film");
    assert_eq!(tv.event("playing")["sink"], "null");
    let end = tv.event("ended");
    assert_eq!((&end["reason"], &end["position"]), (&"finished".into(), &60.0.into()));
    assert_eq!(end["tracks"][0]["samples"], 1440);
    assert_eq!(tv.ended(), (Some(0), String::new()));
    let listed = site.json(&["device", "list", "ada@example.org", "--json"]);
    assert_eq!((&listed[0]["name"], &listed[0]["kind"]), (&"Matinee One 0001".into(), &"box".into()));
    let shown = site.json(&["movie", "show", MOVIE, "--json"]).to_string();
    assert!(shown.contains("\"playbacks\":1"), "{shown}");
}

/// Stopped by SIGTERM or SIGINT in the middle of a film, the box reports where it is and ends well; p and q
/// do as they say.
#[test]
fn a_box_ends_in_order() {
    let (site, server) = site();
    let cookies = login(&server);
    let mut tv = Tv::start(&site, &["--speed", "5", "--play", MOVIE]);
    let line = tv.until("Code: ");
    confirm(&server, &cookies, line.split(' ').nth(1).unwrap());
    let position = || {
        let library = server.request("GET", "/api/library", &cookies, "");
        let body: Value = serde_json::from_str(library.split("\r\n\r\n").nth(1).unwrap()).unwrap();
        body["movies"][0]["position"].as_f64().unwrap_or_default()
    };
    tv.until("Playing \"Demo film\", 1:00, to null");
    // The report of the 30th second.
    tv.until("(interval)");
    tv.signal("-TERM");
    tv.until("(hide)");
    tv.until("Stopped");
    assert_eq!(tv.ended(), (Some(0), String::new()));
    let first = position();
    assert!(first >= 30.0, "{first}");

    let mut tv = Tv::start(&site, &["--speed", "5", "--play", MOVIE]);
    tv.until("Playing \"Demo film\", 1:00 from 0:3");
    tv.child.stdin.as_mut().unwrap().write_all(b"p\n").unwrap();
    tv.until("(pause)");
    tv.signal("-INT");
    tv.until("Stopped");
    assert_eq!(tv.ended(), (Some(0), String::new()));
    assert!(position() >= first);

    let mut tv = Tv::start(&site, &[]);
    tv.until("The list is empty");
    tv.child.stdin.as_mut().unwrap().write_all(b"q\n").unwrap();
    tv.until("Stopped");
    assert_eq!(tv.ended(), (Some(0), String::new()));
}

/// Failures: one line, and a status that is not 0.
#[test]
fn a_box_fails_in_words() {
    let (site, server) = site();
    let box_run = |more: &[&'static str]| [&["box", "run", "--box-file", "0001.json"], more].concat();
    for wrong in [
        &["box", "run"][..],
        &box_run(&["--speed", "2"]),
        &box_run(&["--sink", "null", "--speed", "0"]),
        &box_run(&["--sink", "wall"]),
        &box_run(&["--play", "-1"]),
    ] {
        assert_eq!(site.run(wrong).status.code(), Some(2), "{wrong:?}");
    }
    assert!(site.fails(&["box", "run", "--box-file", "none.json"]).contains("none.json"));
    std::fs::write(site.path("bad.json"), "{}").unwrap();
    Command::new("chmod").args(["600", text(&site.path("bad.json"))]).status().unwrap();
    assert!(site.fails(&["box", "run", "--box-file", "bad.json"]).contains("no box file"));

    let mut tv = Tv::start(&site, &["--play", "7", "--once"]);
    let line = tv.until("Code: ");
    confirm(&server, &login(&server), line.split(' ').nth(1).unwrap());
    assert_eq!(tv.ended(), (Some(1), "matinee: There is no such title. (MOVIE_UNKNOWN)\n".to_owned()));

    let mut tv = Tv::start(&site, &[]);
    tv.until("a box of");
    let second = site.fails(&["box", "run", "--box-file", "0001.json", "--sink", "null"]);
    assert!(second.contains("another process runs this box"), "{second}");
}
