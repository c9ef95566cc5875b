//! A film whose heights have keys of their own.

use e2e::{Browser, MOVIE, Stage, TITLE, Viewing, demo_film};

/// With a policy's greatest height the browser is offered lower pictures only, and plays them by the keys
/// that it got; without it plays higher ones. New rules with a lower height reach the running player: it goes
/// on with the lower picture, by a license that has no other key.
#[tokio::test]
async fn a_film_with_keys_by_height_plays_what_is_allowed() {
    let stage = Stage::start(0, "[drm]\nupdate_strategy = \"force\"").await;
    let (movie, films) = (MOVIE.to_string(), demo_film());
    let mut package = vec!["package", "--movie", &movie, "--title", TITLE, "--label-by-height", "--replace"];
    package.extend(films.iter().map(|film| film.to_str().unwrap()));
    // The same movie, from now on in this form.
    stage.server.run(&package);
    stage.server.set_policy("validity = \"24h\"\nmax_height.webcrypto = 240").await;
    let browser = Browser::start().await;
    let viewing = Viewing::new(&browser, &stage).await;
    viewing.click().await;
    viewing.until("some of the film", "v.currentTime > 2").await;
    let open = "document.querySelector('button[title=Settings]').click(); return true";
    let _: bool = browser.eval(open).await;
    browser.until("the settings", "return !!document.querySelector('[role=group][aria-label=Speed]')").await;
    let choices: bool = browser.eval("return !!document.querySelector('[aria-label=Quality]')").await;
    assert!(!choices, "of one picture there is nothing to choose");
    let height: u32 = viewing.video("return v.videoHeight").await;
    assert_eq!(height, 240);

    stage.server.set_policy("validity = \"24h\"").await;
    viewing.open().await;
    viewing.until("a higher picture", "v.videoHeight > 240").await;
    stage.server.set_policy("validity = \"24h\"\nmax_height.webcrypto = 240").await;
    // A pause is reported at once.
    let report = "v.pause(); return v.play().then(() => true, () => true)";
    let _: bool = viewing.video(report).await;
    viewing.until("the lower picture", "v.videoHeight == 240 && !v.paused").await;
    let at: f64 = viewing.video("return v.currentTime").await;
    viewing.until("the film to go on", &format!("v.currentTime > {at} + 3")).await;
    assert_eq!(viewing.sight().await.alert, None);
    browser.quit().await;
}
