//! Load on the controller: renewals, authorizations and licenses per second against a real `matinee serve`,
//! on SQLite and PostgreSQL, and what the server's processor time is beside that of the cryptography which
//! nobody can leave out. Run by `cargo xtask bench control`, which builds the server and names it:
//!
//! `control_load MATINEE FILM… [--seconds 10] [--connections 8] [--store sqlite|postgres] [--json]`
#![allow(clippy::unwrap_used)]

#[expect(dead_code, reason = "shared with the store's tests")]
#[path = "../tests/http/contract/postgres.rs"]
mod postgres;
#[path = "control_load/primitives.rs"]
mod primitives;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use license::{
    Challenge, Display, Individualization, IndividualizationRequest, KeyLevel, SoftwareRsaKey,
    SoftwareSigningKey, Trust, Version, sha256,
};
use nccp::{
    Answer, DeviceId, MovieId, Outcome, Register, RequestMessage, Response, ResponseMessage, Sequence,
    seal_envelope, signing_input,
};
use postgres::Postgres;
use primitives::{Primitives, Signing};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const MOVIE: u64 = 7;
/// Devices of one account.
const SHARE: usize = 4;
const MODULE: Version = Version::new(0, 1, 0);

struct Options {
    binary: PathBuf,
    film: Vec<String>,
    seconds: u64,
    connections: usize,
    store: Option<String>,
    json: bool,
}

fn options() -> Options {
    let mut options = Options {
        binary: PathBuf::new(),
        film: Vec::new(),
        seconds: 10,
        connections: 8,
        store: None,
        json: false,
    };
    let mut arguments = std::env::args().skip(1);
    options.binary = arguments.next().expect("the server's binary").into();
    while let Some(argument) = arguments.next() {
        if argument == "--store" {
            options.store = arguments.next();
            continue;
        }
        let mut number = || arguments.next().and_then(|n| n.parse().ok()).expect("a number");
        match argument.as_str() {
            "--seconds" => options.seconds = number(),
            "--connections" => options.connections = number() as usize,
            "--json" => options.json = true,
            _ => options.film.push(argument),
        }
    }
    options
}

