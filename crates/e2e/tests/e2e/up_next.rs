//! What comes after a film.

use e2e::{Browser, MOVIE, Server, TITLE, demo_film, eventually};

const SECOND: u64 = 2;
const VIDEO_ENDED: &str = "document.querySelector('video')?.ended === true";
const VIDEO: &str = "const v = document.querySelector('video');";

/// At the end of an episode a card says what comes next, without taking the focus. Stopped, it does not come
/// until the viewer has gone back; else the next episode plays by itself, in full screen where this one was,
/// and this one has been seen to its end. After the last one nothing comes.
#[tokio::test]
async fn the_next_episode_plays_unless_it_is_stopped() {
    let server = Server::start().await;
    let small = demo_film().swap_remove(0);
    server.run(&[
        "package",
        small.to_str().unwrap(),
        "--movie",
        &SECOND.to_string(),
        "--title",
        "The second",
    ]);
    for (movie, number) in [(MOVIE, "1"), (SECOND, "2")] {
        let movie = movie.to_string();
        server.run(&["movie", "edit", &movie, "--series", "Signs", "--season", "1", "--episode", number]);
    }
    let browser = Browser::start().await;
    browser.sign_in(&server).await;
    browser.film(TITLE).await;
    browser.open(&format!("{}/watch?movieid={MOVIE}", server.url())).await;
    let plays = format!("{VIDEO} return v?.currentTime > 0.2 && !v.paused");
    browser.until("the film to play", &plays).await;
    let press = |keys: &'static str| {
        let chain = browser.driver().action_chain().send_keys(keys);
        async move { chain.perform().await.unwrap() }
    };
    press("f").await;
    browser.until("full screen", "return !!document.fullscreenElement").await;
    let seek = async |to: f64| {
        let _: bool = browser.eval(&format!("{VIDEO} v.currentTime = {to}; v.play(); return true")).await;
    };
    let card = "document.querySelector('section[aria-label=\"Up next\"]')";

    seek(59.0).await;
    // One script looks at it and stops it: its countdown does not wait for a slow machine.
    let look_and_stop = format!(
        "const card = {card};
         if (card) {{
             window.seen ??= {{ text: card.textContent, focus: card.contains(document.activeElement) }};
             document.body.dispatchEvent(new KeyboardEvent('keydown', {{ key: 'Escape', bubbles: true }}));
             return false;
         }}
         return window.seen ?? false"
    );
    let seen = browser.until("the card to come and to go", &look_and_stop).await;
    assert!(seen["text"].as_str().unwrap().contains("The second"), "{seen}");
    assert_eq!(seen["focus"], false, "{seen}");
    browser.until("the end", &format!("return {card} === null && {VIDEO_ENDED}")).await;
    assert!(browser.address().await.ends_with(&format!("movieid={MOVIE}")));

    seek(30.0).await;
    browser.until("the film to go on", &format!("{VIDEO} return v.currentTime > 30.1 && !v.ended")).await;
    seek(59.0).await;
    browser.arrives_at(&format!("movieid={SECOND}")).await;
    browser.until("the second to play", &plays).await;
    let full: bool = browser.eval("return !!document.fullscreenElement").await;
    assert!(full, "it has the screen as the first one had it");
    let movies = "return fetch('/api/library').then(a => a.json()).then(l => l.movies)";
    // What the first one's player reports at its end may still be on its way.
    eventually("the first one to be seen to its end", || async {
        let listed: serde_json::Value = browser.eval(movies).await;
        let first = listed.as_array()?.iter().find(|film| film["movie_id"] == MOVIE)?;
        (first["position"].as_f64() == Some(0.0)).then_some(())
    })
    .await;

    seek(59.0).await;
    browser.until("the end", &format!("return {VIDEO_ENDED}")).await;
    browser.button("Watch again").await;
    assert!(
        browser.eval::<bool>(&format!("return {card} === null")).await,
        "nothing comes after the last one"
    );
    // One step back is where the first one was opened, and no full screen.
    browser.driver().back().await.unwrap();
    browser.arrives_at("/library").await;
    browser.until("no full screen", "return !document.fullscreenElement").await;
    browser.quit().await;
}
