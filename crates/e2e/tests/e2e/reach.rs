//! What the page can reach after a film has played, and what a copied profile is worth.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cenc::{CommonKey, ContentId, Label, derive_cek};
use e2e::{Browser, MOVIE, Server, TITLE, eventually};
use serde::Deserialize;

/// Keeps a copy of every message between page and worker.
const LISTEN: &str = "
    window.__heard = [];
    const copy = (value) => {
        if (value instanceof ArrayBuffer) return new Uint8Array(value.slice(0));
        if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer.slice(value.byteOffset, value.byteOffset + value.byteLength));
        if (value && typeof value === 'object')
            return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, copy(part)]));
        return value;
    };
    const post = Worker.prototype.postMessage;
    Worker.prototype.postMessage = function (message, ...rest) {
        window.__heard.push(['to', copy(message)]);
        return post.call(this, message, ...rest);
    };
    const Original = Worker;
    window.Worker = class extends Original {
        constructor(...parts) {
            super(...parts);
            this.addEventListener('message', (event) => window.__heard.push(['from', copy(event.data)]));
        }
    };
";

/// Looks for octets, as they are and in the usual texts, in all that the page's scripts can get hold of.
/// Gives where they were found and what was looked through.
const WALK: &str = "
    const needles = NEEDLES.map((hex) => Uint8Array.from(hex.match(/../g), (pair) => parseInt(pair, 16)));
    const texts = needles.map((octets) => {
        const hex = Array.from(octets, (octet) => octet.toString(16).padStart(2, '0')).join('');
        const base64 = btoa(String.fromCharCode(...octets)).replace(/=+$/, '');
        return [hex, base64, base64.replaceAll('+', '-').replaceAll('/', '_')];
    });
    const found = needles.map(() => []);
    const seen = new Set();
    const counts = { octets: 0, strings: 0, objects: 0, keys: [] };
    const inOctets = (octets, where) => {
        counts.octets += octets.length;
        needles.forEach((needle, number) => {
            for (let at = octets.indexOf(needle[0]); at >= 0; at = octets.indexOf(needle[0], at + 1)) {
                if (needle.every((octet, i) => octets[at + i] === octet)) { found[number].push(where); return; }
            }
        });
    };
    const inText = (text, where) => {
        counts.strings += 1;
        texts.forEach((forms, number) => {
            if (forms.some((form) => text.includes(form))) found[number].push(where);
        });
    };
    const walk = async (value, where, depth) => {
        if (typeof value === 'string') return inText(value, where);
        if (value === null || (typeof value !== 'object' && typeof value !== 'function') || seen.has(value)) return;
        seen.add(value);
        counts.objects += 1;
        if (value instanceof WebAssembly.Memory) return inOctets(new Uint8Array(value.buffer), where);
        if (value instanceof ArrayBuffer) return inOctets(new Uint8Array(value), where);
        if (ArrayBuffer.isView(value)) return inOctets(new Uint8Array(value.buffer, value.byteOffset, value.byteLength), where);
        if (value instanceof CryptoKey) {
            let exported = false;
            for (const format of ['raw', 'pkcs8', 'jwk']) {
                await crypto.subtle.exportKey(format, value).then(() => { exported = true; }, () => {});
            }
            counts.keys.push({ where, type: value.type, name: value.algorithm.name, extractable: value.extractable, exported });
            return;
        }
        if (depth === 0 || value instanceof Node || value === window.parent) return;
        if (value instanceof Map || value instanceof Set) {
            for (const part of value) await walk(part, where + '[]', depth - 1);
        }
        for (const name of Object.getOwnPropertyNames(value)) {
            let part;
            try { part = value[name]; } catch { continue; }
            await walk(part, where + '.' + name, depth - 1);
        }
    };

    await walk(window.__heard, 'messages', 8);
    // The page's own module: its functions and its memory.
    const url = performance.getEntriesByType('resource').map((entry) => entry.name).find((name) => /\\/matinee[-.][^/]*js$/.test(name));
    const app = await import(url);
    const exported = await app.default();
    await walk(app, 'module', 4);
    await walk(exported, 'wasm', 4);
    const stores = [];
    for (const { name } of await indexedDB.databases()) {
        const database = await new Promise((done, failed) => {
            const opening = indexedDB.open(name);
            opening.onsuccess = () => done(opening.result);
            opening.onerror = () => failed(opening.error);
        });
        for (const store of database.objectStoreNames) {
            stores.push(name + '/' + store);
            const all = await new Promise((done, failed) => {
                const reading = database.transaction(store).objectStore(store).getAll();
                reading.onsuccess = () => done(reading.result);
                reading.onerror = () => failed(reading.error);
            });
            await walk(all, 'indexedDB/' + name + '/' + store, 8);
        }
        database.close();
    }
    for (const storage of ['localStorage', 'sessionStorage']) await walk({ ...window[storage] }, storage, 2);
    await walk(document.cookie, 'cookies', 1);
    for (const name of await caches.keys()) stores.push('cache ' + name);
    await walk(window, 'window', 5);
    return { found, stores, exports: Object.keys(exported), ...counts };
