//! Who is signed in, what is kept, what is never written down.

use e2e::{Browser, EMAIL, MOVIE, PASSWORD, Server, Stage, TITLE, free_port, messages};
use serde_json::Value;
use shaper::{Exchange, Kind};

/// A3, C13: the watch page needs both cookies, sends to the login page, and comes back to the film.
#[tokio::test]
async fn watch_asks_for_login_and_returns_to_the_film() {
    let server = Server::start().await;
    let browser = Browser::start().await;
    browser.open(&format!("{}/watch?movieid={MOVIE}", server.url())).await;
    browser.arrives_at("/login?next=").await;
    browser.fill("Email", EMAIL).await;
    browser.fill("Password", "wrong").await;
    browser.button("Sign in").await.click().await.unwrap();
    browser.says("Email or password is wrong").await;
    browser.fill("Password", PASSWORD).await;
    browser.button("Sign in").await.click().await.unwrap();
    browser.arrives_at(&format!("/watch?movieid={MOVIE}")).await;
    browser.until("the film to play", "return document.querySelector('video')?.currentTime > 0").await;
    browser.quit().await;
}

/// A20: sign-in, device, instructions, license, pictures, in this order. A48, A90: after a reload, and after
/// a restart of the server, there is a license to ask for and nothing else.
#[tokio::test]
async fn five_phases_once_and_two_again() {
    let metrics = free_port();
    let mut stage = Stage::start(0, &format!("[metrics]\nlisten = \"127.0.0.1:{metrics}\"")).await;
    let browser = Browser::start().await;
    browser.sign_in_at(&stage.url()).await;
    browser.film(TITLE).await;
    // A click while the registration's answer is on its way may make the watch page twice, which asks twice.
    let kept = "return Object.keys(localStorage).some(key => key.startsWith('matinee.registration.'))";
    browser.until("the registration to be kept", kept).await;
    browser.film(TITLE).await.click().await.unwrap();
    let plays = "return document.querySelector('video')?.currentTime > 1";
    browser.until("the film to play", plays).await;
    let first = |wanted: &dyn Fn(&Exchange) -> bool| {
        stage
            .site
            .exchanges()
            .iter()
            .find(|exchange| wanted(exchange))
            .map(|exchange| exchange.asked)
            .unwrap()
    };
    let phases = [
        first(&|exchange| exchange.path == "/login" && exchange.method == "POST"),
        first(&|exchange| exchange.kind == Kind::Individualize),
        first(&|exchange| exchange.kind == Kind::Controller),
        first(&|exchange| exchange.kind == Kind::Media),
    ];
    assert!(phases.is_sorted());
    let last_envelope =
        stage.requests(Kind::Controller).into_iter().rfind(|post| post.asked < phases[3]).unwrap();
    assert!(last_envelope.asked > phases[2], "register; then authorization and license");
    let asked = async || {
        let mut counts = Vec::new();
        for message in ["register", "authenticationrenewal", "authorization", "license"] {
            counts.push(messages(metrics, message).await);
        }
        (counts, stage.requests(Kind::Individualize).len())
    };
    assert_eq!(asked().await, (vec![1, 0, 1, 1], 1));
    let before = stage.server.devices();
    assert_eq!(before.len(), 1);

    browser.driver().refresh().await.unwrap();
    browser.until("the film to play again", "return document.querySelector('video')?.currentTime > 0").await;
    assert_eq!(asked().await, (vec![1, 0, 2, 2], 1));

    assert!(stage.server.stop(), "the server's exit after an interrupt");
    stage.server.restart().await;
    browser.driver().refresh().await.unwrap();
    browser.until("the film to play again", "return document.querySelector('video')?.currentTime > 0").await;
    // The counters began anew with it.
    let counts = [messages(metrics, "register").await, messages(metrics, "license").await];
    assert_eq!((counts, stage.requests(Kind::Individualize).len()), ([0, 1], 1));
    assert_eq!(stage.server.devices(), before);
    browser.quit().await;
}

/// A51: two people at one browser are two devices, each with its own keys, and each again the same one on
/// coming back.
#[tokio::test]
async fn two_users_of_one_machine_are_two_devices() {
    let server = Server::start().await;
    server.run(&["user", "add", "bob@example.org", "--password", PASSWORD]);
    let browser = Browser::start().await;
    let list = || -> Vec<(String, String)> {
        let mut list: Vec<_> = server.devices().into_iter().map(|device| (device.email, device.id)).collect();
        list.sort();
        list
    };
    let plays = "return document.querySelector('video')?.currentTime > 0";
    let mut first = Vec::new();
    for round in 0..2 {
        for email in [EMAIL, "bob@example.org"] {
            browser.delete_cookies().await;
            browser.open(&format!("{}/login", server.url())).await;
            browser.fill("Email", email).await;
            browser.fill("Password", PASSWORD).await;
            browser.button("Sign in").await.click().await.unwrap();
            browser.arrives_at("/library").await;
            browser.film(TITLE).await.click().await.unwrap();
            browser.until("the film to play", plays).await;
        }
        if round == 0 {
            first = list();
            assert_eq!(first.len(), 2, "{first:?}");
            assert_ne!(first[0].1, first[1].1);
        }
    }
    assert_eq!(list(), first);
    browser.quit().await;
}

