//! A store that misbehaves: what is tried again, what is said, and that no wrong byte is given.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use storage::{Error, Key, Patience, PutMode, S3, Storage, Trouble};
use test_ports::free_port;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::buckets::{pair, servers, settings};
use crate::servers::POWERLESS;

const FILM: &[u8] = b"0123456789abcdefghij";

fn key() -> Key {
    "8e06/541/1.mp4".parse().unwrap()
}

/// What is done with the n-th request, beginning with 0.
type Behaviour = fn(n: usize) -> Answer;

/// A client of the store at an endpoint.
type Client = fn(&str) -> S3;

#[derive(Clone, Copy)]
enum Answer {
    /// A status, and a body in XML.
    Status(&'static str, &'static str),
    /// What was asked for.
    Film,
    /// The head, so many bytes, and the end of the connection.
    Cut(usize),
    /// The head, so many bytes, and nothing more.
    Silence(usize),
    /// Nothing at all.
    Nothing,
    /// Byte by byte.
    Slowly,
    /// Whoever writes is told that there is one; whoever reads gets it.
    Taken,
    /// Whoever writes is told that somebody else does; whoever reads, that there is nothing.
    Busy,
}

/// A store with one film, by HTTP. Gives its URL, and how often it was asked.
async fn store(behaviour: Behaviour) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let answer = behaviour(count.fetch_add(1, Ordering::SeqCst));
            tokio::spawn(serve(stream, answer));
        }
    });
    (endpoint, asked)
}

