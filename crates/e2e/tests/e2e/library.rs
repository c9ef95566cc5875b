//! The library, a film's own page, and the page where nothing is.

use e2e::{Browser, EMAIL, MOVIE, PASSWORD, Server, TITLE};

const TIME: &str = "(document.querySelector('video')?.currentTime ?? 0)";

/// A link to a film leads to its page by way of the login; from there it plays, is found again in the
/// library, goes on, and begins anew.
#[tokio::test]
async fn a_film_is_looked_at_found_and_begun_anew() {
    let server = Server::start().await;
    server.run(&["movie", "edit", &MOVIE.to_string(), "--genre", "Komödie"]);
    let browser = Browser::start().await;
    browser.open(&format!("{}/film/{MOVIE}", server.url())).await;
    browser.arrives_at("/login?next=").await;
    browser.fill("Email", EMAIL).await;
    browser.fill("Password", PASSWORD).await;
    browser.button("Sign in").await.click().await.unwrap();
    browser.arrives_at(&format!("/film/{MOVIE}")).await;
    browser.says("Komödie").await;
    browser.film(TITLE).await.click().await.unwrap();
    browser.until("the film to play", &format!("return {TIME} > 0")).await;
    let _: bool = browser.eval("document.querySelector('video').currentTime = 30; return true").await;
    browser.until("what is there", &format!("return {TIME} > 30.5")).await;

    // Both pages know where that was.
    let _: bool = browser.eval("history.back(); return true").await;
    browser.arrives_at(&format!("/film/{MOVIE}")).await;
    browser.says("Stopped at 0:3").await;
    let library = "document.querySelector('nav a[href=\"/library\"]').click(); return true";
    let _: bool = browser.eval(library).await;
    browser.arrives_at("/library").await;
    browser.says("Stopped at 0:3").await;
    browser.fill("Search films", "KOMODIE").await;
    browser.says("1 film found").await;
    browser.fill("Search films", "nothing like it").await;
    browser.says("No film matches").await;
    browser.fill("Search films", "demo").await;
    browser.film_page(TITLE).await.click().await.unwrap();
    browser.arrives_at(&format!("/film/{MOVIE}")).await;
    browser.says("From the start").await;
    let anew = "document.querySelector(\"a[href$='&t=0']\").click(); return true";
    let _: bool = browser.eval(anew).await;
    browser.until("the beginning", &format!("return {TIME} > 0 && {TIME} < 10")).await;
    browser.until("a plain address", "return !location.search.includes('t=')").await;
    browser.quit().await;
}

/// An address that nothing is at: a page with the way on, and its status.
#[tokio::test]
async fn where_nothing_is_there_is_a_way_on() {
    let server = Server::start().await;
    let browser = Browser::start().await;
    browser.sign_in(&server).await;
    browser.open(&format!("{}/nothing", server.url())).await;
    browser.says("Page not found").await;
    let status: u64 =
        browser.eval("return performance.getEntriesByType('navigation')[0].responseStatus").await;
    assert_eq!(status, 404);
    let click = "[...document.querySelectorAll('a')].find(a => a.innerText === 'To the library').click(); return true";
    let _: bool = browser.eval(click).await;
    browser.arrives_at("/library").await;
    // And of a film that there is not.
    browser.open(&format!("{}/film/7", server.url())).await;
    browser.says("No such film").await;
    browser.quit().await;
}
