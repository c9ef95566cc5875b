//! What the operator's receiver is told of a playback (CMCD, event mode), as browsers tell it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tv_box::{Ended, Notice, Wish};

use crate::world::{MOVIE, Run, Running, World, activated};

/// Looks at what came, ten milliseconds apart, before it is given up.
const PATIENCE: usize = 3000;

/// Heads and bodies of requests.
type Told = Arc<Mutex<Vec<(String, String)>>>;

/// Takes everything, and gives its URL.
async fn receiver() -> (String, Told) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/reports", listener.local_addr().unwrap());
    let told = Told::default();
    let all = Arc::clone(&told);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(take(stream, Arc::clone(&all)));
        }
    });
    (url, told)
}

async fn take(mut stream: TcpStream, told: Told) {
    let mut request = Vec::new();
    loop {
        assert!(stream.read_buf(&mut request).await.unwrap() > 0, "a whole request");
        let text = String::from_utf8_lossy(&request).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let head = head.to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        if body.len() == length.parse::<usize>().unwrap() {
            told.lock().unwrap().push((head, body.to_owned()));
            let answer = b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n";
            return stream.write_all(answer).await.unwrap();
        }
    }
}

/// The lines of a playback in the order in which they were told, once those up to its end are there: nobody
/// waits for a receiver, and bodies may arrive in any order. What came is CMCD, and says nothing else.
async fn lines(told: &Told, end: &str) -> Vec<String> {
    let ended = |lines: &[String]| {
        let is_last = |line: &String| value(line, "e") == Some("ps") && value(line, "sta") == Some(end);
        lines.last().is_some_and(is_last) && lines.iter().enumerate().all(|(n, line)| number(line) == n)
    };
    for _ in 0..PATIENCE {
        let lines = sorted(told);
        if ended(&lines) {
            told.lock().unwrap().clear();
            return lines;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the end was not told: {:#?}", sorted(told));
}

fn sorted(told: &Told) -> Vec<String> {
    let all = told.lock().unwrap().clone();
    for (head, _) in &all {
        assert!(head.starts_with("post /reports http/1.1\r\n"), "{head}");
        assert!(head.contains("content-type: application/cmcd") && !head.contains("cookie"), "{head}");
        assert!(!head.contains("nccp") && !head.contains("authorization"), "{head}");
    }
    let mut lines: Vec<_> = all.iter().flat_map(|(_, body)| body.lines().map(str::to_owned)).collect();
    lines.sort_by_key(|line| number(line));
    lines
}

/// Where a line stands among all of its playback.
fn number(line: &str) -> usize {
    value(line, "sn").unwrap().parse().unwrap()
}

/// The value of a key.
fn value<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    line.split(',').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='))
}

/// The states that were told, by their letters.
fn states(lines: &[String]) -> String {
    lines.iter().filter(|line| value(line, "e") == Some("ps")).filter_map(|line| value(line, "sta")).collect()
}

/// A film to its end, and another playback of it that is paused and left: states, downloads, and names that
/// are the CDN's and no account's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_box_reports_how_it_goes_to_whom_the_operator_names() {
    let (url, told) = receiver().await;
    let world = World::with(&format!(
        "[[cdn]]\nid = 1\nname = \"one\"\nbase_url = \"{{cdn 1}}\"\ncmcd = true\n\
         [cmcd]\nreport_to = \"{url}\"\ndownloads = true\n"
    ))
    .await;
    let file = activated(&world, "0001").await;
    let run = |speed| Run { play: Some(MOVIE), ..Run::once(speed) };
    let (ended, shown) = Running::start(&file, run(20.0)).ended().await;
    assert_eq!(ended.unwrap(), Ended::Done, "{shown:#?}");
    let first = lines(&told, "e").await;
    let played = states(&first);
    // On a slow machine the buffer may run dry.
    assert!(played.starts_with("sp") && played.ends_with('e'), "{played}");
    assert!(played.trim_matches(['s', 'e']).chars().all(|state| "pr".contains(state)), "{played}");
    let sid = value(&first[0], "sid").unwrap().trim_matches('"');
    for line in &first {
        assert_eq!(value(line, "sid").map(|sid| sid.trim_matches('"')), Some(sid), "{line}");
        // The server's time, to which the box's was set.
        assert!(value(line, "ts").unwrap().starts_with("17900"), "{line}");
    }
    let downloads: Vec<_> = first.iter().filter(|line| value(line, "e") == Some("rr")).collect();
    assert!(downloads.len() >= 16, "{first:#?}");
    for line in downloads {
        let url = value(line, "url").unwrap();
        assert!(url.starts_with(&format!("\"{}/s/", world.cdns[0].url())) && !url.contains('?'), "{line}");
        assert!(["v", "a", "i"].contains(&value(line, "ot").unwrap()), "{line}");
    }
    let asked = world.cdns[0].exchanges();
    let media = asked.iter().filter(|exchange| exchange.path.starts_with("/s/"));
    assert!(media.clone().count() >= 16 && media.clone().all(|exchange| exchange.query.contains(sid)));

    let mut tv = Running::start(&file, run(4.0));
    tv.playing().await;
    tv.wishes.send(Wish::Pause).await.unwrap();
    tv.until("the pause", |notice| matches!(notice, Notice::Logged { reason: "pause", .. }).then_some(()))
        .await;
    let (ended, _) = tv.stop().await;
    assert_eq!(ended.unwrap(), Ended::Stopped);
    let second = lines(&told, "q").await;
    let left = states(&second);
    assert!(left.starts_with("sp") && left.ends_with("aq"), "{left}");
    assert!(second.iter().all(|line| !line.contains(sid)), "drawn anew for each playback");
}
