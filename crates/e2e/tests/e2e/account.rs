//! The account's page: another password, and who is signed in.

use e2e::{Browser, Server};

const NEW: &str = "battery staple";

async fn change(browser: &Browser, current: &str, new: &str, again: &str) {
    for (label, text) in
        [("Current password", current), ("New password", new), ("New password, once more", again)]
    {
        browser.fill(label, text).await;
    }
    // By the keyboard: a button may move while an answer arrives.
    browser.driver().action_chain().send_keys(thirtyfour::Key::Enter).perform().await.unwrap();
}

/// The values of the three fields.
const TYPED: &str = "return [...document.querySelectorAll('input[type=password]')].map(field => field.value)";

/// A password that was mistyped costs nothing of what else was typed; the right one changes it, says what has
/// happened, and signs the other browser out.
#[tokio::test]
async fn the_password_is_changed_and_the_other_browser_is_signed_out() {
    let server = Server::start().await;
    let (mine, other) = (Browser::start().await, Browser::start().await);
    for browser in [&mine, &other] {
        browser.sign_in(&server).await;
    }
    mine.open(&format!("{}/account", server.url())).await;
    mine.says("One other browser is signed in").await;
    change(&mine, "wrong", NEW, NEW).await;
    mine.says("That is not the password that you have now").await;
    let typed: Vec<String> = mine.eval(TYPED).await;
    assert_eq!(typed, ["wrong", NEW, NEW]);
    mine.until("focus on what was wrong", "return document.activeElement.name === 'old_password'").await;

    change(&mine, e2e::PASSWORD, NEW, NEW).await;
    mine.says("Your password is changed").await;
    mine.says("No other browser is signed in").await;
    let typed: Vec<String> = mine.eval(TYPED).await;
    assert_eq!(typed, ["", "", ""]);
    other.open(&format!("{}/devices", server.url())).await;
    other.arrives_at("/login").await;
    // This browser is signed in by the new session.
    mine.open(&format!("{}/library", server.url())).await;
    mine.says(e2e::TITLE).await;
    for browser in [mine, other] {
        browser.quit().await;
    }
}

/// Sessions are seen, and signed out one by one or all others at once.
#[tokio::test]
async fn sessions_are_signed_out_from_the_page() {
    let server = Server::start().await;
    let mut browsers = Vec::new();
    for _ in 0..4 {
        let browser = Browser::start().await;
        browser.sign_in(&server).await;
        browsers.push(browser);
    }
    let mine = &browsers[0];
    mine.open(&format!("{}/devices", server.url())).await;
    mine.until("the link", "return document.querySelector('a[href=\"/account\"]') !== null").await;
    mine.eval::<bool>("document.querySelector('a[href=\"/account\"]').click(); return true").await;
    mine.says("3 other browsers are signed in").await;
    let rows = "[...document.querySelectorAll('.session-list li')]";
    let marked: String =
        mine.eval(&format!("return {rows}.find(row => row.querySelector('.tag')).innerText")).await;
    assert!(marked.contains("Linux") && marked.contains("Signed in just now"), "{marked}");
    assert!(marked.contains("From "), "{marked}");
    let press = format!(
        "{rows}.find(row => !row.querySelector('.tag')).querySelector('button').click(); return true"
    );
    mine.eval::<bool>(&press).await;
    mine.says("2 other browsers are signed in").await;
    mine.says("is signed out").await;
    let kept = "return document.activeElement.classList.contains('sessions-head')";
    mine.until("the focus, which was on the row that is gone", kept).await;
    // By the button itself: it moves while the list gets shorter.
    mine.button("Sign out everywhere else").await;
    let press = "[...document.querySelectorAll('button')]
        .find(button => button.innerText.trim() === 'Sign out everywhere else').click(); return true";
    mine.eval::<bool>(press).await;
    mine.says("No other browser is signed in").await;
    for other in &browsers[1..] {
        other.open(&format!("{}/account", server.url())).await;
        other.arrives_at("/login").await;
    }
    // And this one, by its own row.
    mine.eval::<bool>(&format!("{rows}[0].querySelector('button').click(); return true")).await;
    mine.arrives_at("/login").await;
    for browser in browsers {
        browser.quit().await;
    }
}
