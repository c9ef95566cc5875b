//! Where the film is clear.

use std::fmt::Write as _;

use e2e::{Browser, Stage, Viewing, demo_film};
use serde_json::Value;

use crate::switching::choose;

/// Looks, from before the page's own scripts, through all that crosses the page: what is appended, posted and
/// heard, and what comes out of streams. Notes by which of these clear samples came.
const HOOKS: &str = "
    window.crossing = { clear: [], looked: 0, appends: 0 };
    const latin = new TextDecoder('latin1');
    const samples = SAMPLES.map(hex => latin.decode(Uint8Array.from(hex.match(/../g), pair => parseInt(pair, 16))));
    const look = (value, where, depth = 5) => {
        const octets = value instanceof ArrayBuffer ? new Uint8Array(value)
            : ArrayBuffer.isView(value) ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength) : null;
        if (octets) {
            crossing.looked += octets.length;
            const text = latin.decode(octets);
            if (!crossing.clear.includes(where) && samples.some(sample => text.includes(sample))) crossing.clear.push(where);
        } else if (value && typeof value === 'object' && depth > 0) {
            for (const part of Object.values(value)) look(part, where, depth - 1);
        }
    };
    const hook = (of, name, before) => {
        const real = of[name];
        of[name] = function (...all) { before(all); return real.apply(this, all) };
    };
    hook(SourceBuffer.prototype, 'appendBuffer', all => { crossing.appends++; look(all, 'appended') });
    hook(Worker.prototype, 'postMessage', all => look(all, 'posted'));
    hook(MessagePort.prototype, 'postMessage', all => look(all, 'posted'));
    window.Worker = class extends Worker {
        constructor(...parts) {
            super(...parts);
            this.addEventListener('message', event => look(event.data, 'heard'));
        }
    };
    for (const [of, name] of [[ReadableStreamDefaultReader, 'read'], [ReadableStreamBYOBReader, 'read'],
                              [Response, 'arrayBuffer'], [Blob, 'arrayBuffer']]) {
        const real = of.prototype[name];
        of.prototype[name] = function (...all) {
            return real.apply(this, all).then(came => { look(came?.value ?? came, 'read'); return came });
        };
    }";
/// Leaves the page the form of browsers without media sources in workers.
pub(crate) const ON_PAGE: &str = "delete MediaSource.canConstructInDedicatedWorker;";

/// So many pieces of each of the demo film's files; samples keep their octets when they are packaged.
const PIECES: usize = 40;

/// An octet for a character.
fn text(octets: &[u8]) -> String {
    octets.iter().map(|octet| char::from(*octet)).collect()
}

/// Pieces of the film's samples that only who decrypts them can have, in hexadecimal digits: parts of a
/// sample stay clear in the files, too.
fn samples(stage: &Stage) -> Vec<String> {
    let (pack, folder) = stage.pack();
    let files = pack.representations.iter().map(|file| folder.join(&file.path));
    let published: Vec<String> = files.map(|file| text(&std::fs::read(file).unwrap())).collect();
    let mut samples = Vec::new();
    for file in demo_film() {
        let octets = std::fs::read(file).unwrap();
        let pieces = (1..=PIECES).map(|number| octets.len() / (PIECES + 2) * number);
        let pieces = pieces.map(|at| &octets[at..at + 24]);
        samples.extend(pieces.filter(|piece| !published.iter().any(|file| file.contains(&text(piece)))).map(
            |piece| {
                piece.iter().fold(String::new(), |mut digits, octet| {
                    let _ = write!(digits, "{octet:02x}");
                    digits
                })
            },
        ));
    }
    assert!(samples.len() > PIECES, "{}", samples.len());
    samples
}

/// While a film plays, seeks, changes its size by force, ends and begins again, no clear sample crosses the
/// page where the browser has media sources in workers; and the same eyes see them where the page has the
/// media source.
#[tokio::test]
async fn clear_samples_stay_in_the_worker() {
    let stage = Stage::start(1, "").await;
    let hooks = HOOKS.replace("SAMPLES", &serde_json::to_string(&samples(&stage)).unwrap());
    let browser = Browser::start().await;
    browser.before_each_page(&hooks).await;
    let viewing = Viewing::new(&browser, &stage).await;
    viewing.open().await;
    let handed: bool = viewing.video("return v.srcObject instanceof MediaSourceHandle").await;
    assert!(handed, "the media source is in the worker");
    for quality in ["240", "720"] {
        let _: bool = viewing.video("v.play(); return true").await;
        choose(&viewing, quality).await;
        viewing.until("the other size", &format!("v.videoHeight == {quality}")).await;
    }
    for frame in [700, 96, 1300] {
        viewing.shows(frame).await;
    }
    viewing.play(1.0, Some(58.0), 60.0).await;
    assert!(viewing.sight().await.ended);
    viewing.play(1.0, Some(0.0), 1.0).await;
    viewing.shows_its_frame().await;
    assert_eq!(viewing.sight().await.alert, None);
    let crossing: Value = browser.eval("return crossing").await;
    println!("{crossing}");
    assert_eq!(crossing["clear"], serde_json::json!([]), "{crossing}");
    assert_eq!(crossing["appends"], 0, "{crossing}");
    assert!(crossing["looked"].as_u64().unwrap() > 500_000, "what was fetched was looked at: {crossing}");
    browser.quit().await;

    let browser = Browser::start().await;
    browser.before_each_page(&format!("{ON_PAGE}{hooks}")).await;
    let viewing = Viewing::new(&browser, &stage).await;
    viewing.open().await;
    viewing.shows(700).await;
    viewing.until("clear samples", "crossing.clear.length === 2").await;
    let mut ways: Vec<String> = browser.eval("return crossing.clear").await;
    ways.sort();
    assert_eq!(ways, ["appended", "heard"]);
    browser.quit().await;
}
