//! A whole server on sockets, with a clock that is set by hand; the demo film in its library; the boxes' own
//! listener. Everything that goes over the wire passes proxies that remember it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use cenc::{CommonKey, ContentId, Label};
use license::{SoftwareRsaKey, SoftwareSigningKey};
use nccp::json::Activated;
use packager::{Destination, Keys, PackageOptions, Progress};
use server::keys::{self, BoxOrder, ProvisionedBox};
use server::{Clock, Config, Server, accounts, catalogue, movies};
use shaper::{Kind, Proxy};
use test_ports::free_port;
use tokio::sync::{mpsc, oneshot};
use tv_box::{BoxFile, Delivered, Ended, Error, Identity, Notice, Options, Reason, Screen, Sink, Wish};

pub(crate) const EMAIL: &str = "ada@example.org";
pub(crate) const PASSWORD: &str = "correct horse";
pub(crate) const MOVIE: u64 = 60_027_274;
/// When the server's time begins: far from this machine's, so that every box has to adopt it.
pub(crate) const NOW: u64 = 1_790_000_000;
/// Pictures of the demo film, and its length in seconds.
pub(crate) const PICTURES: u64 = 1440;
pub(crate) const LENGTH: f64 = 60.0;
/// How long a condition may take.
const PATIENCE: Duration = Duration::from_secs(90);

/// Making an RSA key takes long; the boxes of a test program share one, which none of them uses.
pub(crate) fn rsa() -> &'static SoftwareRsaKey {
    static KEY: OnceLock<SoftwareRsaKey> = OnceLock::new();
    KEY.get_or_init(|| SoftwareRsaKey::generate().unwrap())
}

struct Quiet;

impl Progress for Quiet {
    fn stage(&mut self, _: &str, _: u64) {}
    fn advance(&mut self, _: u64) {}
}

pub(crate) struct World {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) config: Config,
    /// What stands before the site and its edge.
    pub(crate) site: Proxy,
    /// What stands before the boxes' listener.
    pub(crate) boxes: Proxy,
    /// Two more before the site and its edge, `{cdn 1}` and `{cdn 2}` in configurations; `{boxes}` is the
    /// boxes'.
    pub(crate) cdns: [Proxy; 2],
    /// The demo film's pack.
    pub(crate) pack: Option<catalogue::Pack>,
    pub(crate) clock: Arc<AtomicU64>,
    client: reqwest::Client,
    cookies: String,
    _stop: oneshot::Sender<()>,
}

