//! Films in what browsers play beside H.264 and AAC, and in what this one does not.

use std::path::Path;
use std::process::Command;

use e2e::{Browser, Picture, Stage, Viewing, demo_film};

/// A film: its title, the scheme that protects it, the container that it comes in, and what ffmpeg is told of
/// its pictures and sound.
type Film = (&'static str, &'static str, &'static str, &'static str);

const PLAYED: [Film; 3] = [
    ("AV1 and Opus", "cenc", "mkv", "-c:v libsvtav1 -preset 12 -crf 30 -c:a libopus -b:a 64k"),
    ("VP9 and FLAC", "cbcs", "mkv", "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -b:v 600k -c:a flac"),
    ("AV1 of 10 bits", "cbcs", "mp4", "-c:v libsvtav1 -preset 12 -crf 30 -pix_fmt yuv420p10le -c:a aac"),
];

/// Chromium plays it where the system decodes it.
const HEVC: Film = (
    "HEVC and AC-3",
    "cbcs",
    "mkv",
    "-c:v libx265 -preset ultrafast -x265-params log-level=none:open-gop=0 -c:a ac3",
);

/// Whether this ffmpeg has the encoders that a film is made by.
fn can_be_made((title, .., codecs): &Film) -> bool {
    let said = Command::new("ffmpeg").args(["-v", "error", "-encoders"]).output().unwrap();
    let said = String::from_utf8_lossy(&said.stdout);
    // Lines of flags, name and description.
    let is_there = |name: &str| said.lines().any(|line| line.split_whitespace().nth(1) == Some(name));
    let words: Vec<&str> = codecs.split(' ').collect();
    let mut named = words.windows(2).filter(|pair| pair[0].starts_with("-c:")).map(|pair| pair[1]);
    let lacking = named.find(|name| !is_there(name));
    if let Some(encoder) = lacking {
        eprintln!("SKIPPED: {title}: this ffmpeg has no encoder {encoder}");
    }
    lacking.is_none()
}

/// Makes the demo film's first four seconds in these codecs, and the server's film of that number of them.
fn publish(stage: &Stage, folder: &Path, movie: usize, (title, scheme, container, codecs): Film) {
    let (film, movie) = (folder.join(format!("{movie}.{container}")), movie.to_string());
    let mut clip = Command::new("ffmpeg");
    clip.args(["-v", "error", "-nostdin", "-t", "4", "-i"]).arg(&demo_film()[0]);
    let done = clip.args(codecs.split(' ')).args(["-g", "48"]).arg(&film).output().unwrap();
    assert!(done.status.success(), "{title}: {}", String::from_utf8_lossy(&done.stderr));
    let film = film.to_str().unwrap();
    stage.server.run(&["package", film, "--movie", &movie, "--title", title, "--scheme", scheme]);
}

/// AV1, VP9, Opus and FLAC, of 8, 10 and 24 bits, under both schemes, are packaged, decrypted in the browser
/// and decoded there: the pictures are those of their time, and there is sound. What the browser does not
/// decode is said to be so.
#[tokio::test]
async fn films_of_newer_codecs_play() {
    let stage = Stage::start(0, "").await;
    let folder = tempfile::tempdir().unwrap();
    let numbered =
        |films: Vec<Film>, first: usize| (first..).zip(films).filter(|(_, film)| can_be_made(film));
    let played: Vec<(usize, Film)> = numbered(PLAYED.to_vec(), 1).collect();
    let hevc: Option<(usize, Film)> = numbered(vec![HEVC], PLAYED.len() + 1).next();
    for (movie, film) in played.iter().copied().chain(hevc) {
        publish(&stage, folder.path(), movie, film);
    }
    let browser = Browser::start().await;
    let viewing = Viewing::new(&browser, &stage).await;
    let address = |movie: usize| format!("{}/watch?movieid={movie}", stage.url());
    for (movie, (title, ..)) in played {
        browser.open(&address(movie)).await;
        viewing.plays().await;
        viewing.until("sound that is decoded", "v.webkitAudioDecodedByteCount > 0").await;
        // On both sides of where the second group of pictures begins.
        for frame in [20, 70] {
            let picture = Picture::at(&browser, frame).await;
            assert_eq!((picture.frame, picture.height), (Some(frame), 240), "{title}");
        }
        let decoded: u32 = viewing.video("return v.getVideoPlaybackQuality().totalVideoFrames").await;
        assert!(decoded > 0, "{title}");
        assert_eq!(viewing.sight().await.alert, None, "{title}");
    }

    if let Some((movie, _)) = hevc {
        browser.open(&address(movie)).await;
        let decodes = "return MediaSource.isTypeSupported('video/mp4; codecs=\"hvc1.1.6.L60.90\"') \
             && MediaSource.isTypeSupported('audio/mp4; codecs=\"ac-3\"')";
        if browser.eval(decodes).await {
            viewing.plays().await;
        } else {
            let alert = viewing.alert().await;
            assert!(alert.contains("This browser can't play this film"), "{alert}");
        }
    }
    browser.quit().await;
}
