//! A real encoder, over real sockets: what it sends is what a player decrypts, picture by picture.

use server::live::{Events, NewEvent, create, end};
use server::live_url;
use server::{Clock, Config, Server};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tokio::sync::oneshot;
use urltoken::{Dialect, Settings, Signer};

pub(crate) fn has_ffmpeg() -> bool {
    let there = Command::new("ffmpeg").arg("-version").output().is_ok_and(|out| out.status.success());
    if !there {
        eprintln!("SKIPPED: ffmpeg is not installed");
    }
    there
}

pub(super) async fn ffmpeg(args: Vec<String>) -> Output {
    ffmpeg_of(args, Stdio::null()).await
}

async fn ffmpeg_of(args: Vec<String>, input: Stdio) -> Output {
    run("ffmpeg".into(), args, input).await
}

async fn run(program: PathBuf, args: Vec<String>, input: Stdio) -> Output {
    tokio::task::spawn_blocking(move || {
        Command::new(program).args(["-v", "warning", "-y"]).args(args).stdin(input).output().unwrap()
    })
    .await
    .unwrap()
}

pub(super) fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// Twelve seconds with a key frame every two.
pub(super) async fn source(folder: &Path) -> PathBuf {
    source_of(folder, 12).await
}

/// So many seconds of the same.
async fn source_of(folder: &Path, seconds: usize) -> PathBuf {
    let path = folder.join("source.mp4");
    let mut args = words(&format!(
        "-f lavfi -i testsrc2=size=160x90:rate=25:duration={seconds} -f lavfi -i sine=frequency=300:duration={seconds} \
         -c:v libx264 -preset ultrafast -g 50 -keyint_min 50 -sc_threshold 0 -bf 2 -pix_fmt yuv420p -c:a aac -b:a 64k \
         -movflags +faststart",
    ));
    args.push(path.display().to_string());
    let made = ffmpeg(args).await;
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    path
}

/// SHA-256 of each decoded frame in the order of presentation.
pub(super) async fn frames(path: &Path, map: &str, key: Option<&str>) -> Vec<String> {
    hashes(path, &format!("-map {map} -fps_mode passthrough"), key).await
}

/// SHA-256 of each coded frame as it is without encryption. What a decoder makes of sound depends on all that
/// it was given before: it fills up with noise.
pub(super) async fn packets(path: &Path, map: &str, key: Option<&str>) -> Vec<String> {
    hashes(path, &format!("-map {map} -c copy"), key).await
}

async fn hashes(path: &Path, what: &str, key: Option<&str>) -> Vec<String> {
    let mut args = Vec::new();
    if let Some(key) = key {
        args.extend(["-decryption_key".to_owned(), key.to_owned()]);
    }
    // By a pipe: in files without `sidx` that it can seek in, ffmpeg 5 miscounts encrypted samples.
    args.extend(words(&format!("-i pipe:0 {what} -f framehash -hash sha256 -")));
    let out = ffmpeg_of(args, std::fs::File::open(path).unwrap().into()).await;
    let text = String::from_utf8(out.stdout).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.rsplit(',').next().unwrap().trim().to_owned()).collect()
}

/// The body of an answer; `None` for any status but 200.
async fn http(address: SocketAddr, path: &str) -> Option<Vec<u8>> {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let at = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
    answer.starts_with(b"HTTP/1.1 200").then(|| answer.split_off(at + 4))
}

/// How often a condition is looked at before it counts as never to be met: minutes.
pub(super) const PATIENCE: usize = 4000;

/// The forms in which ffmpeg sends: `SOURCE` is the film, `URL` where it goes with the key in it, `AUTH` the
/// same with the key as a password.
const FORMS: [&str; 4] = [
    // One endless request with all tracks.
    "-i SOURCE -c copy -f mp4 -movflags +frag_keyframe+empty_moov+default_base_moof URL/live.mp4",
    // One for each track, asked for its password first.
    "-i SOURCE -map 0:v -c copy -f mp4 -movflags +cmaf+delay_moov+skip_trailer -frag_duration 500000 AUTH/v.cmfv \
     -map 0:a -c copy -f mp4 -movflags +cmaf+delay_moov+skip_trailer -frag_duration 500000 AUTH/a.cmfa",
    // One for each segment. ffmpeg waits for no answer: without `-re` it would send the second while the
    // first is being read.
    "-re -i SOURCE -c copy -f dash -method PUT -ldash 1 -streaming 1 -frag_type duration -frag_duration 0.5 \
     -seg_duration 2 AUTH/live.mpd",
    "-re -i SOURCE -c copy -f hls -method PUT -hls_segment_type fmp4 -hls_time 2 URL/live.m3u8",
];

/// Segments that are whole in pictures and in sound.
fn whole_segments(index: &serde_json::Value) -> usize {
    let Some(all) = index["representations"].as_array().filter(|all| all.len() == 2) else { return 0 };
    let whole = |r: &serde_json::Value| {
        let segments = r["segments"].as_array().into_iter().flatten();
        segments.filter(|segment| segment["complete"] == true).count()
    };
    all.iter().map(whole).min().unwrap_or(0)
}

/// The encoders: the ffmpeg that there is, and in a soak the newer one that `MATINEE_FFMPEG` names.
fn encoders() -> Vec<PathBuf> {
    let newer = std::env::var_os("MATINEE_FFMPEG").filter(|_| std::env::var_os("MATINEE_SOAK").is_some());
    std::iter::once(PathBuf::from("ffmpeg")).chain(newer.map(PathBuf::from)).collect()
}

