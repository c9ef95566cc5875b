//! Players that are not Matinee's, unchanged, on Matinee's DRM module: by the shim `eme.js` and the frame
//! `/cdm`, on pages of another site.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use axum::response::Html;
use axum::routing::get;
use e2e::{Browser, Server, demo_film, repository, serve_pages, serve_players};
use serde_json::{Value, json};
use tower_http::services::ServeDir;

use crate::players::Player;

/// A film's number and its scheme.
const FILMS: [(u64, &str); 2] = [(2, "cenc"), (3, "cbcs")];

/// A server with the demo film, protected, that lets pages of these origins have the frame; and a key for
/// grants.
async fn server(origins: &[&str]) -> (Server, String) {
    let mut server = Server::start_public(&format!("embedders = {origins:?}")).await;
    let sound = repository().join("media/demo/240p.mp4");
    for (number, scheme) in FILMS {
        let number = number.to_string();
        let mut package = vec!["package", "--movie", &number, "--title", "Film", "--scheme", scheme];
        package.extend(["--audio", "lang=en,default", sound.to_str().unwrap()]);
        let film = demo_film();
        package.extend(film.iter().map(|film| film.to_str().unwrap()));
        server.run(&package);
    }
    assert!(server.stop());
    server.restart().await;
    let key = server.run(&["apikey", "create", "site", "--scope", "grants"]).trim().to_owned();
    (server, key)
}

pub(crate) async fn grant(server: &Server, key: &str, movie: u64, origin: &str) -> String {
    let body = json!({"subject": "u-7", "movies": [movie], "origin": origin, "expires_in": 3600});
    let post = reqwest::Client::new().post(format!("{}/api/grants", server.url())).bearer_auth(key);
    let answer = post.json(&body).send().await.unwrap().error_for_status().unwrap();
    answer.json::<Value>().await.unwrap()["grant"].as_str().unwrap().to_owned()
}

/// Opens a player's page for a film; 0: the shim is not told which it is.
pub(crate) async fn open(
    browser: &Browser,
    origin: &str,
    server: &Server,
    player: &str,
    movie: u64,
    grant: &str,
) {
    let url = server.url();
    browser
        .open(&format!("{origin}/eme.html?player={player}&server={url}&movie={movie}&grant={grant}"))
        .await;
}

/// Ten seconds of the film, pictures compared with the source's, seeks, another size, and its end.
async fn plays(player: &Player<'_>, url: &str) {
    player.until("the player", "window.ready === true").await;
    player.act(&format!("load('{url}')")).await;
    player.until("a picture", "video.readyState >= 2").await;
    let _: bool = player.browser.eval("video.playbackRate = 4; video.play(); return true").await;
    player.until("ten seconds of film", "video.currentTime > 10").await;
    for second in [30, 5, 50] {
        player.shows(second * demo_film::FPS).await;
    }
    for height in [240, 720] {
        let _: bool = player.browser.eval("video.playbackRate = 1; video.play(); return true").await;
        player.act(&format!("height({height})")).await;
        player.until("the other size", &format!("video.videoHeight == {height}")).await;
    }
    player.shows(20 * demo_film::FPS).await;
    let end = "video.currentTime = 58; video.playbackRate = 4; video.play(); return true";
    let _: bool = player.browser.eval(end).await;
    player.until("the end", "video.ended").await;
    // The page notes where it was when it had sought: the rest of the film may be over before anybody looks.
    let again = "video.playbackRate = 1;
        video.addEventListener('seeked', () => window.again = video.currentTime, { once: true });
        video.currentTime = 0; video.play(); return true";
    let _: bool = player.browser.eval(again).await;
    player
        .until("it to play again", "!video.ended && window.again < 5 && video.currentTime > window.again + 1")
        .await;
}

/// Twenty seeks, one when the last is done, back and forth.
async fn seeks(player: &Player<'_>) {
    let sought = "window.sought = 0;
        const next = () => {
            if (window.sought < 20) video.currentTime = (window.sought * 37 + 11) % 58;
        };
        video.addEventListener('seeked', () => { window.sought += 1; next(); });
        video.play(); next(); return true";
    let _: bool = player.browser.eval(sought).await;
    player.until("twenty seeks", "window.sought >= 20").await;
    player.shows(40 * demo_film::FPS).await;
}

/// The film is let go of and loaded again.
async fn loads_again(player: &Player<'_>, url: &str) {
    player.act("unload()").await;
    player.until("the film to be let go of", "video.readyState === 0").await;
    player.act(&format!("load('{url}')")).await;
    player.until("a picture", "video.readyState >= 2").await;
    player.shows(10 * demo_film::FPS).await;
}

