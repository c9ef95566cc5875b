//! Seeks, wherever to.

use e2e::{Browser, Stage, Viewing, is_soak};
use pack::Segment;
use shaper::{Kind, Link};

/// A23: many seeks to random frames, forward and back, in and outside of what is buffered: each shows exactly
/// its frame, octet for octet, and afterwards the film still plays. 25 of them; in the long form 100.
#[tokio::test]
async fn random_seeks_land_on_their_frames() {
    let stage = Stage::start(1, "").await;
    let browser = Browser::start().await;
    let viewing = Viewing::new(&browser, &stage).await;
    viewing.open().await;
    // A linear congruential sequence (Knuth's MMIX), so that a failure can be repeated.
    let mut random = 2026_u64;
    for _ in 0..if is_soak() { 100 } else { 25 } {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        viewing.shows((random >> 33) as u32 % demo_film::FRAMES).await;
    }
    viewing.play(1.0, Some(30.0), 31.0).await;
    assert_eq!(viewing.sight().await.alert, None);
    browser.quit().await;
}

/// Many seeks in quick succession, over a slow link: the last one wins.
#[tokio::test]
async fn the_last_of_many_seeks_wins() {
    let stage = Stage::start(1, "").await;
    let browser = Browser::start().await;
    let viewing = Viewing::new(&browser, &stage).await;
    stage.set_link(Link::new(3.0, 80));
    viewing.open().await;
    let _: bool = viewing
        .video("v.pause(); for (let t = 55; t > 12; t -= 3.7) v.currentTime = t; v.currentTime = 48.02; return true")
        .await;
    viewing.until("the last place", "!v.seeking && v.readyState >= 2").await;
    viewing.shows(48 * 24).await;
    browser.quit().await;
}

/// A22: after a reload the film resumes where it was, and what is fetched first is that part.
#[tokio::test]
async fn a_reload_resumes_where_the_film_was() {
    let stage = Stage::start(1, "").await;
    let browser = Browser::start().await;
    let viewing = Viewing::new(&browser, &stage).await;
    viewing.open().await;
    viewing.play(1.0, Some(41.0), 41.5).await;
    let left: f64 = viewing.video("v.pause(); return v.currentTime").await;
    stage.forget();
    browser.driver().refresh().await.unwrap();
    viewing
        .until(
            "the film at its place",
            &format!("Math.abs(v.currentTime - {left}) < 2 && witness.playing > 0"),
        )
        .await;
    assert_eq!(viewing.sight().await.alert, None);

    let (pack, _) = stage.pack();
    let mut covered = 0;
    for exchange in stage.requests(Kind::Media) {
        let file =
            pack.representations.iter().find(|file| exchange.path.contains(&file.downloadable_id)).unwrap();
        let asked = exchange.range.unwrap();
        let meets = |segment: &Segment| {
            asked.first() < segment.offset + segment.size && segment.offset <= asked.last()
        };
        assert!(!file.segments[..9].iter().any(meets), "{asked:?} lies before 36 s");
        covered += usize::from(meets(&file.segments[10]));
    }
    assert!(covered >= 2, "picture and sound of 40 s to 44 s were fetched");
    browser.quit().await;
}
