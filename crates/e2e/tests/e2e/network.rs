//! The film through a bad network and bad edges: it plays on, or says why.

use std::time::Duration;

use e2e::{Browser, Stage, Viewing};
use shaper::{Fault, Kind, Link, Network, Rule};

/// A26: at 3 Mb/s and 80 ms the film plays through without a stall, and the buffer is kept ahead.
#[tokio::test]
#[ignore = "needs the machine for itself"]
async fn a_narrow_and_long_way_does_not_stall() {
    let stage = Stage::start(0, "").await;
    let browser = Browser::start().await;
    let viewing = Viewing::new(&browser, &stage).await;
    stage.set_link(Link::new(3.0, 80));
    viewing.open().await;
    viewing.play(1.0, None, 6.0).await;
    let sight = viewing.sight().await;
    assert!(sight.stalls.is_empty(), "{sight:?}");
    assert!(sight.buffered.len() == 1 && sight.buffered[0].1 >= sight.time + 5.0, "{sight:?}");
    // The rest, as much faster as the link allows.
    viewing.play(3.0, None, 60.0).await;
    let sight = viewing.sight().await;
    assert!(sight.ended && sight.stalls.is_empty(), "{sight:?}");
    browser.quit().await;
}

/// The network is gone for 10 s: what is buffered plays on without a stall, and the rest follows when it is
/// back; what is not buffered comes when it is back, without a word of the viewer.
#[tokio::test]
#[ignore = "needs the machine for itself"]
async fn the_network_is_gone_for_ten_seconds() {
    let stage = Stage::start(1, "").await;
    let browser = Browser::start().await;
    let viewing = Viewing::new(&browser, &stage).await;
    viewing.open().await;
    let ahead = "v.buffered.length && v.buffered.end(0) > v.currentTime + 20";
    viewing.until("20 s ahead", ahead).await;
    for proxy in stage.proxies() {
        proxy.network_gone_for(Network::Refusing, Duration::from_secs(10));
    }
    let began = viewing.sight().await.time;
    viewing.play(1.0, None, began + 10.0).await;
    viewing.until("20 s ahead again", ahead).await;
    let sight = viewing.sight().await;
    assert_eq!((sight.stalls, sight.alert), (vec![], None));

    // Nothing of the place that is sought is there, and nobody answers.
    viewing.load().await;
    viewing.plays().await;
    for proxy in stage.proxies() {
        proxy.network_gone_for(Network::Silent, Duration::from_secs(10));
    }
    viewing.play(1.0, Some(52.0), 53.0).await;
    assert_eq!(viewing.sight().await.alert, None);
    viewing.shows_its_frame().await;
    browser.quit().await;
}

/// One edge, and no other: connections that are reset, answers that are cut, refused and held back. The film
/// goes on, and every picture is whole.
#[tokio::test]
async fn an_edge_that_breaks_off_and_refuses() {
    let stage = Stage::start(1, "").await;
    let browser = Browser::start().await;
    let viewing = Viewing::new(&browser, &stage).await;
    // Every second request of the first eight.
    let often = |fault: Fault| -> Vec<Rule> {
        (1..=4).map(|nth| Rule::new("/s/*", fault).after(nth).times(1)).collect()
    };
    let faults = [
        ("reset", Fault::Reset { after: 20_000 }),
        ("reset at once", Fault::Reset { after: 0 }),
        ("cut", Fault::Truncate { after: 30_000 }),
        ("503", Fault::Status(503)),
        ("404", Fault::Status(404)),
    ];
    for (name, fault) in faults {
        stage.clear_rules();
        stage.forget();
        often(fault).iter().for_each(|rule| stage.add_media_rule(rule));
        viewing.open().await;
        viewing.play(4.0, Some(0.0), 16.0).await;
        let alert = viewing.sight().await.alert;
        let faulty = stage.requests(Kind::Media).iter().filter(|exchange| exchange.faulty).count();
        assert!(alert.is_none() && faulty >= 3, "{name}: {faulty} faults, {alert:?}");
        viewing.shows_its_frame().await;
    }
    browser.quit().await;
}

/// An edge that takes the request and says nothing, or stops in the middle of an answer: after the time-out
/// it is asked again.
#[tokio::test]
async fn an_edge_that_stalls() {
    let stage = Stage::start(1, "").await;
    let browser = Browser::start().await;
    let viewing = Viewing::new(&browser, &stage).await;
    for (name, fault) in [("no answer", Fault::NoAnswer), ("a stall", Fault::Stall { after: 10_000 })] {
        stage.clear_rules();
        stage.forget();
        stage.add_media_rule(&Rule::new("/s/*", fault).after(2).times(1));
        stage.add_media_rule(&Rule::new("/s/*", fault).after(4).times(1));
        viewing.open().await;
        viewing.play(2.0, Some(0.0), 20.0).await;
        let alert = viewing.sight().await.alert;
        let faulty = stage.requests(Kind::Media).iter().filter(|exchange| exchange.faulty).count();
        assert!(alert.is_none() && faulty == 2, "{name}: {faulty} faults, {alert:?}");
        viewing.shows_its_frame().await;
    }
    browser.quit().await;
}