/// A player plays these films, whose keys nobody but the worker has: the first with everything that a viewer
/// does, the licenses of the others come 4 s late.
async fn all_play(script: &str, form: &str, numbers: &[u64]) {
    let Some(origin) = serve_players() else {
        eprintln!("SKIPPED: MATINEE_PLAYERS is not set: cargo xtask test sets it where npm is");
        return;
    };
    let (server, key) = server(&[&origin]).await;
    let browser = Browser::start().await;
    for (turn, &number) in numbers.iter().enumerate() {
        let url = server.run(&["url", &number.to_string(), "--form", form]);
        let grant = grant(&server, &key, number, &origin).await;
        // Its page is not told: the film is the one that the init data names.
        let told = if script == "videojs" { 0 } else { number };
        let late = if turn == 0 { "" } else { "&late=4000" };
        open(&browser, &origin, &server, script, told, &format!("{grant}{late}")).await;
        let scheme = FILMS.iter().find(|film| film.0 == number).unwrap().1;
        let name = format!("{script}, {form}, {scheme}");
        let player = Player { browser: &browser, name, is_clear: true };
        plays(&player, url.trim()).await;
        if turn == 0 {
            seeks(&player).await;
            // Of video.js each page has one film.
            if script != "videojs" {
                loads_again(&player, url.trim()).await;
            }
        }
        // The player asked for the license itself, by what it has for that.
        let asked = "return performance.getEntriesByType('resource').some(e => e.name.endsWith('/license'))";
        assert!(browser.eval::<bool>(asked).await, "{}", player.name);
    }
    let devices = server.devices();
    assert!(devices.len() == 1 && devices[0].email == "subject:u-7", "{devices:?}");
    browser.quit().await;
}

/// B99: Shaka Player by DASH.
#[tokio::test]
async fn b99_shaka_player_on_the_drm_module() {
    all_play("shaka", "dash", &[2, 3]).await;
}

/// B98: hls.js.
#[tokio::test]
async fn b98_hls_js_on_the_drm_module() {
    all_play("hls", "hls", &[2, 3]).await;
}

/// B99: dash.js.
#[tokio::test]
async fn b99_dash_js_on_the_drm_module() {
    all_play("dash", "dash", &[2, 3]).await;
}

/// B99: video.js with contrib-eme, by DASH.
#[tokio::test]
async fn b99_video_js_on_the_drm_module() {
    all_play("videojs", "dash", &[2, 3]).await;
}

/// Two players in one page: one film of either scheme, each with a grant and a license of its own.
#[tokio::test]
async fn two_players_in_a_page_play_two_films() {
    let Some(origin) = serve_players() else {
        eprintln!("SKIPPED: MATINEE_PLAYERS is not set");
        return;
    };
    let (server, key) = server(&[&origin]).await;
    let browser = Browser::start().await;
    let [(first, _), (second, _)] = FILMS;
    let grants = [grant(&server, &key, first, &origin).await, grant(&server, &key, second, &origin).await];
    let url = |film: u64| server.run(&["url", &film.to_string(), "--form", "dash"]).trim().to_owned();
    open(&browser, &origin, &server, "shaka", first, &grants[0]).await;
    let player = Player { browser: &browser, name: "two of shaka".to_owned(), is_clear: true };
    player.until("the player", "window.ready === true").await;
    player.act(&format!("load('{}')", url(first))).await;
    player.act(&format!("second('{}', {second}, '{}')", url(second), grants[1])).await;
    player.until("a picture", "video.readyState >= 2").await;
    let _: bool = browser.eval("video.play(); return true").await;
    player.until("both to play", "video.currentTime > 3 && window.second?.currentTime > 3").await;
    let decoded = "window.second.getVideoPlaybackQuality().totalVideoFrames > 20";
    player.until("the second's pictures", decoded).await;
    player.shows(20 * demo_film::FPS).await;
    browser.quit().await;
}

