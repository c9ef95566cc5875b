//! A film in a page of another site: `<matinee-player>`, by a grant, across origins. C21.

use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use axum::response::Html;
use axum::routing::get;
use e2e::{Browser, MOVIE, Server, eventually, free_port, repository};
use serde_json::{Value, json};
use thirtyfour::WebElement;
use tokio::task::JoinHandle;

/// The film's element in the page around it.
pub(crate) const FILM: &str = "document.querySelector('matinee-player')";

/// Another site: its page, and what its backend gives to it. To a browser it is another site than the
/// Matinee's (`localhost`), which no cookie is sent to from there.
pub(crate) struct Site {
    port: u16,
    serving: JoinHandle<()>,
}

impl Drop for Site {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

pub(crate) fn origin(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

impl Site {
    /// A page, and what `GET /grant` answers.
    pub(crate) async fn serve(port: u16, page: String, grant: String) -> Self {
        let page = get(async move || Html(page));
        Self::serve_all(port, Router::new().route("/", page).route("/grant", get(async move || grant))).await
    }

    /// All of these.
    pub(crate) async fn serve_all(port: u16, router: Router) -> Self {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let listener = tokio::net::TcpListener::bind(address).await.unwrap();
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { port, serving }
    }

    pub(crate) fn url(&self) -> String {
        origin(self.port)
    }
}

/// A page of the examples, with this server, film and grant in it.
pub(crate) fn filled(name: &str, server: &Server, grant: &str) -> String {
    let page = std::fs::read_to_string(repository().join("www/examples").join(name)).unwrap();
    for part in ["https://films.example", "\"1001\"", "\"GRANT\""] {
        assert_eq!(page.matches(part).count(), 1, "{part}");
    }
    let page = page.replace("https://films.example", &server.url());
    page.replace("\"1001\"", &format!("\"{MOVIE}\"")).replace("\"GRANT\"", &format!("\"{grant}\""))
}

/// The example of the documentation, with this server, film and grant in it.
pub(crate) fn example(server: &Server, grant: &str) -> String {
    // Everything that the page hears, for the test.
    let witness = "const heard = window.heard = []; for (const type of ['loadedmetadata', 'play', 'playing', 'pause', 'timeupdate', \
        'seeking', 'seeked', 'volumechange', 'ratechange', 'qualitychange', 'ended', 'waiting', 'error', 'streamlimit', 'livechange', 'cuechange']) \
        document.addEventListener(type, event => { heard.push(type); if (type === 'error') window.failed = event.detail }, true);";
    filled("player.html", server, grant).replace("<body>", &format!("<body><script>{witness}</script>"))
}

/// A server that lets pages at these ports embed, and the key by which grants are made.
pub(crate) async fn server(ports: &[u16]) -> (Server, String) {
    let embedders: Vec<String> = ports.iter().map(|port| format!("\"{}\"", origin(*port))).collect();
    let server = Server::start_with(&format!("embedders = [{}]", embedders.join(", "))).await;
    let key = server.run(&["apikey", "create", "school", "--scope", "grants"]).trim().to_owned();
    (server, key)
}

pub(crate) async fn grant(server: &Server, key: &str, members: Value) -> String {
    let mut body =
        json!({"subject": "u-42", "name": "Ada", "movies": [MOVIE], "streams": 1, "expires_in": 86_400});
    members.as_object().unwrap().iter().for_each(|(name, value)| body[name] = value.clone());
    let answer =
        reqwest::Client::new().post(format!("{}/api/grants", server.url())).bearer_auth(key).json(&body);
    let answer: Value = answer.send().await.unwrap().error_for_status().unwrap().json().await.unwrap();
    answer["grant"].as_str().unwrap().to_owned()
}

/// What is in the film's element.
pub(crate) async fn inside(browser: &Browser, selector: &str) -> WebElement {
    let script = format!("return {FILM}.shadowRoot.querySelector('{selector}')");
    browser.driver().execute(script, vec![]).await.unwrap().element().unwrap()
}

async fn plays(browser: &Browser) {
    let plays = format!("return window.failed ?? ({FILM}.currentTime > 0 && heard.includes('playing'))");
    let value = browser.until("the film to play in the page", &plays).await;
    assert_eq!(value, Value::Bool(true));
}

async fn fails(browser: &Browser) -> String {
    let failed = browser.until("the player to fail", "return window.failed ?? null").await;
    assert!(failed["message"].as_str().is_some_and(|message| !message.is_empty()), "{failed}");
    assert!(failed["action"].as_str().is_some_and(|action| !action.is_empty()), "{failed}");
    failed["code"].as_str().unwrap().to_owned()
}

/// A film with English captions.
pub(crate) const CAPTIONED: u64 = 1002;

/// Adds [`CAPTIONED`].
pub(crate) fn package_captioned(server: &Server) {
    let demo = |name: &str| repository().join("media/demo").join(name).to_str().unwrap().to_owned();
    let (film, texts, movie) = (demo("240p.mp4"), demo("subtitles.en.vtt"), CAPTIONED.to_string());
    server.run(&[
        "package",
        "--movie",
        &movie,
        "--title",
        "Captions",
        "--subtitles",
        "lang=en",
        &texts,
        &film,
    ]);
}

/// The page may be there before its element is.
const DEFINED: &str = "await customElements.whenDefined('matinee-player');";

/// C21: a foreign page with `<matinee-player>` plays, hears events and unloads cleanly: what it played is
/// over for the service, too.
#[tokio::test]
async fn c21_a_film_plays_in_a_page_of_another_site() {
    let port = free_port();
    let (server, key) = server(&[port]).await;
    let origin = origin(port);
    package_captioned(&server);
    let movies = json!([MOVIE, CAPTIONED]);
    let token = grant(&server, &key, json!({"origin": origin, "movies": movies})).await;
    let site = Site::serve(port, example(&server, &token), String::new()).await;
    let browser = Browser::start().await;
    browser.open(&site.url()).await;
    // The page's own button, which the viewer presses, is the element's.
    inside(&browser, "button").await.click().await.unwrap();
    plays(&browser).await;
    let shown: Value = browser
        .eval(&format!("const f = {FILM}; return {{ paused: f.paused, duration: f.duration, height: f.clientHeight, width: f.clientWidth }}"))
        .await;
    assert_eq!(shown["paused"], json!(false));
    assert!((shown["duration"].as_f64().unwrap() - 60.0).abs() < 1.0, "{shown}");
    let ratio = shown["width"].as_f64().unwrap() / shown["height"].as_f64().unwrap();
    assert!((ratio - 16.0 / 9.0).abs() < 0.02, "{shown}");

    // What is asked of the element reaches the player, and the page hears of it.
    let _: bool = browser.eval(&format!("{FILM}.pause(); return true")).await;
    browser.until("the pause", &format!("return {FILM}.paused && heard.includes('pause')")).await;
    let _: bool = browser.eval(&format!("{FILM}.currentTime = 30; return true")).await;
    let sought = format!(
        "return heard.includes('seeked') && !{FILM}.seeking && Math.abs({FILM}.currentTime - 30) < 0.5"
    );
    browser.until("the seek", &sought).await;
    let _: bool = browser
        .eval(&format!("{FILM}.volume = 0.25; {FILM}.muted = true; {FILM}.playbackRate = 1.5; return true"))
        .await;
    browser
        .until("volume and speed", "return heard.includes('volumechange') && heard.includes('ratechange')")
        .await;
    let _: bool = browser
        .eval(&format!("window.played = 0; {FILM}.play().then(() => window.played = 1); return true"))
        .await;
    browser
        .until(
            "it to play on",
            &format!("return window.played && {FILM}.currentTime > 30.5 && heard.includes('qualitychange')"),
        )
        .await;
    let set: Value =
        browser.eval(&format!("return [{FILM}.volume, {FILM}.muted, {FILM}.playbackRate]")).await;
    assert_eq!(set, json!([0.25, true, 1.5]));
    // The controls in the frame are the player's own.
    inside(&browser, "iframe").await.enter_frame().await.unwrap();
    let pause = "const b = document.querySelector('button[aria-label=Pause]'); b?.click(); return Boolean(b)";
    browser.until("the frame's controls", pause).await;
    let bare: bool = browser.eval("return !document.querySelector('a, .marquee')").await;
    assert!(bare, "no way around the site");
    browser.driver().enter_default_frame().await.unwrap();
    browser.until("the pause by the controls", &format!("return {FILM}.paused")).await;
    let _: bool = browser.eval(&format!("{FILM}.play(); return true")).await;
    browser.until("it to play again", &format!("return !{FILM}.paused")).await;

    // Another film, whose captions the page hears as text.
    let other = format!(
        "const f = {FILM}; f.setAttribute('language', 'en'); f.movie = '{CAPTIONED}'; f.play().catch(() => 0); return f.activeCues"
    );
    let none: Value = browser.eval(&other).await;
    assert_eq!(none, json!({"language": null, "cues": []}));
    browser.until("the other film", &format!("return {FILM}.currentTime > 0 && {FILM}.duration > 59")).await;
    let _: bool = browser.eval(&format!("{FILM}.pause(); {FILM}.currentTime = 12; return true")).await;
    let says = format!(
        "const c = {FILM}.activeCues; return heard.includes('cuechange') && c.cues.join() === 'Families wait on the grass.' && c.language === 'en'"
    );
    browser.until("the cue of that time", &says).await;
    let _: bool = browser.eval(&format!("{FILM}.currentTime = 14.75; return true")).await;
    browser.until("its end", &format!("return {FILM}.activeCues.cues.length === 0")).await;

    // Gone is gone: no frame, and the one film that the grant allows can begin elsewhere.
    let left: Value = browser
        .eval(&format!("window.film = {FILM}; film.remove(); return [window.length, film.paused]"))
        .await;
    assert_eq!(left, json!([0, true]));
    let other = Browser::start().await;
    eventually("the film to play elsewhere", || async {
        other.open(&site.url()).await;
        let _: bool = other
            .eval(&format!("{DEFINED} {FILM}.muted = true; {FILM}.play().catch(() => 0); return true"))
            .await;
        let ends = format!("return window.failed?.code ?? ({FILM}.currentTime > 0)");
        (other.until("an end", &ends).await == Value::Bool(true)).then_some(())
    })
    .await;
    // Put back into the page, it begins anew.
    let again = "document.querySelector('main').append(film); return film.currentTime === 0 && film.paused";
    assert!(browser.eval::<bool>(again).await);
    let devices = server.devices();
    assert!(devices.len() == 2 && devices.iter().all(|device| device.email == "subject:u-42"), "{devices:?}");
    for browser in [browser, other] {
        browser.quit().await;
    }
}

/// A page that is not among the embedders gets no player, whatever grant it has.
#[tokio::test]
async fn c21_a_page_that_is_not_listed_is_refused() {
    let (listed, other) = (free_port(), free_port());
    let (server, key) = server(&[listed]).await;
    let token = grant(&server, &key, json!({})).await;
    let site = Site::serve(other, example(&server, &token), String::new()).await;
    let browser = Browser::start().await;
    browser.open(&site.url()).await;
    let _: bool = browser.eval(&format!("{DEFINED} {FILM}.play().catch(() => 0); return true")).await;
    assert_eq!(fails(&browser).await, "ORIGIN_REFUSED");
    assert!(server.devices().is_empty());
    browser.quit().await;
}

/// A grant for another page or film, or one that is over: the page hears the code. With somebody to ask, the
/// player asks for another.
#[tokio::test]
async fn c21_a_grant_that_does_not_fit_is_refused_with_its_code() {
    let port = free_port();
    let (server, key) = server(&[port, free_port()]).await;
    let over = grant(&server, &key, json!({"expires_in": 1})).await;
    let elsewhere = grant(&server, &key, json!({"origin": server.url()})).await;
    let good = grant(&server, &key, json!({"origin": origin(port)})).await;
    let site = Site::serve(port, example(&server, &over), good.clone()).await;
    let browser = Browser::start().await;
    // A registration by it is refused once its second is over.
    let play = format!(
        "{DEFINED} window.failed = undefined; {FILM}.muted = true; {FILM}.play().catch(() => 0); return true"
    );
    eventually("the grant to be over", || async {
        browser.open(&site.url()).await;
        let _: bool = browser.eval(&play).await;
        let ends = format!("return window.failed?.code ?? ({FILM}.currentTime > 0)");
        (browser.until("an end", &ends).await == json!("GRANT_INVALID")).then_some(())
    })
    .await;
    let said = "return document.getElementById('events').textContent.includes('GRANT_INVALID')";
    browser.until("the page to know", said).await;
    for (grant, movie) in [(&elsewhere, MOVIE), (&good, 7), (&"a-1.x".to_owned(), MOVIE)] {
        let set = format!("const f = {FILM}; f.grant = '{grant}'; f.movie = '{movie}'; f.load(); {play}");
        let _: bool = browser.eval(&set).await;
        assert_eq!(fails(&browser).await, "GRANT_INVALID", "{movie}");
    }
    let ask = format!(
        "const f = {FILM}; f.grant = '{over}'; f.movie = '{MOVIE}'; window.asked = 0;
         f.grantcallback = async () => {{ window.asked++; return (await fetch('/grant')).text(); }}; f.load(); {play}"
    );
    let _: bool = browser.eval(&ask).await;
    plays(&browser).await;
    let asked: u32 = browser.eval("return window.asked").await;
    assert_eq!(asked, 1, "the one in the attribute was over");
    browser.quit().await;
}