fn make_box(config: &Config, signing: &SoftwareSigningKey, serial: &str) -> ProvisionedBox {
    let order = BoxOrder {
        signing_key: signing.public_key().unwrap(),
        rsa_modulus: rsa().modulus().unwrap(),
        model: "Matinee One",
        serial,
    };
    keys::provision(&config.keys(), &config.public_url, &order, NOW).unwrap()
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with("").await
    }

    /// With more lines for the configuration.
    pub(crate) async fn with(more: &str) -> Self {
        Self::prepared(more, |_| {}).await
    }

    /// With more in its folder before the server begins.
    pub(crate) async fn prepared(more: &str, prepare: impl FnOnce(&Config)) -> Self {
        let local = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let (site_port, box_port) = (free_port(), free_port());
        let site = Proxy::start(local(site_port)).unwrap();
        let boxes = Proxy::start(local(box_port)).unwrap();
        let cdns = [(); 2].map(|()| Proxy::start(local(site_port)).unwrap());
        let more = more.replace("{cdn 1}", &cdns[0].url()).replace("{cdn 2}", &cdns[1].url());
        let more = more.replace("{boxes}", &boxes.url());
        let text = format!(
            "listen = \"127.0.0.1:{site_port}\"\npublic_url = \"http://localhost:{}\"\n\
             [boxes]\nlisten = \"127.0.0.1:{box_port}\"\nurl = \"http://localhost:{}\"\n[metrics]\noff = true\n{more}",
            site.address().port(),
            boxes.address().port(),
        );
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::parse(&text).unwrap();
        config.data = folder.path().join("data");
        keys::generate(&config.keys(), &config.public_url, NOW).unwrap();
        // The factory's CA is made with the first box; a running server would read it half a minute later.
        let (clock, hand) = Clock::manual(NOW);
        make_box(&config, &SoftwareSigningKey::generate().unwrap(), "0000");
        prepare(&config);
        let server = Server::bind(config.clone(), clock).await.unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        tokio::spawn(server.run_until(async {
            let _ = stopped.await;
        }));
        let store = server::store::open(&config).await.unwrap();
        accounts::add(&*store, EMAIL, PASSWORD, "unlimited", NOW).await.unwrap();
        // As the server and the box do, each for itself.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let mut world = Self {
            folder,
            config,
            site,
            boxes,
            cdns,
            pack: None,
            clock: hand,
            client,
            cookies: String::new(),
            _stop: stop,
        };
        world.pack = Some(world.add_film(MOVIE, "24h").await);
        world.cookies = world.login(EMAIL).await;
        world
    }

    pub(crate) fn url(&self) -> String {
        self.config.public_url.clone()
    }

    /// Packages the demo film, in two sizes, as this movie.
    pub(crate) async fn add_film(&self, movie: u64, policy: &str) -> catalogue::Pack {
        self.package(movie, policy, false).await
    }

    /// The same, with keys of their own for both sizes if so wanted.
    pub(crate) async fn package(&self, movie: u64, policy: &str, label_by_height: bool) -> catalogue::Pack {
        let media = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../media/demo");
        let inputs = ["240p.mp4", "360p.mp4"].map(|name| media.join(name)).to_vec();
        let ring = keys::load(&self.config.keys(), &self.config.public_url, NOW).unwrap();
        let (id, common) = ring.active_common_key();
        let common = CommonKey::new(*common.expose());
        let keys = Keys::derived(common, id.to_owned(), ContentId::of_movie(movie), Label::default());
        let to = Destination::Library(self.config.library());
        let options = PackageOptions {
            poster: Some(media.join("poster.jpg")),
            title: Some(format!("Demo {movie}")),
            label_by_height,
            ..PackageOptions::new(inputs, movie, Some(keys), to)
        };
        let published = tokio::task::spawn_blocking(move || packager::package(&options, &mut Quiet))
            .await
            .unwrap()
            .unwrap();
        let pack = catalogue::Pack::read_folder(&published.directory).await.unwrap();
        let details = movies::Details { policy: Some(policy.to_owned()), ..movies::Details::default() };
        let store = server::store::open(&self.config).await.unwrap();
        movies::add(&*store, &pack, details, movies::Over::Any, NOW).await.unwrap();
        pack
    }

    pub(crate) fn set_clock(&self, now: u64) {
        self.clock.store(now, Ordering::Relaxed);
    }

    async fn request(
        &self,
        method: &str,
        path: &str,
        cookies: &str,
        body: Option<String>,
    ) -> reqwest::Response {
        let url = format!("{}{path}", self.url());
        let mut request = self.client.request(method.parse().unwrap(), url).header("cookie", cookies);
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body);
        }
        request.send().await.unwrap()
    }

    /// Cookies of a new session.
    pub(crate) async fn login(&self, email: &str) -> String {
        let body = serde_json::json!({"email": email, "password": PASSWORD}).to_string();
        let reply = self.request("POST", "/login", "", Some(body)).await;
        assert_eq!(reply.status(), 204);
        let cookies = reply.headers().get_all("set-cookie").iter();
        let cookies: Vec<_> =
            cookies.map(|cookie| cookie.to_str().unwrap().split(';').next().unwrap().to_owned()).collect();
        cookies.join("; ")
    }

    /// What the signed-in user sees.
    pub(crate) async fn get(&self, path: &str) -> serde_json::Value {
        let reply = self.request("GET", path, &self.cookies, None).await;
        assert_eq!(reply.status(), 200, "{path}");
        serde_json::from_str(&reply.text().await.unwrap()).unwrap()
    }

    /// Types a code in and confirms it.
    pub(crate) async fn confirm(&self, code: &str) -> Activated {
        for confirm in [false, true] {
            let body = serde_json::json!({"code": code, "confirm": confirm}).to_string();
            let reply = self.request("POST", "/activate", &self.cookies, Some(body)).await;
            assert_eq!(reply.status(), 200);
            if confirm {
                return serde_json::from_str(&reply.text().await.unwrap()).unwrap();
            }
        }
        unreachable!()
    }

    pub(crate) async fn put_in_queue(&self, movie: u64) {
        let reply = self.request("PUT", &format!("/api/queue/{movie}"), &self.cookies, None).await;
        assert_eq!(reply.status(), 204);
    }

    pub(crate) async fn devices(&self) -> Vec<serde_json::Value> {
        self.get("/api/devices").await["devices"].as_array().unwrap().clone()
    }

    pub(crate) async fn remove_device(&self, id: &str) {
        let body = serde_json::json!({"device_id": id}).to_string();
        let reply = self.request("POST", "/Player/unregister_device", &self.cookies, Some(body)).await;
        assert_eq!(reply.status(), 204);
    }

    /// What the library tells the user of the film.
    pub(crate) async fn film(&self) -> serde_json::Value {
        self.get("/api/library").await["movies"][0].clone()
    }

    /// A box fresh from the factory: its file.
    pub(crate) fn provision(&self, serial: &str) -> PathBuf {
        let signing = SoftwareSigningKey::generate().unwrap();
        let made = make_box(&self.config, &signing, serial);
        self.write_box(serial, &signing, &made.ca_keys, &made.certificate)
    }

    pub(crate) fn write_box(
        &self,
        serial: &str,
        signing: &SoftwareSigningKey,
        ca_keys: &[[u8; 32]],
        certificate: &[u8],
    ) -> PathBuf {
        use std::io::Write as _;
        use std::os::unix::fs::OpenOptionsExt as _;
        let controller = format!("{}/nccp/controller", self.config.boxes.url.as_ref().unwrap());
        let names = ("Matinee One", serial);
        let file =
            BoxFile::new((&self.config.public_url, &controller), ca_keys, names, certificate, signing, rsa())
                .unwrap();
        let path = self.folder.path().join(format!("{serial}.json"));
        let mut options = std::fs::OpenOptions::new();
        let mut out = options.write(true).create(true).truncate(true).mode(0o600).open(&path).unwrap();
        out.write_all(&file.to_json().unwrap()).unwrap();
        path
    }

    /// Paths of the media that were asked for, in any order, each once.
    pub(crate) fn media(&self) -> Vec<String> {
        let media = self.site.exchanges().into_iter().filter(|exchange| exchange.kind == Kind::Media);
        let mut paths: Vec<_> =
            media.map(|exchange| exchange.path.split("/range/").next().unwrap().to_owned()).collect();
        paths.sort();
        paths.dedup();
        paths
    }
}

