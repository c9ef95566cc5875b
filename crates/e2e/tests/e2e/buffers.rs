//! Source buffers that are small.

use std::collections::HashMap;

use e2e::{Browser, Stage, Viewing};
use serde_json::Value;
use shaper::{Exchange, Kind};

use crate::clear_samples::ON_PAGE;

/// A script that makes every source buffer hold so many seconds and not more: what is beyond is refused as a
/// full one refuses it. Counts the refusals. No such script reaches into the worker, so the media source is
/// on the page; `crates/web-player/tests/media.rs` has the same for the worker.
pub(crate) fn cap(seconds: f64) -> String {
    format!("{ON_PAGE}{}", CAP.replace("SECONDS", &seconds.to_string()))
}

const CAP: &str = "
    window.refusals = 0;
    const append = SourceBuffer.prototype.appendBuffer;
    SourceBuffer.prototype.appendBuffer = function (bytes) {
        let held = 0;
        for (let i = 0; i < this.buffered.length; i++) held += this.buffered.end(i) - this.buffered.start(i);
        if (held > SECONDS && bytes.byteLength > 2000) {
            refusals++;
            throw new DOMException('The SourceBuffer is full', 'QuotaExceededError');
        }
        return append.call(this, bytes);
    };";

/// A source buffer that takes 24 s, less than the player would have in it, refuses often, and the film plays
/// to its end all the same: what was refused is held and tried again, never fetched again.
#[tokio::test]
async fn a_full_source_buffer_is_made_room_in() {
    let stage = Stage::start(1, "").await;
    let browser = Browser::start().await;
    browser.before_each_page(&cap(24.0)).await;
    let viewing = Viewing::new(&browser, &stage).await;
    viewing.open().await;
    viewing.play(3.0, None, 60.0).await;
    let sight = viewing.sight().await;
    let refusals: Value = browser.eval("return refusals").await;
    assert!(sight.ended && sight.alert.is_none(), "{sight:?}");
    assert!(refusals.as_u64().unwrap() >= 1, "the cap was never met");
    let mut asked = HashMap::new();
    // What broke off, or was given up on a busy machine, is rightly asked for again.
    let whole = |exchange: &Exchange| exchange.range.is_some_and(|range| exchange.octets == range.length());
    for exchange in stage.requests(Kind::Media).into_iter().filter(whole) {
        *asked.entry((exchange.path, exchange.range)).or_insert(0) += 1;
    }
    let again: Vec<_> = asked.iter().filter(|(_, times)| **times > 1).collect();
    assert!(again.is_empty(), "fetched more than once: {again:?}");
    println!("{refusals} refusals, stalls at {:?}", sight.stalls);
    browser.quit().await;
}
