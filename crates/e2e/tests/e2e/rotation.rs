//! A film whose key changes.

use e2e::{Browser, MOVIE, Stage, TITLE, Viewing, demo_film};

/// Frames of two segments of 4 s: each key holds for as long.
const FRAMES_PER_KEY: u32 = 2 * 4 * demo_film::FPS;

/// B64, B65, B66: the demo film, its key changed every two segments and its first segment clear, plays over
/// all seven borders without a wait, and the pictures on both sides of each are the ones of their time, octet
/// for octet.
#[tokio::test]
#[ignore = "needs the machine for itself"]
async fn b65_a_rotated_film_plays_over_its_borders() {
    let stage = Stage::start(1, "").await;
    let (movie, films) = (MOVIE.to_string(), demo_film());
    let mut package = vec!["package", "--movie", &movie, "--title", TITLE, "--replace"];
    package.extend(["--rotate", "2", "--clear-lead", "4s"]);
    package.extend(films.iter().map(|film| film.to_str().unwrap()));
    // The same movie, from now on in this form.
    stage.server.run(&package);
    let browser = Browser::start().await;
    let viewing = Viewing::new(&browser, &stage).await;
    viewing.open().await;
    viewing.play(2.0, None, 60.0).await;
    let sight = viewing.sight().await;
    assert!(sight.ended && sight.alert.is_none() && sight.stalls.is_empty(), "{sight:?}");
    for border in (1..8).map(|period| period * FRAMES_PER_KEY) {
        viewing.shows(border - 1).await;
        viewing.shows(border).await;
    }
    // Into the middle of a period whose segments have long been played.
    viewing.shows(5 * FRAMES_PER_KEY / 2).await;
    assert_eq!(viewing.sight().await.alert, None);
    browser.quit().await;
}