/// How a box is run.
pub(crate) struct Run {
    pub(crate) sink: Sink,
    pub(crate) play: Option<u64>,
    pub(crate) once: bool,
}

impl Run {
    /// One film of the list, to nobody, so much faster than time.
    pub(crate) fn once(speed: f64) -> Self {
        Self { sink: Sink::Null { speed }, play: None, once: true }
    }
}

/// A running box.
pub(crate) struct Running {
    notices: mpsc::UnboundedReceiver<Notice>,
    pub(crate) wishes: mpsc::Sender<Wish>,
    task: tokio::task::JoinHandle<Result<Ended, Error>>,
    /// Everything that was shown so far.
    pub(crate) shown: Vec<Notice>,
}

struct Recorder(mpsc::UnboundedSender<Notice>);

impl Screen for Recorder {
    fn show(&mut self, notice: &Notice) {
        let _ = self.0.send(notice.clone());
    }
}

impl Running {
    pub(crate) fn start(file: &Path, run: Run) -> Self {
        let identity = Identity::read(file).unwrap();
        let (wishes, wished) = mpsc::channel(4);
        let (sender, notices) = mpsc::unbounded_channel();
        let options = Options {
            identity,
            state: file.with_extension("state"),
            sink: run.sink,
            play: run.play.map(|movie| movie.try_into().unwrap()),
            once: run.once,
            wishes: wished,
        };
        let task = tokio::spawn(async move { tv_box::run(options, &mut Recorder(sender)).await });
        Self { notices, wishes, task, shown: Vec::new() }
    }

