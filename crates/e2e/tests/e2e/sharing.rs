//! A film by a link: no account, no sign-in.

use e2e::{Browser, MOVIE, Server, TITLE};

/// Whoever has the link watches, as a device of the link; who comes when its places are taken, or when it is
/// over, does not.
#[tokio::test]
async fn a_link_plays_without_an_account() {
    let server = Server::start_public("").await;
    let movie = MOVIE.to_string();
    let link = server.run(&["share", "create", "--movie", &movie, "--until", "1h", "--devices", "1"]);
    let browser = Browser::start().await;
    browser.open(link.trim()).await;
    browser.until("the film to play", "return document.querySelector('video')?.currentTime > 0").await;
    browser
        .until("its title", &format!("return document.querySelector('h1')?.textContent === '{TITLE}'"))
        .await;
    let bare: bool = browser.eval("return !document.querySelector('a')").await;
    assert!(bare, "no way around the site");
    let devices = server.devices();
    assert!(devices.len() == 1 && devices[0].email.starts_with("subject:share-"), "{devices:?}");

    let other = Browser::start().await;
    other.open(link.trim()).await;
    other.says("DEVICE_LIMIT_REACHED").await;
    let list: serde_json::Value = serde_json::from_str(&server.run(&["share", "list", "--json"])).unwrap();
    server.run(&["share", "revoke", list[0]["id"].as_str().unwrap()]);
    other.open(link.trim()).await;
    other.says("MOVIE_UNKNOWN").await;
    // The log knows that somebody had a link, and not which.
    let log = server.log().0;
    let token = link.trim().rsplit('/').next().unwrap();
    assert!(log.contains("/v/{token}") && !log.contains(token));
    for browser in [browser, other] {
        browser.quit().await;
    }
}