";

#[derive(Deserialize)]
struct Reach {
    /// For each needle: where.
    found: Vec<Vec<String>>,
    stores: Vec<String>,
    exports: Vec<String>,
    octets: u64,
    strings: u64,
    objects: u64,
    keys: Vec<ReachedKey>,
}

#[derive(Debug, Deserialize)]
struct ReachedKey {
    #[serde(rename = "where")]
    place: String,
    #[serde(rename = "type")]
    kind: String,
    extractable: bool,
    exported: bool,
}

/// The content key of the demo film, as only who has the operator's key folder can make it.
fn content_key(server: &Server) -> [u8; 16] {
    let folder = std::fs::read_dir(server.data().join("keys")).unwrap();
    let file = folder
        .map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap_or_default())
        .find(|text| text.contains("kind = \"common\""))
        .expect("a common key");
    let secret = file.lines().find_map(|line| line.strip_prefix("secret = \"")?.strip_suffix('"')).unwrap();
    let common: [u8; 16] = URL_SAFE_NO_PAD.decode(secret).unwrap().try_into().unwrap();
    *derive_cek(&CommonKey::new(common), &ContentId::of_movie(MOVIE), &Label::default(), 0).expose()
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// A95, A101, B53: after a film has played, nothing that the page can get hold of (messages of the worker,
/// its own module and memory, the database through its own handle, storage, globals) holds the content key,
/// and no private or secret key in it can be exported.
#[tokio::test]
async fn no_content_key_and_no_extractable_key_is_within_the_pages_reach() {
    let server = Server::start().await;
    let key = content_key(&server);
    let browser = Browser::start().await;
    browser.before_each_page(LISTEN).await;
    browser.sign_in(&server).await;
    browser.film(TITLE).await.click().await.unwrap();
    browser.until("the film to play", "return document.querySelector('video')?.currentTime > 2").await;

    // The second needle must be found, or the search is worth nothing: the module's memory and the storage
    // know the device.
    let device = hex(server.devices()[0].id.as_bytes());
    let script = format!("const NEEDLES = ['{}', '{device}'];\n{WALK}", hex(&key));
    let script = format!("return (async () => {{ {script} }})()");
    let reach: Reach = browser.eval(&script).await;
    println!(
        "looked through {} octets, {} strings, {} objects, {:?}",
        reach.octets, reach.strings, reach.objects, reach.stores
    );
    assert_eq!(reach.found[0], Vec::<String>::new());
    assert!(reach.found[1].iter().any(|place| place.starts_with("messages")), "{:?}", reach.found[1]);
    assert!(reach.found[1].iter().any(|place| place.starts_with("wasm")), "{:?}", reach.found[1]);
    assert!(reach.octets > 1_000_000, "{}", reach.octets);
    assert!(!reach.stores.is_empty());
    let secret: Vec<_> = reach.keys.iter().filter(|key| key.kind != "public").collect();
    assert!(secret.len() >= 2, "{:?}", reach.keys);
    for key in secret {
        assert!(!key.extractable && !key.exported && key.place.starts_with("indexedDB"), "{key:?}");
    }
    let named = |name: &String| ["decrypt", "cek", "kek", "license"].iter().any(|word| name.contains(word));
    assert!(!reach.exports.iter().any(named), "{:?}", reach.exports);
    browser.quit().await;
}

/// A117: two copies of one profile count with the same numbers; the server sees it, and they remain one
/// device.
#[tokio::test]
async fn a_copied_profile_shows_itself() {
    let server = Server::start().await;
    let browser = Browser::start().await;
    browser.sign_in(&server).await;
    browser.film(TITLE).await.click().await.unwrap();
    browser.until("the film to play", "return document.querySelector('video')?.currentTime > 0").await;
    let profile = browser.quit_for_profile().await;
    let copy = tempfile::TempDir::with_prefix("matinee-profile-").unwrap();
    let copied = std::process::Command::new("cp")
        .args(["-a", "--"])
        .arg(format!("{}/.", profile.path().display()))
        .arg(copy.path())
        .status()
        .unwrap();
    assert!(copied.success());

    let notice = "sequence number out of order";
    assert!(!server.log().0.contains(notice));
    let [one, two] = [Browser::start_on(profile).await, Browser::start_on(copy).await];
    for browser in [&one, &two] {
        browser.open(&format!("{}/watch?movieid={MOVIE}", server.url())).await;
        browser.until("the film to play", "return document.querySelector('video')?.currentTime > 0").await;
    }
    eventually("the server to notice", || {
        let noticed = server.log().0.contains(notice);
        async move { noticed.then_some(()) }
    })
    .await;
    assert_eq!(server.devices().len(), 1);
    one.quit().await;
    two.quit().await;
}
