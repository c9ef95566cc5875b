//! The account's devices: looked through, removed, and one too many.

use e2e::{Browser, MOVIE, Peer, Server, TITLE};

const PLAYS: &str = "return document.querySelector('video')?.currentTime > 0";

/// Names of the account's devices, by slot.
fn names(server: &Server) -> Vec<String> {
    let mut list = server.devices();
    list.sort_by_key(|device| device.slot);
    list.into_iter().map(|device| device.name).collect()
}

async fn fill(server: &Server, names: &[&str]) {
    for name in names {
        Peer::browser(server, name).await;
    }
}

/// The accessible name of the focused element.
const FOCUSED: &str = "(document.activeElement.ariaLabel ?? document.activeElement.innerText.trim())";

async fn focused(browser: &Browser) -> String {
    browser.eval(&format!("return {FOCUSED}")).await
}

/// A9, A37, A49, A53, A55: with six devices registered, the seventh is told so in the library, removes one
/// there, is registered by itself, and the film plays.
#[tokio::test]
async fn the_seventh_device_removes_one_in_the_library_and_goes_on_to_the_film() {
    let server = Server::start().await;
    fill(&server, &["One", "Two", "Three", "Four", "Five", "Six"]).await;
    let browser = Browser::start().await;
    browser.sign_in(&server).await;
    browser.says("Device Limit Reached").await;
    browser.button("Remove a device").await.click().await.unwrap();
    browser.says("6 of 6 places taken").await;
    browser.button("Remove Three in place 3").await.click().await.unwrap();
    browser.says("Remove Three?").await;
    browser.button("Remove it").await.click().await.unwrap();
    browser
        .until("the notice to go", "return !document.body.innerText.includes('Device Limit Reached')")
        .await;
    browser.film(TITLE).await.click().await.unwrap();
    browser.until("the film to play", PLAYS).await;
    let names = names(&server);
    assert_eq!((names.len(), names.iter().any(|name| name == "Three")), (6, false), "{names:?}");
    assert!(names[2].contains("Linux"), "the browser is in the place that was freed: {names:?}");
    browser.quit().await;
}

/// A37, A53, A55: the same on the film's own page: nothing is played before, and once a device is removed the
/// film begins by itself.
#[tokio::test]
async fn the_seventh_device_removes_one_on_the_watch_page_and_the_film_begins() {
    let server = Server::start().await;
    fill(&server, &["One", "Two", "Three", "Four", "Five", "Six"]).await;
    let browser = Browser::start().await;
    browser.sign_in(&server).await;
    browser.open(&format!("{}/watch?movieid={MOVIE}", server.url())).await;
    browser.says("Device Limit Reached").await;
    browser.says("6 of 6 places taken").await;
    let plays: bool = browser.eval(&format!("{PLAYS} ?? false")).await;
    assert!(!plays && names(&server).len() == 6, "refused");
    browser.button("Remove Six in place 6").await.click().await.unwrap();
    browser.button("Remove it").await.click().await.unwrap();
    browser.until("the film to begin by itself", PLAYS).await;
    assert!(!names(&server).contains(&"Six".to_owned()));
    browser.quit().await;
}

/// A15: the page of devices names them, marks this one, asks before it removes, and the keyboard stays where
/// it was.
#[tokio::test]
async fn devices_are_looked_through_and_removed_by_keyboard() {
    let server = Server::start().await;
    fill(&server, &["One", "Two"]).await;
    let browser = Browser::start().await;
    browser.sign_in(&server).await;
    browser.open(&format!("{}/Player/unregister_device", server.url())).await;
    browser.arrives_at("/devices").await;
    browser.says("3 of 6 places taken").await;
    let marked: String = browser.eval("return document.querySelector('.tag').closest('li').innerText").await;
    assert!(marked.contains("Linux") && marked.contains("Last used just now"), "{marked}");

    // No is the answer at hand, and then nothing happens.
    let press = |keys: &'static str| {
        let chain = browser.driver().action_chain().send_keys(keys);
        async move { chain.perform().await.unwrap() }
    };
    let focus = "[...document.querySelectorAll('.devices button')].find(b => b.ariaLabel.includes('One')).focus(); return true";
    let _: bool = browser.eval(focus).await;
    press("\u{e007}").await; // Enter
    browser.says("Remove One?").await;
    browser.until("the answer at hand", &format!("return {FOCUSED} === 'Keep it'")).await;
    press("\u{e00c}").await; // Escape
    browser.until("the question to go", "return !document.querySelector('dialog[open]')").await;
    assert_eq!((names(&server).len(), focused(&browser).await.as_str()), (3, "Remove One in place 1"));

    press("\u{e007}").await;
    browser.until("the question", "return !!document.querySelector('dialog[open]')").await;
    browser.button("Remove it").await.click().await.unwrap();
    browser.says("2 of 6 places taken").await;
    assert_eq!(focused(&browser).await, "Remove Two in place 2", "the one that took its row");
    let said: String =
        browser.eval("return document.querySelector('.device-list [role=status]').innerText").await;
    assert!(said.contains("One was removed"), "{said}");
    assert_eq!(names(&server)[0], "Two");

    // This browser may go as well: it takes a place again when it needs one.
    let this = "return document.querySelector('.tag').closest('li').querySelector('button').click() ?? true";
    let _: bool = browser.eval(this).await;
    browser.says("This is the browser that you are using").await;
    browser.button("Remove it").await.click().await.unwrap();
    browser.says("1 of 6 places taken").await;
    browser.quit().await;
}

/// A device gets another name where it is listed, and the keyboard stays where it was.
#[tokio::test]
async fn a_device_is_called_by_another_name() {
    let server = Server::start().await;
    fill(&server, &["One", "Two"]).await;
    let browser = Browser::start().await;
    browser.sign_in(&server).await;
    browser.open(&format!("{}/devices", server.url())).await;
    browser.says("3 of 6 places taken").await;
    browser.button("Rename Two in place 2").await.click().await.unwrap();
    browser.fill("Name", "Kitchen").await;
    browser.button("Save").await.click().await.unwrap();
    browser.button("Remove Kitchen in place 2").await;
    assert_eq!(names(&server)[..2], ["One", "Kitchen"]);
    assert_eq!(focused(&browser).await, "Rename Kitchen in place 2");
    browser.quit().await;
}

/// More removals than are allowed: the page says so, and when the next one is possible; nothing is removed,
/// and the list stays as it is.
#[tokio::test]
async fn a_removal_that_is_refused_says_when_the_next_is_possible() {
    let server = Server::start_with("[devices]\nremovals = 1").await;
    fill(&server, &["One", "Two"]).await;
    let browser = Browser::start().await;
    browser.sign_in(&server).await;
    browser.open(&format!("{}/devices", server.url())).await;
    browser.says("3 of 6 places taken").await;
    for name in ["One in place 1", "Two in place 2"] {
        browser.button(&format!("Remove {name}")).await.click().await.unwrap();
        browser.button("Remove it").await.click().await.unwrap();
        browser.says("2 of 6 places taken").await;
    }
    browser.says("Too many devices were removed").await;
    let said: String =
        browser.eval("return document.querySelector('.device-list [aria-live=assertive]').innerText").await;
    assert!(said.contains("The next one can be removed from") && said.contains("UTC"), "{said}");
    assert!(names(&server).contains(&"Two".to_owned()));
    browser.quit().await;
}
