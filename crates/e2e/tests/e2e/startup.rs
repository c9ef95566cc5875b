//! What the first frame waits for.

use std::time::Duration;

use e2e::{Browser, Stage, TITLE, Viewing};
use shaper::{Exchange, Fault, Kind, Link, Rule};

/// docs/protocol.md §10, A20, A24: with a registered device, what the first frame waits for is one POST to
/// the controller and, at the film's beginning, two GETs at the edge, elsewhere at most four, in two round
/// trips, one after the other. Whatever is asked for beyond that gets no answer here, and the frame is shown
/// all the same.
#[tokio::test]
#[ignore = "needs the machine for itself"]
async fn the_first_frame_waits_for_two_round_trips() {
    let stage = Stage::start(1, "").await;
    let browser = Browser::start().await;
    let viewing = Viewing::new(&browser, &stage).await;
    stage.set_link(Link { megabits: None, rtt: Duration::from_millis(300) });
    first_frame(&viewing, 2).await;

    // Where the film was left, and nothing of it is at hand.
    stage.set_link(Link::default());
    stage.clear_rules();
    viewing.open().await;
    viewing.play(1.0, Some(41.0), 41.5).await;
    let _: bool = viewing.video("v.pause(); return true").await;
    browser.open(&format!("{}/library", stage.url())).await;
    browser.film(TITLE).await;
    stage.set_link(Link { megabits: None, rtt: Duration::from_millis(300) });
    let time = first_frame(&viewing, 4).await;
    assert!((40.0..43.0).contains(&time), "resumed at {time}");
    browser.quit().await;
}

/// Clicks on the film in the library and gives the media time of the first frame; not more than one POST and
/// so many GETs are answered.
async fn first_frame(viewing: &Viewing<'_>, gets: u64) -> f64 {
    let Viewing { browser, stage } = viewing;
    stage.forget();
    stage.site.add_rule(Rule::new("/nccp/controller", Fault::NoAnswer).after(1));
    stage.add_media_rule(&Rule::new("/s/*", Fault::NoAnswer).after(gets));
    // By script: a pointer that rests on the title may begin before the click.
    let _: bool = browser
        .eval(
            "window.first = null;
             const seen = v => { if (v && !v.dataset.seen) { v.dataset.seen = 1; v.requestVideoFrameCallback((_, m) => window.first = m.mediaTime) } };
             new MutationObserver(() => seen(document.querySelector('video'))).observe(document, { childList: true, subtree: true });
             document.querySelector(\"a[href*='/watch']\").click(); return true",
        )
        .await;
    let first =
        browser.until("the first frame", "return window.first === null ? null : [window.first]").await;
    let answered = |kind| -> Vec<Exchange> {
        stage.requests(kind).into_iter().filter(|exchange| exchange.status.is_some()).collect()
    };
    let (posts, media) = (answered(Kind::Controller), answered(Kind::Media));
    assert_eq!((posts.len(), media.len() as u64 <= gets), (1, true), "{posts:?} {media:?}");
    assert!(answered(Kind::Individualize).is_empty() && answered(Kind::License).is_empty());
    // Two round trips: no request to the edge waits for another one's answer.
    let last_asked = media.iter().map(|exchange| exchange.asked).max().unwrap();
    let first_answered = media.iter().filter_map(|exchange| exchange.answered).min().unwrap();
    assert!(last_asked < first_answered, "the edge's requests are parallel: {media:?}");
    assert_eq!(viewing.sight().await.alert, None);
    first[0].as_f64().unwrap()
}
