//! nginx with its module for RTMP in front of ours, as docs/live.md configures it. Where it is not installed,
//! this test says so and passes; `cargo xtask test` and `cargo xtask soak` install it.

use super::ffmpeg::{ffmpeg, frames, has_ffmpeg, packets, source, words};
use super::rtmp::{Running, assert_no_gap, of_kind};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const MODULE: &str = "/usr/lib/nginx/modules/ngx_rtmp_module.so";
const DOCUMENT: &str = include_str!("../../../../../docs/live.md");

/// A relay, ended whatever happens.
struct Relay(Child);

impl Drop for Relay {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What stands in the documentation, on these ports and with this key.
fn configuration(folder: &Path, port: u16, to: &Running) -> String {
    let (_, rest) = DOCUMENT.split_once("```nginx\n").unwrap();
    let (sample, _) = rest.split_once("```").unwrap();
    let mut text = sample.to_owned();
    for (from, to) in [
        ("listen 1935;", format!("listen 127.0.0.1:{port};")),
        ("films.example/", format!("{}/", to.rtmp)),
        ("5f0c…", to.created.key.clone()),
    ] {
        assert!(text.contains(from), "{from} is not in docs/live.md");
        text = text.replace(from, &to);
    }
    let pid = folder.join("nginx.pid");
    format!("load_module {MODULE};\ndaemon off;\nmaster_process off;\npid {};\n{text}", pid.display())
}

/// B80: an encoder that publishes to nginx-rtmp, which pushes to ours: the pictures are those that were sent,
/// without a gap.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b80_nginx_as_a_relay() {
    let nginx = PathBuf::from("/usr/sbin/nginx");
    if !has_ffmpeg() || !nginx.is_file() || !Path::new(MODULE).is_file() {
        eprintln!("SKIPPED: nginx-rtmp is not there (Debian: libnginx-mod-rtmp)");
        return;
    }
    let running = Running::start("").await;
    let folder = running.folder.path();
    let port = test_ports::free_port();
    let file = folder.join("nginx.conf");
    std::fs::write(&file, configuration(folder, port, &running)).unwrap();
    let mut command = Command::new(nginx);
    command.args(["-e", "stderr", "-p"]).arg(folder).arg("-c").arg(&file);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut relay = Relay(command.spawn().unwrap());
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(relay.0.try_wait().unwrap().is_none(), "nginx has ended");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let source = source(folder).await;
    // Not as fast as it goes: a relay drops what its own connection does not take in time.
    let args = format!(
        "-v error -readrate 1.5 -i {} -c copy -f flv rtmp://127.0.0.1:{port}/relay/any",
        source.display()
    );
    let pushed = ffmpeg(words(&args)).await;
    assert!(pushed.status.success(), "{}", String::from_utf8_lossy(&pushed.stderr));
    // What is sent before the relay's own connection stands is not passed on: two seconds of it, or four.
    let index = running.segments(3).await;
    let (pictures, times) = running.download(of_kind(&index, "video")).await;
    assert_no_gap(&times);
    let got = frames(&pictures, "0:v", Some(&running.key(&index))).await;
    let sent = frames(&source, "0:v", None).await;
    assert!(got.len() >= 150 && sent.windows(got.len()).any(|some| some == got), "{} frames", got.len());
    let (sound, times) = running.download(of_kind(&index, "audio")).await;
    assert_no_gap(&times);
    let heard = packets(&sound, "0:a", Some(&running.key(&index))).await;
    let sent = packets(&source, "0:a", None).await;
    // ffmpeg hashes with the first packet what is said beside it.
    let heard = heard.get(1..).unwrap_or_default();
    assert!(heard.len() > 200 && sent.windows(heard.len()).any(|some| some == heard), "other sound");
    running.end().await;
}
