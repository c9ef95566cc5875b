//! Several CDNs, and URLs that end.

use e2e::{Browser, Stage, Viewing, eventually};
use shaper::{Exchange, Fault, Kind, Network, Rule};

/// A68, A82: the first CDN of the manifest is asked first; when it goes away, or is there but broken,
/// playback continues from the other, which pulls from the same edge by the same kind of URL. A83: the CDNs
/// here are plain proxies, which know nothing but HTTP and get only encrypted files.
#[tokio::test]
async fn one_of_two_cdns_goes_down() {
    let reports = "[edge]\nreports = true\n[cmcd]\nreport_to = \"/cmcd\"\ndownloads = true\n";
    let stage = Stage::start(2, reports).await;
    let browser = Browser::start().await;
    let viewing = Viewing::new(&browser, &stage).await;
    let [first, second] = &stage.cdns[..] else { panic!("two CDNs") };
    viewing.open().await;
    viewing.play(4.0, None, 4.0).await;
    assert!(first.exchanges().len() >= 2 && second.exchanges().is_empty(), "the first one alone is asked");

    first.set_network(Network::Refusing);
    // What is not buffered, so that something must be asked for.
    viewing.play(4.0, Some(45.0), 52.0).await;
    let sight = viewing.sight().await;
    assert_eq!(sight.alert, None);
    let statuses: Vec<u16> = second.exchanges().iter().filter_map(|exchange| exchange.status).collect();
    assert!(
        !statuses.is_empty() && statuses.iter().all(|status| matches!(status, 200 | 206)),
        "{statuses:?}"
    );
    viewing.shows_its_frame().await;

    // Down from the beginning; then there, but with nothing but errors.
    for network in [Network::Refusing, Network::Up] {
        first.set_network(network);
        first.add_rule(Rule::new("/s/*", Fault::Status(500)));
        stage.forget();
        viewing.open().await;
        viewing.play(4.0, Some(0.0), 10.0).await;
        assert_eq!(viewing.sight().await.alert, None, "{network:?}");
        assert!(!second.exchanges().is_empty(), "{network:?}");
        viewing.shows_its_frame().await;
    }

    // What the player reported of it: that it played, what came and what did not, and that the page was left.
    eventually("the reports to arrive", || {
        let log = stage.server.log().0;
        let reports: Vec<&str> = log.lines().filter(|line| line.contains("a player reports")).collect();
        let has = |part: &str| reports.iter().any(|line| line.contains(part));
        let all = ["sta=s", "sta=p", "sta=q", "rc=20", "rc=0,"].into_iter().all(has);
        async move { all.then_some(()) }
    })
    .await;
    browser.quit().await;
}

/// All CDNs are gone: what is buffered plays; half a minute after it is used up, the page says that no media
/// server can be reached, and offers to try again, which works once they are back.
#[tokio::test]
async fn all_cdns_go_down() {
    let stage = Stage::start(2, "").await;
    let browser = Browser::start().await;
    let viewing = Viewing::new(&browser, &stage).await;
    viewing.open().await;
    stage.cdns.iter().for_each(|cdn| cdn.set_network(Network::Refusing));
    let _: bool = viewing.video("v.currentTime = 50; return true").await;
    let alert = viewing.alert().await;
    assert!(
        alert.contains("No media server can be reached") && alert.contains("MEDIA_UNREACHABLE"),
        "{alert}"
    );
    stage.cdns.iter().for_each(|cdn| cdn.set_network(Network::Up));
    browser.button("Try again").await.click().await.unwrap();
    viewing.plays().await;
    browser.quit().await;
}

/// A70: URLs end long before the film does: fresh ones come again and again, and the film plays to its end.
#[tokio::test]
async fn urls_that_end_during_the_play() {
    // The long form has URLs of 60 s, none of which is refused; here they are so short that a busy machine
    // may be late once.
    let stage = Stage::start(1, "[edge]\nurl_life = 6\n").await;
    let browser = Browser::start().await;
    let viewing = Viewing::new(&browser, &stage).await;
    viewing.open().await;
    viewing.play(2.0, Some(0.0), 60.0).await;
    let sight = viewing.sight().await;
    assert!(sight.ended && sight.alert.is_none(), "{sight:?}");
    let media = stage.requests(Kind::Media);
    let good = |exchange: &&Exchange| matches!(exchange.status, Some(200 | 206));
    let answered = media.iter().filter(good);
    let mut ends: Vec<&str> = answered.filter_map(|exchange| exchange.query.split('&').nth(1)).collect();
    ends.sort_unstable();
    ends.dedup();
    assert!(ends.len() >= 3, "media were asked for with URLs that end at {ends:?}");
    viewing.shows_its_frame().await;

    // A machine that slept: the URLs are over when it wakes, and there is only a refusal to tell.
    let _: bool = viewing.video("v.pause(); v.currentTime = 0; return true").await;
    stage.forget();
    stage.site.set_network(Network::Refusing);
    let cut = std::time::Instant::now();
    eventually("the URLs to end", || async {
        (cut.elapsed() > std::time::Duration::from_secs(8)).then_some(())
    })
    .await;
    stage.site.set_network(Network::Up);
    viewing.play(4.0, Some(45.0), 52.0).await;
    assert_eq!(viewing.sight().await.alert, None);
    viewing.shows_its_frame().await;
    browser.quit().await;
}
