//! The matrix of odd inputs of `crates/cli`, in the browser. Each day's tests decode its titles by ffmpeg;
//! here they are seen and heard, in `cargo xtask soak`.

// What is to come of each is asked there.
#[allow(dead_code)]
#[path = "../../../cli/tests/command/odd_inputs.rs"]
mod odd_inputs;

use e2e::{Browser, Stage, Viewing, is_soak};
use odd_inputs::{Comes, MATRIX, Odd};
use serde_json::Value;

/// What of the video element `v` is true once a film is seen and heard.
fn is_played(odd: &Odd) -> String {
    let height = odd.size.1;
    let heard = if odd.sounds > 0 { "v.webkitAudioDecodedByteCount > 0" } else { "true" };
    // One picture is over before anybody looks. Smaller steps of a ladder may come first.
    format!(
        "v.videoHeight > 0 && v.videoHeight <= {height} && (v.currentTime > 0 || v.ended) && {heard} \
         && v.getVideoPlaybackQuality().totalVideoFrames > 0"
    )
}

/// Whatever `matinee add` takes plays in Chromium.
#[tokio::test]
#[ignore = "needs the machine for itself"]
async fn odd_inputs_play_once_they_are_added() {
    if !is_soak() {
        println!("skipped: minutes long; `cargo xtask soak` runs it");
        return;
    }
    let stage = Stage::start(0, "").await;
    let folder = tempfile::tempdir().unwrap();
    odd_inputs::make_parts(folder.path());
    let browser = Browser::start().await;
    let viewing = Viewing::new(&browser, &stage).await;
    let mut wrong = Vec::new();
    let taken = MATRIX.iter().filter(|odd| !matches!(odd.comes, Comes::Refused(_)));
    for (movie, odd) in (1..).zip(taken) {
        let film = folder.path().join(odd.name);
        odd_inputs::ffmpeg(&odd_inputs::args(folder.path(), odd.args), &film);
        let movie = movie.to_string();
        stage.server.run(&["add", film.to_str().unwrap(), "--movie", &movie]);
        browser.open(&format!("{}/watch?movieid={movie}", stage.url())).await;
        let played = is_played(odd);
        let script = format!(
            "const v = document.querySelector('video'); if (v && {played}) return true; \
             return document.querySelector('[role=alert]')?.innerText || false"
        );
        let seen = viewing.browser.until(odd.name, &script).await;
        if seen != Value::Bool(true) {
            wrong.push(format!("{}: {seen}", odd.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    browser.quit().await;
}
