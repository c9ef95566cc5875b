//! The film over a persistent connection.

use e2e::{Browser, MOVIE, Picture, Server, TITLE};

/// How many ranges of the film's files the page asked for.
const RANGES: &str =
    "return performance.getEntriesByType('resource').filter(e => e.name.includes('.mp4')).length";
const PLAYS: &str = "return document.querySelector('video')?.currentTime > 0";

/// B87: the film plays over a WebSocket, and after a seek, too; no range of it is asked for. Where the server
/// refuses the connection, the same film comes by ranges, and the viewer hears nothing of it.
#[tokio::test]
async fn b87_the_film_plays_over_a_websocket_and_else_by_ranges() {
    let settings = "[stream]\ntransport = \"ws\"\n";
    let mut server = Server::start_with(settings).await;
    let browser = Browser::start().await;
    browser.sign_in(&server).await;
    let _: bool = browser.eval("performance.setResourceTimingBufferSize(10000); return true").await;
    browser.film(TITLE).await.click().await.unwrap();
    browser.until("the film to play", PLAYS).await;
    let frame = 41 * demo_film::FPS;
    assert_eq!(Picture::at(&browser, frame).await.frame, Some(frame));
    let ranges: u64 = browser.eval(RANGES).await;
    assert_eq!(ranges, 0, "it came over the socket");

    // A page of this site is not among the players that may.
    assert!(server.stop());
    let refused = format!("{settings}players = [\"https://other.example\"]\n");
    std::fs::write(server.data().join("matinee.toml"), refused).unwrap();
    server.restart().await;
    browser.open(&format!("{}/watch?movieid={MOVIE}", server.url())).await;
    browser.until("a picture", "return document.querySelector('video')?.readyState >= 2").await;
    let ranges: u64 = browser.eval(RANGES).await;
    assert!(ranges > 0, "it came by ranges");
    let is_quiet: bool = browser.eval("return !document.querySelector('[role=alert]')?.innerText").await;
    assert!(is_quiet);
    browser.quit().await;
}
