//! A TV box joins the account by the code that it shows.

use e2e::{Browser, EMAIL, MOVIE, PASSWORD, Peer, Server};
use nccp::{RequestMessage, ResponseMessage};
use serde_json::Value;

async fn devices(browser: &Browser) -> usize {
    let list: Value = browser.eval("return fetch('/api/devices').then(a => a.json())").await;
    list["devices"].as_array().unwrap().len()
}

async fn type_code(browser: &Browser, code: &str) {
    browser.fill("Code on the TV", code).await;
    browser.button("Continue").await.click().await.unwrap();
}

/// A14, A114, A115, A120: login comes first and leads back, with the code of the address; what is mistyped is
/// said; the code is taken in any spelling; nothing joins before it was confirmed and the box has asked
/// again. Then what is put on the list in the library is in the box's queue.
#[tokio::test]
async fn a_box_joins_by_its_code() {
    let mut server = Server::start_public("").await;
    let mut tv = Peer::tv_box(&mut server, "0001").await;
    let code = tv.code().await;
    let browser = Browser::start().await;
    browser.open(&format!("{}/activate?code={code}", server.url())).await;
    browser.arrives_at("/login?next=").await;
    browser.fill("Email", EMAIL).await;
    browser.fill("Password", PASSWORD).await;
    browser.button("Sign in").await.click().await.unwrap();
    browser.arrives_at("/activate").await;

    // The code has come along, the address has it no longer, and a link alone asks nothing.
    let waits = format!(
        "return location.pathname + location.search === '/activate' &&
            document.querySelector('.box-code')?.value === '{code}' && document.activeElement.type === 'submit'"
    );
    browser.until("the code of the address", &waits).await;
    browser.says("Continue only if the TV in front of you shows the same one").await;

    type_code(&browser, "abc-0").await;
    browser.says("No code has O, I, 0 or 1 in it").await;
    type_code(&browser, &code[..5]).await;
    browser.says("this has 5").await;
    let other = if code == "ZZZZZZ" { "YYYYYY" } else { "ZZZZZZ" };
    type_code(&browser, other).await;
    browser.says("No box shows this code").await;

    let before = devices(&browser).await;
    type_code(&browser, &format!(" {} {}", code[..2].to_lowercase(), &code[2..])).await;
    browser.says("Is this your box?").await;
    browser.says("Matinee One 0001").await;
    browser.says(EMAIL).await;
    assert_eq!(tv.code().await, code, "still waiting");
    browser.button("Add this box").await.click().await.unwrap();
    browser.says("Matinee One 0001 is added").await;
    let focused: String = browser.eval("return document.activeElement.innerText").await;
    assert!(focused.contains("is added"), "{focused}");
    assert_eq!(devices(&browser).await, before, "the box has not asked yet");
    tv.joins().await;

    let link =
        "[...document.querySelectorAll('a')].find(a => a.innerText === 'Your devices').click(); return true";
    let _: bool = browser.eval(link).await;
    browser.says("TV box in place").await;
    assert_eq!(devices(&browser).await, before + 1);

    // The list of the library is the box's queue.
    browser.open(&format!("{}/library", server.url())).await;
    assert!(queue(&mut tv).await.is_empty());
    browser.button("Add Matinee demo film to my list").await.click().await.unwrap();
    browser.button("Remove Matinee demo film from my list").await;
    assert_eq!(queue(&mut tv).await, [MOVIE]);
    let focused: String = browser.eval("return document.activeElement.ariaLabel").await;
    assert!(focused.starts_with("Remove"), "the keyboard stays at the button: {focused}");
    browser.button("Remove Matinee demo film from my list").await.click().await.unwrap();
    browser.button("Add Matinee demo film to my list").await;
    assert!(queue(&mut tv).await.is_empty());
    browser.quit().await;
}

async fn queue(tv: &mut Peer) -> Vec<u64> {
    match tv.ask(RequestMessage::Queue).await.unwrap() {
        ResponseMessage::Queue(movies) => movies.iter().map(|movie| movie.movie_id.get()).collect(),
        other => panic!("{other:?}"),
    }
}

/// A56, A118: where all places are taken the page says so, offers to remove a device there and then, and goes
/// on with the question.
#[tokio::test]
async fn a_full_account_makes_room_for_a_box() {
    let mut server = Server::start_public("[devices]\nlimit = 2\nidle_days = 0\n").await;
    let mut tv = Peer::tv_box(&mut server, "0002").await;
    let code = tv.code().await;
    Peer::browser(&server, "Kitchen").await;
    let browser = Browser::start().await;
    browser.sign_in(&server).await;
    browser.open(&format!("{}/activate", server.url())).await;
    type_code(&browser, &code).await;
    browser.says("All 2 device places of this account are taken").await;
    let offered = "return [...document.querySelectorAll('button')].some(b => b.innerText === 'Add this box')";
    let offered: bool = browser.eval(offered).await;
    assert!(!offered, "not before there is a place");
    browser.button("Remove Kitchen in place 1").await.click().await.unwrap();
    browser.button("Remove it").await.click().await.unwrap();
    browser.says("1 of 2 taken").await;
    browser.button("Add this box").await.click().await.unwrap();
    browser.says("Matinee One 0002 is added").await;
    tv.joins().await;
    assert_eq!(devices(&browser).await, 2);
    browser.quit().await;
}

/// A14: whoever guesses is told when to try again; a session that ends in between leads to the login page and
/// back.
#[tokio::test]
async fn guessing_is_stopped_and_a_lost_session_leads_back() {
    let server = Server::start_public("").await;
    let browser = Browser::start().await;
    browser.sign_in(&server).await;
    browser.open(&format!("{}/activate", server.url())).await;
    let guess = "return (async () => { let last = 0; for (let n = 0; n < 10; n++) { last = (await fetch('/activate', { method: 'POST',
        headers: { 'content-type': 'application/json' }, body: JSON.stringify({ code: 'ZZZZZZ' }) })).status } return last })()";
    let last: u16 = browser.eval(guess).await;
    assert_eq!(last, 404);
    type_code(&browser, "ZZZ-ZZZ").await;
    browser.says("Too many wrong codes. Try again in").await;
    browser.says("minutes").await;

    browser.delete_cookies().await;
    type_code(&browser, "ABC-DEF").await;
    browser.arrives_at("/login?next=%2Factivate").await;
    browser.fill("Email", EMAIL).await;
    browser.fill("Password", PASSWORD).await;
    browser.button("Sign in").await.click().await.unwrap();
    let kept = "return document.querySelector('.box-code')?.value === 'ABCDEF'";
    browser.until("the code that was typed", kept).await;
    browser.says("Add a TV box").await;
    browser.quit().await;
}