/// B80: each form that ffmpeg has; ten minutes of each in a soak, by an old and a new ffmpeg.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b80_ffmpeg_in_all_its_forms() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let seconds = if std::env::var_os("MATINEE_SOAK").is_some() { 600 } else { 12 };
    let source = source_of(folder.path(), seconds).await;
    let sent = frames(&source, "0:v", None).await;
    assert_eq!(sent.len(), 25 * seconds);
    let mut config = Config::parse("listen = \"127.0.0.1:0\"").unwrap();
    config.data = folder.path().join("data");
    let server = Server::bind(config, Clock::System).await.unwrap();
    let (address, config) = (server.address().unwrap(), server.service().config().clone());
    // All of it can be had to the end.
    let application = config.data.join("live/live");
    std::fs::create_dir_all(&application).unwrap();
    std::fs::write(application.join("application.toml"), "window = \"1h\"\n").unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let running = tokio::spawn(server.run_until(async {
        let _ = stopped.await;
    }));
    let store = server::store::open(&config).await.unwrap();
    let events = Events::new(&config.data);
    let keys = server::keys::load(&config.keys(), &config.public_url, Clock::System.now()).unwrap();
    let signer = Signer::new(Dialect::MediaVault, &Settings::default(), &keys.media).unwrap();
    let encoders = encoders();
    let all = encoders.iter().flat_map(|encoder| FORMS.iter().map(move |form| (encoder, form)));
    for (n, (encoder, form)) in all.enumerate() {
        let new = NewEvent::new("live".parse().unwrap(), format!("form-{n}").parse().unwrap(), "A form");
        let created = create(&*store, &events, new, Clock::System.now()).await.unwrap();
        let url = format!("http://{address}/ingest/live/form-{n}/{}", created.key);
        let auth = format!("http://encoder:{}@{address}/ingest/live/form-{n}", created.key);
        let form =
            form.replace("SOURCE", &source.display().to_string()).replace("URL", &url).replace("AUTH", &auth);
        let pushed = run(encoder.clone(), words(&form), Stdio::null()).await;
        assert!(pushed.status.success(), "{form}: {}", String::from_utf8_lossy(&pushed.stderr));
        // It is through when the last of it is sent, not when the last of it is read.
        let mut tries = 0..PATIENCE;
        let (session, index) = loop {
            tries.next().unwrap_or_else(|| panic!("{form}: all but the last segment never came"));
            if let Some(session) = events.state(&created.event).unwrap().session {
                let name = format!("form-{n}");
                let token = live_url::sign(&signer, &config.public_url, ("live", &name), u64::MAX >> 20, 0);
                let at = format!("/s/live/live/{name}/{}/index.json?{token}", &session[..8]);
                let json = http(address, &at).await.unwrap_or_default();
                let index: serde_json::Value = serde_json::from_slice(&json).unwrap_or_default();
                if whole_segments(&index) >= seconds / 2 - 1 {
                    break (session, index);
                }
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        };
        let token =
            live_url::sign(&signer, &config.public_url, ("live", &format!("form-{n}")), u64::MAX >> 20, 0);
        let at = |file: &str| format!("/s/live/live/form-{n}/{}/{file}?{token}", &session[..8]);
        let video =
            index["representations"].as_array().unwrap().iter().find(|r| r["type"] == "video").unwrap();
        assert_eq!(index["representations"].as_array().unwrap().len(), 2, "{form}");
        let id = video["id"].as_str().unwrap();
        let content: cenc::ContentId = index["protection"]["content_id"].as_str().unwrap().parse().unwrap();
        let cek = cenc::derive_cek(keys.active_common_key().1, &content, &cenc::Label::default(), 0);
        let key: String = cek.expose().iter().map(|byte| format!("{byte:02x}")).collect();
        let mut file = http(address, &at(&format!("{id}/init.mp4"))).await.unwrap();
        let segments = video["segments"].as_array().unwrap();
        for segment in segments.iter().filter(|segment| segment["complete"] == true) {
            file.extend(http(address, &at(&format!("{id}/{}.m4s", segment["n"]))).await.unwrap());
        }
        let got = folder.path().join(format!("got-{n}.mp4"));
        std::fs::write(&got, file).unwrap();
        let got = frames(&got, "0:v", Some(&key)).await;
        // The segment under way is not among them.
        assert!((sent.len() - 50..=sent.len()).contains(&got.len()), "{form}: {} frames", got.len());
        assert!(got.iter().eq(sent.iter().take(got.len())), "{form}: other pictures");
        // And more of them in the film, perhaps without what was still under way.
        end(&events, &created.event.app, &created.event.name, Clock::System.now()).unwrap();
        let mut tries = 0..PATIENCE;
        let pack = loop {
            tries.next().unwrap_or_else(|| panic!("{form}: the film never came"));
            if let Some(pack) = events.state(&created.event).unwrap().pack {
                break pack;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        };
        let library = config.library().join(pack);
        let film = packager::read_pack(&library).unwrap();
        let whole = frames(&library.join(&film.representations[0].path), "0:v", Some(&key)).await;
        assert!(
            (got.len()..=sent.len()).contains(&whole.len()),
            "{form}: {} frames in the film",
            whole.len()
        );
        assert!(whole.iter().eq(sent.iter().take(whole.len())), "{form}: other pictures in the film");
    }
    let _ = stop.send(());
    running.await.unwrap().unwrap();
}
