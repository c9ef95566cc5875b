//! The site in other languages than English.

use e2e::{Browser, EMAIL, MOVIE, PASSWORD, Server, TITLE};
use serde_json::{Value, json};

/// The browser's languages decide until the viewer chooses; then the choice does, on every page. Arabic goes
/// from right to left and fits a phone; the player's bar goes from left to right.
#[tokio::test]
async fn the_site_speaks_the_viewers_language() {
    let server = Server::start().await;
    let browser = Browser::start().await;
    browser
        .before_each_page(
            "Object.defineProperty(navigator, 'languages', { get: () => ['gsw', 'de-AT', 'en'] })",
        )
        .await;
    browser.open(&format!("{}/login", server.url())).await;
    browser.button("Anmelden").await;
    let page: Value =
        browser.eval("const root = document.documentElement; return [root.lang, root.dir]").await;
    assert_eq!(page, json!(["de", "ltr"]));

    let chosen: String = browser
        .eval(
            "const choice = document.querySelector('.language select');
             choice.value = 'ar';
             return choice.selectedOptions[0].textContent",
        )
        .await;
    assert_eq!(chosen, "العربية", "each language is called as it calls itself");
    browser.button("Übernehmen").await.click().await.unwrap();
    browser.fill("البريد الإلكتروني", EMAIL).await;
    browser.fill("كلمة المرور", PASSWORD).await;
    browser.button("تسجيل الدخول").await.click().await.unwrap();
    browser.arrives_at("/library").await;

    let film_page = format!("film/{MOVIE}");
    let size = json!({ "width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": true });
    browser.driver().cdp().send_raw("Emulation.setDeviceMetricsOverride", size).await.unwrap();
    for (address, there) in [
        ("library", "document.querySelector('.all .film')"),
        ("account", "document.querySelector('.session-list li')"),
        ("devices", "document.querySelector('.devices li')"),
        ("activate", "document.querySelector('.box-code')"),
        (film_page.as_str(), "document.querySelector('.film-page')"),
        ("help/NETWORK", "document.querySelector('.help')"),
        ("nothing", "document.querySelector('.trouble [data-say]')"),
    ] {
        browser.open(&format!("{}/{address}", server.url())).await;
        browser.until(&format!("{address} to be there"), &format!("return {there} !== null")).await;
        let right = "const root = document.documentElement;
             return root.dir === 'rtl' && root.lang === 'ar' && /^\\p{Script=Arabic}/u.test(document.title.replace(/[\\u2066-\\u2069]/g, ''))
               ? { over: root.scrollWidth - root.clientWidth } : null";
        // A film's page is called as the film is.
        let right = if address.starts_with("film/") {
            "const root = document.documentElement; return { over: root.scrollWidth - root.clientWidth }"
        } else {
            right
        };
        let page = browser.until(&format!("{address} in Arabic"), right).await;
        assert_eq!(page["over"], 0, "{address} is wider than the phone");
    }

    browser.open(&format!("{}/watch?movieid={MOVIE}", server.url())).await;
    browser.until("the film to play", "return document.querySelector('video')?.currentTime > 0.2").await;
    browser.button("إيقاف مؤقت").await;
    let bar: String =
        browser.eval("return getComputedStyle(document.querySelector('.seek')).direction").await;
    assert_eq!(bar, "ltr");
    let title: String = browser.eval("return document.querySelector('h1').textContent").await;
    assert_eq!(title, TITLE, "what the service calls its films it calls so in all languages");
    browser.quit().await;
}
