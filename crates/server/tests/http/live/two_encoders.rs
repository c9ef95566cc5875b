//! Two encoders that send the same event at once.

use super::ffmpeg::{PATIENCE, frames, has_ffmpeg, source, words};
use super::rtmp::{Running, assert_no_gap, of_kind};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// An encoder, ended whatever happens.
struct Encoder(Child);

impl Drop for Encoder {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// B80: two ffmpeg send the same by HTTP, under the same name; one is killed: not a picture is missing, and
/// none is there twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b80_two_encoders_and_one_is_killed() {
    if !has_ffmpeg() {
        return;
    }
    let running = Running::start("").await;
    let source = source(running.folder.path()).await;
    let sent = frames(&source, "0:v", None).await;
    let (port, key) = (running.address.port(), running.created.key.clone());
    let publish = || -> Encoder {
        let args = format!(
            "-v error -readrate 2 -i {} -c copy -f mp4 -movflags +frag_keyframe+empty_moov+default_base_moof \
             -frag_duration 500000 https://localhost:{port}/ingest/school/lecture/{key}/live.mp4",
            source.display()
        );
        let mut ffmpeg = Command::new("ffmpeg");
        Encoder(ffmpeg.args(words(&args)).stdin(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    };
    let (first, mut second) = (publish(), publish());
    let before = running.segments(2).await;
    drop(first);
    let index = running.segments(5).await;
    let mut tries = 0..PATIENCE;
    let status = loop {
        tries.next().expect("the second encoder never ended");
        match second.0.try_wait().unwrap() {
            Some(status) => break status,
            None => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    };
    assert!(status.success());
    assert_eq!(index["session"], before["session"]);
    let (pictures, times) = running.download(of_kind(&index, "video")).await;
    assert_no_gap(&times);
    let got = frames(&pictures, "0:v", Some(&running.key(&index))).await;
    assert!((250..=300).contains(&got.len()), "{} frames", got.len());
    assert!(got.iter().eq(sent.iter().take(got.len())), "other pictures");
    let (_, times) = running.download(of_kind(&index, "audio")).await;
    assert_no_gap(&times);
    running.end().await;
}