/// A running server with its folder.
struct Running {
    child: Child,
    url: String,
    _folder: tempfile::TempDir,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Running {
    fn start(options: &Options, database: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = "[limits]\nlogins_per_account = 1000000\nlogins_per_address = 1000000\nlogins_of_unknown_browsers = 1000000\nsite_requests = 1000000\n\
            individualizations = 1000000\nrequests = 1000000000\n[metrics]\noff = true\n";
        std::fs::write(folder.path().join("matinee.toml"), config).unwrap();
        let command = || {
            let mut command = Command::new(&options.binary);
            command.current_dir(folder.path()).env("MATINEE_LOG", "error").env_remove("MATINEE_DATABASE_URL");
            if let Some(url) = database {
                command.env("MATINEE_DATABASE_URL", url);
            }
            command
        };
        let run = |arguments: &[&str]| {
            let done = command().args(arguments).stdout(Stdio::null()).status().unwrap();
            assert!(done.success(), "{arguments:?}");
        };
        let mut package = vec!["package", "--movie", "7", "--title", "Load", "--"];
        package.extend(options.film.iter().map(String::as_str));
        run(&package);
        for n in 0..options.connections.div_ceil(SHARE) {
            run(&["user", "add", &format!("load{n}@example.org"), "--password", "load load"]);
        }
        let mut serve = command();
        let mut child =
            serve.args(["serve", "--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().rsplit(' ').next().unwrap().to_owned();
        Self { child, url, _folder: folder }
    }

    /// Seconds of processor that the server has used.
    fn cpu(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        // After the name: state is field 3; utime and stime are 14 and 15, in hundredths (USER_HZ).
        let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
        let ticks = |n: usize| fields[n - 3].parse::<u64>().unwrap();
        (ticks(14) + ticks(15)) as f64 / 100.0
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// One connection, kept open.
struct Connection {
    stream: tokio::io::BufReader<TcpStream>,
    host: String,
}

struct Reply {
    status: u16,
    cookies: String,
    body: Vec<u8>,
}

impl Connection {
    async fn open(url: &str) -> Self {
        let host = url.trim_start_matches("http://").to_owned();
        let port = host.rsplit(':').next().unwrap();
        let stream = TcpStream::connect(format!("127.0.0.1:{port}")).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream: tokio::io::BufReader::new(stream), host }
    }

    async fn send(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        let mut request =
            format!("{method} {path} HTTP/1.1\r\nhost: {}\r\ncontent-length: {}\r\n", self.host, body.len());
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        request.push_str("\r\n");
        let octets = [request.as_bytes(), body].concat();
        self.stream.get_mut().write_all(&octets).await.unwrap();
        let (mut status, mut length, mut cookies, mut line) = (0, 0, Vec::new(), String::new());
        loop {
            line.clear();
            assert!(self.stream.read_line(&mut line).await.unwrap() > 0, "the server hung up");
            let text = line.trim_end();
            if text.is_empty() {
                break;
            }
            match text.split_once(": ") {
                None => status = text.split(' ').nth(1).unwrap().parse().unwrap(),
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                    length = value.parse().unwrap();
                }
                Some((name, value)) if name.eq_ignore_ascii_case("set-cookie") => {
                    cookies.push(value.split(';').next().unwrap().to_owned());
                }
                Some(_) => {}
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await.unwrap();
        Reply { status, cookies: cookies.join("; "), body }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    Renewal,
    Authorization,
    License,
}

impl Operation {
    /// The operations that none can do without, µs: of an envelope its signature; of a renewal the two
    /// domains' keys of two epochs, sealed for the device; of an authorization the signature of the DRM
    /// metadata; of a license the challenge's signature, the KEK's encryption and the license's signature.
    fn least(self, of: &Primitives) -> f64 {
        match self {
            Self::Renewal => of.es256 + 4.0 * of.oaep,
            Self::Authorization => of.es256 + of.ed25519,
            Self::License => 2.0 * of.es256 + of.oaep + of.ed25519,
        }
    }
}

/// A registered device on its connection.
struct Device {
    connection: Connection,
    url: String,
    key: Signing,
    rsa: Arc<SoftwareRsaKey>,
    certificate: Vec<u8>,
    cookies: String,
    id: Option<DeviceId>,
    ticket: String,
    sequence: u64,
}

impl Device {
    async fn new(url: &str, account: usize, rsa: Arc<SoftwareRsaKey>) -> Self {
        let mut connection = Connection::open(url).await;
        let login = format!(r#"{{"email":"load{account}@example.org","password":"load load"}}"#);
        let json = [("content-type", "application/json")];
        let reply = connection.send("POST", "/login", &json, login.as_bytes()).await;
        assert_eq!(reply.status, 204);
        let config = connection.send("GET", "/decryptor-config.json", &[], b"").await;
        let config: nccp::json::DecryptorConfig = serde_json::from_slice(&config.body).unwrap();
        let ca: Vec<[u8; 32]> =
            config.ca_keys.iter().map(|k| URL_SAFE_NO_PAD.decode(k).unwrap().try_into().unwrap()).collect();
        let trust = Trust::new(config.public_url, &ca).unwrap();
        let key = Signing::new(&SoftwareSigningKey::generate().unwrap());
        let request = IndividualizationRequest {
            signing_key: key.public_key(),
            rsa_modulus: rsa.modulus().unwrap(),
            // As browsers have: with the keys of two domains.
            level: KeyLevel::Webcrypto,
            description: "Load".into(),
            module_version: MODULE,
            time: now(),
            nonce: license::nonce().unwrap(),
        };
        let unsigned = request.to_be_signed(url);
        let signature = key.sign(unsigned.message());
        let request = unsigned.finish(&signature);
        let cose = [("content-type", "application/cose")];
        let answer = connection.send("POST", "/individualize", &cose, &request).await;
        let (answer, _) = Individualization::verify(&answer.body, &trust, &request).unwrap();
        let mut device = Self {
            connection,
            url: url.to_owned(),
            key,
            rsa,
            certificate: answer.certificate,
            cookies: reply.cookies,
            id: None,
            ticket: String::new(),
            sequence: 0,
        };
        let register = RequestMessage::Register(Register {
            certificate: device.certificate.clone(),
            name: "Load".into(),
            machine: String::new(),
            grant: None,
        });
        device.call(register).await;
        // The server makes its domains' keys when it has time.
        while device.run(Operation::Renewal).await < 4 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        device
    }

    /// The next sequence number.
    fn draw(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
    }

    /// Gives the number of domains' keys in the answer.
    async fn call(&mut self, message: RequestMessage) -> usize {
        let sequence = Sequence::try_from(self.draw()).unwrap();
        let body = seal_envelope(self.id.as_ref(), sequence, now(), "load/1", &message.to_xml());
        let controller = format!("{}/nccp/controller", self.url);
        let input = signing_input(&controller, &sha256(body.as_bytes()), &sha256(self.ticket.as_bytes()));
        let signature = URL_SAFE_NO_PAD.encode(self.key.sign(input.as_bytes()));
        let mut headers = vec![
            ("content-type", "application/xml"),
            ("cookie", self.cookies.as_str()),
            ("x-nccp-signature", signature.as_str()),
        ];
        if !self.ticket.is_empty() {
            headers.push(("x-cticket", self.ticket.as_str()));
        }
        let reply = self.connection.send("POST", "/nccp/controller", &headers, body.as_bytes()).await;
        let Outcome::Answers(answers) = Response::parse(&reply.body).unwrap().outcome else {
            panic!("{}", String::from_utf8_lossy(&reply.body))
        };
        match answers.into_iter().next().unwrap() {
            Answer::Done(ResponseMessage::Register(r) | ResponseMessage::AuthenticationRenewal(r)) => {
                (self.id, self.ticket) = (Some(r.device_id), r.ticket);
                r.domain_keys.len()
            }
            Answer::Done(_) => 0,
            Answer::Failed { error, .. } => panic!("{error:?}"),
        }
    }

    async fn run(&mut self, operation: Operation) -> usize {
        let movie = MovieId::try_from(MOVIE).unwrap();
        let message = match operation {
            Operation::Renewal => {
                RequestMessage::AuthenticationRenewal { device_id: self.id.clone().unwrap() }
            }
            Operation::Authorization => RequestMessage::Authorization { movie_id: movie },
            Operation::License => {
                let challenge = Challenge {
                    ticket_sha256: sha256(self.ticket.as_bytes()),
                    device_id: self.id.as_ref().unwrap().to_string(),
                    stream_id: MOVIE,
                    keys: vec![],
                    rsa_modulus: self.rsa.modulus().unwrap(),
                    nonce: license::nonce().unwrap(),
                    time: now(),
                    certificate: self.certificate.clone(),
                    module_version: MODULE,
                    player_release: vec![],
                    display: Display::Single,
                    sequence: self.draw(),
                };
                let unsigned = challenge.to_be_signed(&self.url, &self.key.public_key());
                let signature = self.key.sign(unsigned.message());
                RequestMessage::License { stream_id: movie, challenge: unsigned.finish(&signature) }
            }
        };
        self.call(message).await
    }
}

/// All devices at once, each one operation after the other.
async fn measure(
    running: &Running,
    devices: Vec<Device>,
    operation: Operation,
    seconds: u64,
) -> (Vec<Device>, serde_json::Value) {
    let (begun, cpu) = (Instant::now(), running.cpu());
    let end = begun + Duration::from_secs(seconds);
    let tasks: Vec<_> = devices
        .into_iter()
        .map(|mut device| {
            tokio::spawn(async move {
                let mut times = Vec::new();
                while Instant::now() < end {
                    let begun = Instant::now();
                    device.run(operation).await;
                    times.push(begun.elapsed());
                }
                (device, times)
            })
        })
        .collect();
    let (mut devices, mut times) = (Vec::new(), Vec::new());
    for task in tasks {
        let (device, measured) = task.await.unwrap();
        devices.push(device);
        times.extend(measured);
    }
    let (elapsed, cpu) = (begun.elapsed().as_secs_f64(), running.cpu() - cpu);
    times.sort_unstable();
    let rank =
        |percent: usize| times[(times.len() * percent / 100).min(times.len() - 1)].as_secs_f64() * 1000.0;
    let server_cpu = cpu * 1e6 / times.len() as f64;
    let least = operation.least(&Primitives::measure());
    let result = serde_json::json!({
        "operation": format!("{operation:?}").to_lowercase(),
        "least_us": least,
        "ratio": server_cpu / least,
        "per_second": times.len() as f64 / elapsed,
        "p50_ms": rank(50),
        "p99_ms": rank(99),
        "server_cpu_us": server_cpu,
    });
    (devices, result)
}

async fn bench(options: &Options, store: &str, database: Option<&str>) -> Vec<serde_json::Value> {
    let running = Running::start(options, database);
    let rsa = Arc::new(SoftwareRsaKey::generate().unwrap());
    let mut devices = Vec::new();
    for n in 0..options.connections {
        devices.push(Device::new(&running.url, n / SHARE, Arc::clone(&rsa)).await);
    }
    let mut results = Vec::new();
    for operation in [Operation::Renewal, Operation::Authorization, Operation::License] {
        let result;
        (devices, result) = measure(&running, devices, operation, options.seconds).await;
        let mut result = result;
        result["store"] = store.into();
        if !options.json {
            println!(
                "{store:<10} {:<14} {:>8.0} /s  p50 {:>7.2} ms  p99 {:>7.2} ms  server CPU {:>6.0} µs each, {:.2} times its \
                 primitives' {:.0}",
                result["operation"].as_str().unwrap(),
                result["per_second"].as_f64().unwrap(),
                result["p50_ms"].as_f64().unwrap(),
                result["p99_ms"].as_f64().unwrap(),
                result["server_cpu_us"].as_f64().unwrap(),
                result["ratio"].as_f64().unwrap(),
                result["least_us"].as_f64().unwrap(),
            );
        }
        results.push(result);
    }
    results
}

#[tokio::main]
async fn main() {
    let options = options();
    assert!(Path::new(&options.binary).is_file(), "there is no {}", options.binary.display());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    if !options.json {
        println!(
            "{} connections, {} s each, load generator and server on the same {cores} cores",
            options.connections, options.seconds
        );
    }
    let primitives = Primitives::measure();
    if !options.json {
        println!("{primitives}");
    }
    let wanted = |store: &str| options.store.as_deref().is_none_or(|only| only == store);
    let mut results = Vec::new();
    if wanted("sqlite") {
        results.extend(bench(&options, "sqlite", None).await);
    }
    if wanted("postgres") {
        match Postgres::start().await {
            Some(server) => results.extend(bench(&options, "postgres", Some(&server.url())).await),
            None => eprintln!("without PostgreSQL"),
        }
    }
    if options.json {
        let report = serde_json::json!({
            "connections": options.connections, "seconds": options.seconds, "cores": cores, "results": results,
            "primitives": {"oaep_us": primitives.oaep, "es256_us": primitives.es256, "ed25519_us": primitives.ed25519},
        });
        println!("{report:#}");
    }
}
