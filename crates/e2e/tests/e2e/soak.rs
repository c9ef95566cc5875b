//! What only time shows: runs in `cargo xtask soak`.

use std::time::{Duration, Instant};

use e2e::{Browser, Stage, Viewing, is_soak};
use shaper::{Kind, Link};

use crate::buffers::cap;

/// How often the film of a minute is watched.
const ROUNDS: u32 = 10;

/// A70, and flat memory: ten minutes of play at 3 Mb/s and 80 ms, the film again and again, with URLs that
/// live for 60 s and source buffers that take 24 s: no stall, no refused request, no error, and the page's
/// processes are no larger at the end than after the second round, but for a quarter.
#[tokio::test]
#[ignore = "needs the machine for itself"]
async fn ten_minutes_with_short_urls_and_small_buffers() {
    if !is_soak() {
        println!("skipped: ten minutes long; `cargo xtask soak` runs it");
        return;
    }
    let stage = Stage::start(1, "[edge]\nurl_life = 60\n").await;
    let browser = Browser::start().await;
    browser.before_each_page(&cap(24.0)).await;
    let viewing = Viewing::new(&browser, &stage).await;
    stage.set_link(Link::new(3.0, 80));
    viewing.open().await;
    let started = Instant::now();
    let mut sizes = Vec::new();
    for round in 1..=ROUNDS {
        viewing.until("the middle", "v.currentTime > 30 && v.currentTime < 45").await;
        viewing.until("the end", "v.ended").await;
        let sight = viewing.sight().await;
        assert!(sight.stalls.is_empty() && sight.alert.is_none(), "round {round}: {sight:?}");
        sizes.push(browser.memory());
        let _: bool = viewing.video("v.currentTime = 0; v.play(); return true").await;
    }
    assert!(started.elapsed() > Duration::from_secs(50) * ROUNDS, "it played in real time");
    let media = stage.requests(Kind::Media);
    let refused: Vec<_> = media.iter().filter(|exchange| matches!(exchange.status, Some(400..))).collect();
    assert!(refused.is_empty(), "{refused:?}");
    let mut ends: Vec<&str> = media.iter().filter_map(|exchange| exchange.query.split('&').nth(1)).collect();
    ends.sort_unstable();
    ends.dedup();
    assert!(ends.len() as u32 >= ROUNDS, "URLs that end at {ends:?}");
    println!("octets of the page's processes after each round: {sizes:?}");
    assert!(sizes[sizes.len() - 1] * 4 <= sizes[1] * 5, "{sizes:?}");
    browser.quit().await;
}