/// A license that is refused: the player says so, with our code in its own error.
#[tokio::test]
async fn a_refused_license_is_the_players_error_with_our_code() {
    let Some(origin) = serve_players() else {
        eprintln!("SKIPPED: MATINEE_PLAYERS is not set");
        return;
    };
    let (server, key) = server(&[&origin]).await;
    let browser = Browser::start().await;
    let other = grant(&server, &key, 3, &origin).await;
    for (player, form) in [("shaka", "dash"), ("hls", "hls"), ("dash", "dash"), ("videojs", "dash")] {
        let url = server.run(&["url", "2", "--form", form]);
        for grant in [other.as_str(), "a-1.x"] {
            open(&browser, &origin, &server, player, 2, grant).await;
            browser.until("the player", "return window.ready ?? window.trouble ?? null").await;
            let load = format!(
                "try {{ act.load('{}') }} catch (error) {{ window.trouble ??= '' + error }} return true",
                url.trim()
            );
            let _: bool = browser.eval(&load).await;
            let trouble = browser.until("the player's error", "return window.trouble ?? null").await;
            let trouble = trouble.as_str().unwrap_or_default();
            assert!(trouble.contains("GRANT_INVALID"), "{player}, {grant}: {trouble}");
        }
    }
    browser.quit().await;
}

/// What a page tries that wants more than it is given: device messages, keys, signatures, a port that is not
/// its own.
#[tokio::test]
async fn the_port_refuses_what_is_not_of_sessions_and_streams() {
    let page = Html("<!doctype html><title>A page</title><body></body>");
    let pages = || axum::Router::new().fallback(get(async move || page));
    let listed = format!("http://127.0.0.1:{}", serve_pages(pages()).port());
    let unlisted = format!("http://127.0.0.1:{}", serve_pages(pages()).port());
    let (server, key) = server(&[&listed]).await;
    let grant = grant(&server, &key, 2, &listed).await;
    let url = server.url();
    let browser = Browser::start().await;
    // A port of the frame's, and what it answers.
    let meet = format!(
        "const meet = () => new Promise(done => {{
            const frame = document.createElement('iframe');
            frame.src = '{url}/cdm';
            addEventListener('message', event => {{
                if (event.source !== frame.contentWindow || event.data?.matinee !== 0) return;
                const {{ port1, port2 }} = new MessageChannel();
                frame.contentWindow.postMessage({{ matinee: 1 }}, '{url}', [port2]);
                port1.start();
                done(port1);
            }});
            document.body.append(frame);
         }});
         const ask = (port, message, id = Math.random()) => new Promise(done => {{
            port.addEventListener('message', ({{ data }}) => data.id === id && done(data));
            port.postMessage({{ id, ...message }});
         }});"
    );
    browser.open(&listed).await;
    let refused: Value = browser
        .eval(&format!(
            "{meet}
             const port = await meet();
             const answers = [];
             const seal = {{ type: 'seal', device: null, ticket: null, messages: [{{ name: 'ping' }}], clockOffset: 0 }};
             for (const message of [
                 {{ device: seal }}, seal, {{ type: 'device', device: seal }}, {{ cdm: {{ type: 'create-session' }} }},
                 {{ type: 'open', account: 'a', release: '' }}, {{ type: 'individualize' }}, {{ type: 'reset-identity' }},
                 {{ type: 'keep-domain-key', device: 'd', domain: 'browser', epoch: 1, key: new Uint8Array(9) }},
                 {{ type: 'push', stream: 1, last: true }}, {{ type: 'toString' }}, {{ type: '__proto__' }}, {{ type: 'constructor' }}, {{}},
                 {{ type: 'generate-request', session: -1, movie: 2 }},
             ]) answers.push((await ask(port, message)).error?.code);
             return answers"
        ))
        .await;
    let codes: Vec<&str> =
        refused.as_array().unwrap().iter().map(|code| code.as_str().unwrap_or("")).collect();
    assert!(
        codes[..13].iter().all(|code| *code == "REQUEST_INVALID") && codes[13] == "GRANT_INVALID",
        "{codes:?}"
    );
    // What it answers says no key, and is bytes where bytes are due: the challenge, which names no text of
    // the page's.
    let made: Value = browser
        .eval(&format!(
            "{meet}
             const port = await meet();
             const {{ ok: {{ session }} }} = await ask(port, {{ type: 'create-session' }});
             const poison = new TextEncoder().encode('poison-of-the-page');
             const asked = {{ type: 'generate-request', session, movie: 2, grant: '{grant}', display: 'poison', initData: new ArrayBuffer() }};
             const {{ ok, error }} = await ask(port, asked);
             const bad = await ask(port, {{ ...asked, initData: poison.buffer }});
             return {{ error, keys: Object.keys(ok ?? {{}}), is: ok?.challenge instanceof ArrayBuffer, bad: bad.error?.code }}"
        ))
        .await;
    assert_eq!(
        made,
        json!({"error": null, "keys": ["challenge", "licenseUrl", "ticket"], "is": true, "bad": "DRM_MEDIA"})
    );
    // One port for one frame; one that comes later gets no answer, nor does a window that has opened the
    // frame's page.
    let silent: bool = browser
        .eval(&format!(
            "{meet}
             await meet();
             const frame = document.querySelector('iframe');
             const answers = [];
             const knock = where => {{
                 const {{ port1, port2 }} = new MessageChannel();
                 port1.onmessage = ({{ data }}) => answers.push(data);
                 port1.postMessage({{ id: 1, type: 'create-session' }});
                 where.postMessage({{ matinee: 1 }}, '{url}', [port2]);
             }};
             knock(frame.contentWindow);
             const other = open('{url}/cdm');
             // Knocked at after it has been loaded: then its location is not to be read any more. What came in before a
             // frame that was made later has answered has been heard.
             const isElsewhere = () => {{
                 try {{ return !other.location.href }} catch {{ return true }}
             }};
             for (let turns = 0; other && !other.closed && !isElsewhere() && turns < 500; turns++) {{
                await new Promise(go => setTimeout(go, 20));
            }}
             for (let frames = 0; frames < 3; frames++) {{
                 if (other) knock(other);
                 await ask(await meet(), {{ type: 'create-session' }});
             }}
             other?.close();
             return answers.length === 0"
        ))
        .await;
    assert!(silent, "a second port, or a window's");

    // A page that is not listed gets no frame, so no port.
    browser.open(&unlisted).await;
    let code: String = browser
        .eval(&format!(
            "const tag = document.createElement('script');
             tag.src = '{url}/eme.js';
             await new Promise(done => {{ tag.onload = done; document.body.append(tag); }});
             Matinee.eme({{ server: '{url}', movie: 2, grant: '{grant}' }});
             const access = await navigator.requestMediaKeySystemAccess('org.matinee.drm', [{{ initDataTypes: ['keyids'] }}]);
             const session = (await access.createMediaKeys()).createSession();
             return session.generateRequest('keyids', new Uint8Array([123, 125])).then(() => 'granted', error => error.message)"
        ))
        .await;
    assert!(code.contains("ORIGIN_REFUSED"), "{code}");
    browser.quit().await;
}

