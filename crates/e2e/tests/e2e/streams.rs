//! More screens than the plan has.

use e2e::{Browser, Server, TITLE};

const PLAYS: &str = "return document.querySelector('video')?.currentTime > 0";
const BUTTONS: &str =
    "[...document.querySelectorAll('.trouble button')].filter(b => b.innerText.startsWith('Stop '))";

async fn signed_in(server: &Server) -> Browser {
    let browser = Browser::start().await;
    browser.sign_in(server).await;
    browser.film(TITLE).await.click().await.unwrap();
    browser
}

/// The third browser of a plan for two films is told who plays, takes over from the first, and plays; the
/// first says so with its next report, and the second plays on.
#[tokio::test]
async fn the_third_browser_of_a_plan_for_two_takes_over() {
    let server = Server::start_with("[plans.unlimited]\nstreams = 2").await;
    let first = signed_in(&server).await;
    first.until("the film to play", PLAYS).await;
    let second = signed_in(&server).await;
    second.until("the film to play", PLAYS).await;
    let third = signed_in(&server).await;
    third.says("Your plan allows 2 films at a time").await;
    third.says("STREAM_LIMIT").await;
    third.until("a button for each", &format!("return {BUTTONS}.length === 2")).await;
    let plays: bool = third.eval(&format!("{PLAYS} ?? false")).await;
    assert!(!plays, "refused");
    // The one that began first stands at the head.
    let _: bool = third.eval(&format!("{BUTTONS}[0].click(); return true")).await;
    third.until("the film to play here", PLAYS).await;

    // A seek is reported at once.
    let seek = "document.querySelector('video').currentTime = 20; return true";
    let _: bool = first.eval(seek).await;
    first.says("Playing on").await;
    first.says("STREAM_STOPPED").await;
    let gone =
        "const v = document.querySelector('video'); return !v || v.paused || !(v.currentSrc || v.srcObject)";
    first.until("it to stop", gone).await;
    let _: bool = second.eval(seek).await;
    second.until("it to play on", "return document.querySelector('video')?.currentTime > 20.5").await;
    for browser in [first, second, third] {
        browser.quit().await;
    }
}
