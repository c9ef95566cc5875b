//! Films that an origin encrypts when they are asked for.

use e2e::{Browser, MOVIE, Stage, TITLE, Viewing, demo_film};
use std::fs;

/// B22, B36: the film of the catalogue becomes a content of the origin: its manifest names revised URLs,
/// which the player plays like a pack's, under a license from the control server.
#[tokio::test]
async fn b36_a_content_plays_like_a_pack() {
    let stage = Stage::start(1, "[origin]\nsources = \"sources\"").await;
    let server = &stage.server;
    let folder = server.data().join("sources/films/demo film");
    fs::create_dir_all(folder.parent().unwrap()).unwrap();
    let (film, number) = (demo_film(), MOVIE.to_string());
    let mut package: Vec<&str> = vec!["package"];
    package.extend(film.iter().map(|path| path.to_str().unwrap()));
    package.extend(["--movie", &number, "--scheme", "none", "--output", folder.to_str().unwrap()]);
    server.run(&package);
    server.run(&["movie", "add", "--content", "films/demo film", "--title", TITLE, "--replace"]);

    let browser = Browser::start().await;
    let viewing = Viewing::new(&browser, &stage).await;
    viewing.click().await;
    viewing.play(3.0, None, 3.5).await;
    viewing.shows_its_frame().await;
    assert_eq!(viewing.sight().await.alert, None);
    let media: Vec<String> = browser
        .eval("return performance.getEntriesByType('resource').map(entry => entry.name).filter(name => name.includes('/s/'))")
        .await;
    let revised = |url: &String| url.contains("/s/vod/r") && url.contains("/films/demo%20film/");
    assert!(!media.is_empty() && media.iter().all(revised), "{media:?}");
    browser.quit().await;
}