async fn serve(mut stream: TcpStream, answer: Answer) -> std::io::Result<()> {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    while !request.windows(4).any(|part| part == b"\r\n\r\n") {
        match stream.read(&mut buffer).await? {
            0 => return Ok(()),
            count => request.extend_from_slice(&buffer[..count]),
        }
    }
    let head_end = request.windows(4).position(|part| part == b"\r\n\r\n").unwrap() + 4;
    let body = request.len() - head_end;
    let request = String::from_utf8_lossy(&request).to_lowercase();
    // All that is sent is taken, or the answer may be lost with the connection.
    let length = request.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut left = length.map_or(0, |length| length.trim().parse::<usize>().unwrap()).saturating_sub(body);
    while left > 0 {
        match stream.read(&mut buffer).await? {
            0 => return Ok(()),
            count => left = left.saturating_sub(count),
        }
    }
    let answer = match (answer, request.starts_with("get ")) {
        (Answer::Taken, true) => Answer::Film,
        (Answer::Taken, false) => {
            Answer::Status("412 Precondition Failed", "<Code>PreconditionFailed</Code>")
        }
        (Answer::Busy, true) => Answer::Status("404 Not Found", "<Error><Code>NoSuchKey</Code></Error>"),
        (Answer::Busy, false) => {
            Answer::Status("409 Conflict", "<Error><Code>ConditionalRequestConflict</Code></Error>")
        }
        (other, _) => other,
    };
    let range = request.lines().find_map(|line| line.strip_prefix("range: bytes="));
    let (first, last) = match range.and_then(|range| range.split_once('-')) {
        Some((first, "")) => (first.parse().unwrap(), FILM.len() - 1),
        Some((first, last)) => (first.parse().unwrap(), last.parse::<usize>().unwrap().min(FILM.len() - 1)),
        None => (0, FILM.len() - 1),
    };
    let (status, content_range) = match range {
        Some(_) => ("206 Partial Content", format!("Content-Range: bytes {first}-{last}/{}\r\n", FILM.len())),
        None => ("200 OK", String::new()),
    };
    let part = &FILM[first..=last];
    let head = format!(
        "HTTP/1.1 {status}\r\n{content_range}Content-Length: {}\r\nETag: \"film\"\r\n\
         Last-Modified: Sun, 29 Nov 2026 12:00:00 GMT\r\nConnection: close\r\n\r\n",
        part.len()
    );
    match answer {
        Answer::Nothing | Answer::Taken | Answer::Busy => std::future::pending().await,
        Answer::Status(status, body) => {
            let head = format!(
                "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            );
            stream.write_all(head.as_bytes()).await
        }
        Answer::Film => {
            stream.write_all(head.as_bytes()).await?;
            stream.write_all(part).await
        }
        Answer::Cut(count) => {
            stream.write_all(head.as_bytes()).await?;
            stream.write_all(&part[..count.min(part.len())]).await
        }
        Answer::Silence(count) => {
            stream.write_all(head.as_bytes()).await?;
            stream.write_all(&part[..count.min(part.len())]).await?;
            std::future::pending().await
        }
        Answer::Slowly => {
            stream.write_all(head.as_bytes()).await?;
            for byte in part {
                stream.write_all(&[*byte]).await?;
                tokio::time::sleep(Duration::from_millis(30)).await;
            }
            Ok(())
        }
    }
}

/// Tries little, and waits so long.
fn patience(answer: Duration) -> Patience {
    Patience {
        connect: Duration::from_secs(60),
        read: answer,
        write: answer,
        retries: 2,
        first_pause: Duration::from_millis(1),
        longest_pause: Duration::from_millis(2),
    }
}

/// Waits longer than any machine of tests is slow: where a store answers, or breaks off.
fn s3(endpoint: &str) -> S3 {
    S3::new(storage::S3Settings { patience: patience(Duration::from_secs(120)), ..settings(endpoint) })
        .unwrap()
}

/// Waits little: where a store is silent.
fn impatient(endpoint: &str) -> S3 {
    S3::new(storage::S3Settings { patience: patience(Duration::from_secs(2)), ..settings(endpoint) }).unwrap()
}

async fn read(storage: &S3) -> Result<Bytes, Error> {
    storage.get(&key(), Some(2..18)).await?.bytes().await
}

fn trouble(error: &Error) -> Trouble {
    match error {
        Error::Store { trouble, .. } => *trouble,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn what_passes_is_tried_again() {
    let behaviours: [(Behaviour, Client); 5] = [
        (|n| if n < 2 { Answer::Status("503 Slow Down", "") } else { Answer::Film }, s3),
        (|n| if n < 2 { Answer::Nothing } else { Answer::Film }, impatient),
        (|n| if n < 3 { Answer::Cut(5) } else { Answer::Film }, s3),
        // Two bytes more each time: progress, so it goes on.
        (|_| Answer::Cut(2), s3),
        (|n| if n < 2 { Answer::Silence(3) } else { Answer::Film }, impatient),
    ];
    for (number, (behaviour, client)) in behaviours.into_iter().enumerate() {
        let (endpoint, asked) = store(behaviour).await;
        assert_eq!(read(&client(&endpoint)).await.unwrap(), FILM[2..18], "behaviour {number}");
        assert!(asked.load(Ordering::SeqCst) > 1);
    }
}

/// A store that sends slowly is waited for, however long it takes in all.
#[tokio::test]
async fn a_slow_store_is_read_to_the_end() {
    let (endpoint, asked) = store(|_| Answer::Slowly).await;
    assert_eq!(read(&s3(&endpoint)).await.unwrap(), FILM[2..18]);
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn what_does_not_pass_is_said() {
    let cases: [(Behaviour, Trouble, &str); 6] = [
        (|_| Answer::Status("503 Slow Down", ""), Trouble::Failing(503), "the store fails (503)"),
        (|_| Answer::Status("500 Internal Server Error", ""), Trouble::Failing(500), "try later"),
        (
            |_| {
                Answer::Status(
                    "403 Forbidden",
                    "<Error><Code>AccessDenied</Code><Message>Access Denied.</Message></Error>",
                )
            },
            Trouble::Refused,
            "check the credentials",
        ),
        (
            |_| Answer::Status("404 Not Found", "<Error><Code>NoSuchBucket</Code></Error>"),
            Trouble::NoBucket,
            "no such bucket",
        ),
        (|_| Answer::Nothing, Trouble::Silent, "does not answer in time"),
        (|_| Answer::Status("301 Moved Permanently", ""), Trouble::Elsewhere, "storage.region"),
    ];
    for (behaviour, expected, words) in cases {
        let (endpoint, asked) = store(behaviour).await;
        let client = if expected == Trouble::Silent { impatient } else { s3 };
        let error = read(&client(&endpoint)).await.unwrap_err();
        assert_eq!(trouble(&error), expected, "{error}");
        let text = error.to_string();
        assert!(text.starts_with("8e06/541/1.mp4: cannot read in s3://films/"), "{text}");
        assert!(text.contains(words) && !text.contains("secret") && !text.contains('\n'), "{text}");
        if expected == Trouble::Refused {
            assert!(text.ends_with("(AccessDenied: Access Denied.)"), "{text}");
            assert_eq!(asked.load(Ordering::SeqCst), 1, "not tried again");
        }
    }
    let nobody = format!("http://127.0.0.1:{}", free_port());
    assert_eq!(trouble(&read(&s3(&nobody)).await.unwrap_err()), Trouble::Unreachable);
}

/// Never fewer bytes than were promised, without an error.
#[tokio::test]
async fn what_ends_early_ends_with_an_error() {
    let behaviours: [(Behaviour, Client); 2] =
        [(|_| Answer::Cut(0), s3), (|_| Answer::Silence(0), impatient)];
    for (behaviour, client) in behaviours {
        let (endpoint, _) = store(behaviour).await;
        let storage = client(&endpoint);
        let object = storage.get(&key(), None).await.unwrap();
        let pieces: Vec<Result<Bytes, Error>> = futures_util::StreamExt::collect(object.body).await;
        assert!(pieces.last().unwrap().is_err(), "{pieces:?}");
    }
    // Cut for good in the middle of it.
    let (endpoint, _) =
        store(|n| if n == 0 { Answer::Cut(5) } else { Answer::Status("503 Slow Down", "") }).await;
    let storage = s3(&endpoint);
    let mut body = storage.get(&key(), None).await.unwrap().body;
    assert_eq!(body.try_next().await.unwrap().unwrap(), FILM[..5]);
    let error = body.try_next().await.unwrap_err();
    assert!(matches!(trouble(&error), Trouble::Failing(503)), "{error}");
}

/// The answer to a creation is lost: what is there with our bytes is ours, what is there with others is not.
#[tokio::test]
async fn a_creation_whose_answer_is_lost_is_asked_for_again() {
    let behaviour: Behaviour = |n| if n == 0 { Answer::Nothing } else { Answer::Taken };
    let (endpoint, _) = store(behaviour).await;
    impatient(&endpoint).put(&key(), Bytes::from_static(FILM), PutMode::Create).await.unwrap();
    let (endpoint, _) = store(behaviour).await;
    let other =
        impatient(&endpoint).put(&key(), Bytes::from_static(b"other"), PutMode::Create).await.unwrap_err();
    assert!(matches!(other, Error::AlreadyExists { .. }), "{other}");
    // The first answer is one that fails, whatever was done.
    let (endpoint, asked) =
        store(|n| if n == 0 { Answer::Status("500 Internal Server Error", "") } else { Answer::Taken }).await;
    s3(&endpoint).put(&key(), Bytes::from_static(FILM), PutMode::Create).await.unwrap();
    assert_eq!(asked.load(Ordering::SeqCst), 3, "twice written, once read");
    // Nothing was lost: with the same bytes, too, it is somebody else's.
    let (endpoint, _) = store(|_| Answer::Taken).await;
    let same = s3(&endpoint).put(&key(), Bytes::from_static(FILM), PutMode::Create).await.unwrap_err();
    assert!(matches!(same, Error::AlreadyExists { .. }), "{same}");
}

/// Somebody else is at work on it, and gives up: it is created then. Where nobody ever has it, it is not
/// there.
#[tokio::test]
async fn a_creation_beside_another_one_is_asked_for_again() {
    let (endpoint, asked) = store(|n| if n < 2 { Answer::Busy } else { Answer::Film }).await;
    s3(&endpoint).put(&key(), Bytes::from_static(FILM), PutMode::Create).await.unwrap();
    assert_eq!(asked.load(Ordering::SeqCst), 3);
    let (endpoint, _) = store(|_| Answer::Busy).await;
    let error = s3(&endpoint).put(&key(), Bytes::from_static(FILM), PutMode::Create).await.unwrap_err();
    assert_eq!(trouble(&error), Trouble::Failing(409), "{error}");
}

/// Real servers: who may nothing is told so, and so is who names no bucket that there is.
#[tokio::test]
async fn real_refusals() {
    for server in servers() {
        let of = |change: fn(&mut storage::S3Settings)| {
            let mut settings = settings(&server.endpoint);
            change(&mut settings);
            S3::new(settings).unwrap()
        };
        let absent = of(|settings| settings.bucket = "no-such-bucket".to_owned());
        let error = absent.list(None).try_next().await.unwrap_err();
        // SeaweedFS refuses to list what is not there.
        assert_eq!(trouble(&error), Trouble::NoBucket, "{}: {error}", server.name);
        if server.name == "SeaweedFS" {
            let powerless = of(|settings| settings.credentials = pair(POWERLESS));
            let wrong = of(|settings| settings.credentials = pair(("AKIATEST", "guessed")));
            for storage in [powerless, wrong] {
                let put = storage.put(&key(), Bytes::from_static(FILM), PutMode::Create).await.unwrap_err();
                let get = storage.get(&key(), None).await.unwrap_err();
                let list = storage.list(None).try_next().await.unwrap_err();
                for error in [put, get, list] {
                    assert_eq!(trouble(&error), Trouble::Refused, "{error}");
                    assert!(!error.to_string().contains("guessed"), "{error}");
                }
            }
        }
    }
}

/// A real store that is frozen for a while: what was under way goes on, and nothing is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_store_is_waited_for() {
    let Some(server) = crate::servers::Server::weed() else { return };
    crate::buckets::make_bucket(&server);
    let seconds = if std::env::var_os("MATINEE_SOAK").is_some() { 30 } else { 2 };
    let storage = Arc::new(S3::new(settings(&server.endpoint)).unwrap());
    let film: Vec<u8> = (0..20 << 20).map(|n: u32| (n / 5) as u8).collect();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("film.mp4");
    std::fs::write(&file, &film).unwrap();
    let there: Key = "8e06/1.mp4".parse().unwrap();
    storage.put_file(&there, &file, storage::Transfer::Copy).await.unwrap();

    let mut reading = storage.get(&there, None).await.unwrap().body;
    let mut read = reading.try_next().await.unwrap().unwrap().to_vec();
    server.signal("-STOP");
    let (writer, creator) = (Arc::clone(&storage), Arc::clone(&storage));
    let writing = tokio::spawn(async move {
        writer.put_file(&"8e06/2.mp4".parse().unwrap(), &file, storage::Transfer::Copy).await
    });
    let creating = tokio::spawn(async move {
        creator.put(&"8e06/pack.json".parse().unwrap(), Bytes::from("{}"), PutMode::Create).await
    });
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    server.signal("-CONT");
    while let Some(bytes) = reading.try_next().await.unwrap() {
        read.extend_from_slice(&bytes);
    }
    assert!(read == film);
    writing.await.unwrap().unwrap();
    creating.await.unwrap().unwrap();
    let copy = storage.get(&"8e06/2.mp4".parse().unwrap(), None).await.unwrap().bytes().await.unwrap();
    assert!(copy == film);
}
