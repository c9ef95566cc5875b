//! Players that are not Matinee's, unchanged, on Matinee's DRM module: by the shim `eme.js` and the frame
//! `/cdm`, on pages of another site.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use axum::response::Html;
use axum::routing::get;
use e2e::{Browser, Server, demo_film, repository, serve_pages};
use serde_json::{Value, json};
use tower_http::services::ServeDir;

/// A server with the demo film, protected, as film 2, that lets pages of these origins have the frame; and a
/// key for grants.
async fn server(origins: &[&str]) -> (Server, String) {
    let mut server = Server::start_public(&format!("embedders = {origins:?}")).await;
    let sound = repository().join("media/demo/240p.mp4");
    let mut package = vec!["package", "--movie", "2", "--title", "Film"];
    package.extend(["--audio", "lang=en,default", sound.to_str().unwrap()]);
    let film = demo_film();
    package.extend(film.iter().map(|film| film.to_str().unwrap()));
    server.run(&package);
    assert!(server.stop());
    server.restart().await;
    let key = server.run(&["apikey", "create", "site", "--scope", "grants"]).trim().to_owned();
    (server, key)
}

pub(crate) async fn grant(server: &Server, key: &str, movie: u64, origin: &str) -> String {
    grant_for(server, key, json!({"subject": "u-7", "movies": [movie], "origin": origin})).await
}

/// A grant for an hour, for whom and what these members say.
pub(crate) async fn grant_for(server: &Server, key: &str, mut members: Value) -> String {
    members["expires_in"] = json!(3600);
    let post = reqwest::Client::new().post(format!("{}/api/grants", server.url())).bearer_auth(key);
    let answer = post.json(&members).send().await.unwrap().error_for_status().unwrap();
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
    // As npm has the package's folder beside the player's.
    let adapters = ServeDir::new(repository().join("pkg/eme/adapters"));
    let site = axum::Router::new()
        .nest_service("/@matinee/eme/adapters", adapters)
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