/// A page that is left while its worker opens the database for the first time does not keep the next page
/// from it. (The browser keeps the page, frozen, for the way back, and the worker's half-opened database with
/// it.)
#[tokio::test]
async fn a_page_left_while_the_device_is_made_ready_is_in_nobodys_way() {
    let server = Server::start().await;
    for delay in [0, 4, 8, 16, 32] {
        let browser = Browser::start().await;
        let leave = format!(
            "if (!sessionStorage.left) {{
                const post = Worker.prototype.postMessage;
                Worker.prototype.postMessage = function (message, ...rest) {{
                    const sent = post.call(this, message, ...rest);
                    if (message?.device?.type === 'open') {{
                        sessionStorage.left = 1;
                        setTimeout(() => {{ location.href = '/watch?movieid={MOVIE}' }}, {delay});
                    }}
                    return sent;
                }};
            }}"
        );
        browser.before_each_page(&leave).await;
        // The library is left sooner than anybody could look.
        browser.send_credentials(&server.url()).await;
        browser.arrives_at("/watch").await;
        browser.until("the film to play", "return document.querySelector('video')?.currentTime > 0").await;
        browser.driver().back().await.unwrap();
        browser.arrives_at("/library").await;
        browser.film(TITLE).await.click().await.unwrap();
        browser
            .until("the film to play again", "return document.querySelector('video')?.currentTime > 0")
            .await;
        browser.quit().await;
    }
}

/// No cookie, ticket, password or content key in the server's log after a whole session; and what the page
/// can reach names no key.
#[tokio::test]
async fn nothing_secret_is_logged_or_left_in_the_page() {
    let server = Server::start().await;
    let browser = Browser::start().await;
    browser.sign_in(&server).await;
    browser.film(TITLE).await.click().await.unwrap();
    browser.until("the film to play", "return document.querySelector('video')?.currentTime > 1").await;

    let log = server.log().0;
    assert!(log.contains("/nccp/controller"), "the log has request lines:\n{log}");
    let cookies = browser.driver().get_all_cookies().await.unwrap();
    let secrets: Vec<&str> = cookies.iter().map(|cookie| cookie.value.as_str()).collect();
    assert!(secrets.len() >= 3, "two session cookies and the device's: {}", secrets.len());
    let stored: String = browser.eval("return JSON.stringify({...localStorage})").await;
    for secret in secrets.iter().filter(|value| value.len() >= 8).chain(&[PASSWORD]) {
        assert!(!log.contains(secret), "a secret is in the log");
        assert!(!stored.contains(secret), "a secret is in the page's storage");
    }
    assert!(!log.contains("&h=") && !log.contains("X-CTicket"), "{log}");

    // Cookies are out of the scripts' reach; device keys can not be exported.
    let visible: String = browser.eval("return document.cookie").await;
    assert_eq!(visible, "");
    let keys: Vec<Value> = browser.eval(EXTRACTABLE_KEYS).await;
    assert!(!keys.is_empty(), "the device keys are in IndexedDB");
    assert!(keys.iter().all(|key| key["extractable"] == false || key["type"] == "public"), "{keys:?}");
    browser.quit().await;
}

/// Walks all of the page's IndexedDB for CryptoKeys.
const EXTRACTABLE_KEYS: &str = "return (async () => {
    const found = [];
    const walk = (value, depth) => {
        if (depth > 6 || value === null || typeof value !== 'object') return;
        if (value instanceof CryptoKey) { found.push({ type: value.type, extractable: value.extractable }); return; }
        if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return;
        for (const inner of Object.values(value)) walk(inner, depth + 1);
    };
    for (const { name } of await indexedDB.databases()) {
        const db = await new Promise((ok, no) => { const r = indexedDB.open(name); r.onsuccess = () => ok(r.result); r.onerror = no; });
        for (const store of db.objectStoreNames) {
            const all = await new Promise((ok, no) => {
                const r = db.transaction(store).objectStore(store).getAll(); r.onsuccess = () => ok(r.result); r.onerror = no;
            });
            all.forEach(value => walk(value, 0));
        }
        db.close();
    }
    return found;
})()";