/// The documentation's examples and the form of the manifest that each wants.
pub(crate) const EXAMPLES: [(&str, &str); 4] =
    [("shaka", "dash"), ("hls", "hls"), ("dash", "dash"), ("videojs", "dash")];

/// One of the examples: its server, and its address. `None` where the player is not installed.
pub(crate) async fn example((player, form): (&str, &str)) -> Option<(Server, String)> {
    let folder = std::env::var_os("MATINEE_PLAYERS")?;
    let page = Arc::new(OnceLock::<String>::new());
    let shown = Arc::clone(&page);
    let site = axum::Router::new()
        .route("/", get(async move || Html(shown.get().cloned().unwrap_or_default())))
        .fallback_service(ServeDir::new(Path::new(&folder).join("node_modules")));
    let origin = format!("http://127.0.0.1:{}", serve_pages(site).port());
    let (server, key) = server(&[&origin]).await;
    let (grant, url) = (grant(&server, &key, 2, &origin).await, server.run(&["url", "2", "--form", form]));
    let file = repository().join(format!("www/examples/{player}.html"));
    let mut example = std::fs::read_to_string(file).unwrap();
    for (part, with) in [
        ("https://films.example", server.url()),
        ("\"1001\"", "\"2\"".to_owned()),
        ("\"GRANT\"", format!("\"{grant}\"")),
        ("\"MANIFEST\"", format!("\"{}\"", url.trim())),
    ] {
        assert!(example.contains(part), "{part}");
        example = example.replace(part, &with);
    }
    page.set(example).unwrap();
    Some((server, origin))
}

/// The examples of the documentation play.
#[tokio::test]
async fn the_examples_play() {
    let plays =
        "const film = document.querySelector('video'), events = document.querySelector('output').textContent;
        if (film.readyState >= 2 && film.paused && !film.currentTime) { film.muted = true; film.play(); }
        return events || film.currentTime > 2";
    let browser = Browser::start().await;
    for player in EXAMPLES {
        let Some((_server, origin)) = example(player).await else {
            eprintln!("SKIPPED: MATINEE_PLAYERS is not set");
            return;
        };
        browser.open(&origin).await;
        assert_eq!(browser.until("the film to play", plays).await, Value::Bool(true), "{player:?}");
    }
    browser.quit().await;
}