    /// Waits until something is shown.
    pub(crate) async fn until<T>(&mut self, what: &str, wanted: impl Fn(&Notice) -> Option<T>) -> T {
        let begun = Instant::now();
        loop {
            let next = tokio::time::timeout(PATIENCE.saturating_sub(begun.elapsed()), self.notices.recv());
            let Ok(Some(notice)) = next.await else {
                let ended = if self.task.is_finished() { Some((&mut self.task).await) } else { None };
                panic!("waited for {what}; shown: {:#?}; ended: {ended:?}", self.shown);
            };
            let found = wanted(&notice);
            self.shown.push(notice);
            if let Some(found) = found {
                return found;
            }
        }
    }

    /// The code on its screen.
    pub(crate) async fn code(&mut self) -> String {
        self.until("a code", |notice| match notice {
            Notice::Code { code, .. } => Some(code.clone()),
            _ => None,
        })
        .await
    }

    pub(crate) async fn activated(&mut self) -> String {
        self.until("the activation", |notice| match notice {
            Notice::Activated { device_id } => Some(device_id.clone()),
            _ => None,
        })
        .await
    }

    pub(crate) async fn playing(&mut self) {
        self.until("a position", |notice| {
            matches!(notice, Notice::Position { position, .. } if *position > 0.0).then_some(())
        })
        .await;
    }

    /// Waits for its end; what it said, too.
    pub(crate) async fn ended(mut self) -> (Result<Ended, Error>, Vec<Notice>) {
        let ended = tokio::time::timeout(PATIENCE, &mut self.task).await;
        while let Ok(notice) = self.notices.try_recv() {
            self.shown.push(notice);
        }
        let Ok(ended) = ended else { panic!("waited for the box's end; shown: {:#?}", self.shown) };
        (ended.unwrap(), self.shown)
    }

    /// Tells it to stop, and waits.
    pub(crate) async fn stop(self) -> (Result<Ended, Error>, Vec<Notice>) {
        self.wishes.send(Wish::Stop).await.unwrap();
        self.ended().await
    }
}

/// A box that is somebody's, its file.
pub(crate) async fn activated(world: &World, serial: &str) -> PathBuf {
    let file = world.provision(serial);
    let mut tv = Running::start(&file, Run { once: false, ..Run::once(1.0) });
    let code = tv.code().await;
    world.confirm(&code).await;
    tv.activated().await;
    let (ended, _) = tv.stop().await;
    assert_eq!(ended.unwrap(), Ended::Stopped);
    file
}

/// How a film ended: why, where, and what of it was given out.
pub(crate) fn end_of(shown: &[Notice]) -> (Reason, f64, Vec<Delivered>) {
    let end = shown.iter().find_map(|notice| match notice {
        Notice::Ended { reason, position, tracks, .. } => Some((*reason, *position, tracks.clone())),
        _ => None,
    });
    end.unwrap_or_else(|| panic!("no end: {shown:#?}"))
}
