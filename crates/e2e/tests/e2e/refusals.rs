//! What cannot play is said in words, with a way on.

use e2e::{Browser, EMAIL, MOVIE, Server, TITLE};

/// A10: a browser without Media Source Extensions is told so by name, and no device is registered for it.
#[tokio::test]
async fn an_unsupported_browser_is_told_what_is_missing() {
    let server = Server::start().await;
    let browser = Browser::start().await;
    browser
        .before_each_page(
            "delete window.MediaSource; delete window.ManagedMediaSource; delete window.WebKitMediaSource",
        )
        .await;
    browser.sign_in(&server).await;
    browser.film(TITLE).await.click().await.unwrap();
    browser.says("Media Source").await;
    let devices = server.devices();
    assert!(devices.is_empty(), "{devices:?}");
    browser.quit().await;
}

/// A8, A98: an account whose plan does not include the film is refused in words; the library still shows.
#[tokio::test]
async fn a_refused_license_is_said_in_words() {
    let server = Server::start().await;
    let browser = Browser::start().await;
    server.run(&["user", "add", "bob@example.org", "--password", "a long enough password", "--plan", "none"]);
    browser.open(&format!("{}/login", server.url())).await;
    browser.fill("Email", "bob@example.org").await;
    browser.fill("Password", "a long enough password").await;
    browser.button("Sign in").await.click().await.unwrap();
    browser.arrives_at("/library").await;
    browser.film(TITLE).await.click().await.unwrap();
    browser.arrives_at("/watch").await;
    browser.says("plan").await;
    browser.quit().await;
}

/// A37, A53: the device over the limit gets the limit's words and a way to the device page, no film.
#[tokio::test]
async fn one_device_too_many_is_offered_the_device_page() {
    let server = Server::start_with("[devices]\nlimit = 1\n").await;
    let first = Browser::start().await;
    first.sign_in(&server).await;
    first.film(TITLE).await.click().await.unwrap();
    first.until("the film to play", "return document.querySelector('video')?.currentTime > 0").await;
    first.quit().await;

    let second = Browser::start().await;
    second.sign_in(&server).await;
    // The library says it first, once the device has tried.
    second.says("Device Limit Reached").await;
    second.open(&format!("{}/watch?movieid={MOVIE}", server.url())).await;
    second.says("Device Limit Reached").await;
    let link = "return !!document.querySelector('a[href=\"/devices\"]')";
    second.until("a link to the devices", link).await;
    second.quit().await;
}

/// An expired login in the middle leads to the login page, an unknown film is named as such.
#[tokio::test]
async fn expired_login_and_unknown_film() {
    let server = Server::start().await;
    let browser = Browser::start().await;
    browser.sign_in(&server).await;
    browser.open(&format!("{}/watch?movieid=404404", server.url())).await;
    browser.says("No such title").await;

    server.run(&["user", "disable", EMAIL]);
    browser.open(&format!("{}/library", server.url())).await;
    browser.arrives_at("/login").await;
    browser.quit().await;
}
