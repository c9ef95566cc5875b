//! Where a box's fragments come from while a film plays: CDNs that fail, URLs that end.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use nccp::ByteRange;
use shaper::{Exchange, Fault, Kind, Proxy, Rule};
use tv_box::Ended;

use crate::world::{MOVIE, NOW, PICTURES, Run, Running, World, activated, end_of};

fn media(proxy: &Proxy) -> Vec<Exchange> {
    proxy.exchanges().into_iter().filter(|exchange| exchange.kind == Kind::Media).collect()
}

/// A82: a CDN that fails in the middle of the film is left for the other, and not a sample is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a82_a_cdn_fails_in_the_middle_of_the_film() {
    let world = World::with(
        "[[cdn]]\nid = 1\nname = \"one\"\nweight = 100\nbase_url = \"{cdn 1}\"\n\
         [[cdn]]\nid = 2\nname = \"two\"\nweight = 0\nbase_url = \"{cdn 2}\"\n",
    )
    .await;
    let file = activated(&world, "0001").await;
    for representation in &world.pack.as_ref().unwrap().representations {
        let rest = representation.segments[7].range.first();
        let path = format!("/s/*/{}.*", representation.downloadable_id);
        let octets = ByteRange::new(rest, representation.segments.last().unwrap().range.last()).unwrap();
        world.cdns[0].add_rule(Rule::new(&path, Fault::Status(503)).overlapping(octets));
    }
    let run = Run { play: Some(MOVIE), ..Run::once(20.0) };
    let (ended, shown) = Running::start(&file, run).ended().await;
    assert_eq!(ended.unwrap(), Ended::Done, "{shown:#?}");
    assert_eq!(end_of(&shown).2[0].samples, PICTURES);
    let [one, two] = world.cdns.each_ref().map(media);
    assert!(one.iter().any(|exchange| exchange.status == Some(206)), "it began at the first");
    assert!(one.iter().any(|exchange| exchange.status == Some(503)));
    assert!(two.iter().all(|exchange| exchange.status == Some(206)) && two.len() >= 16, "{}", two.len());
    assert!(media(&world.site).is_empty());
}

/// The film outlives its URLs: the box has new ones before the old ones end, and none of its requests is
/// refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn urls_end_in_the_middle_of_the_film() {
    let world = World::with("[edge]\nurl_life = 12\n").await;
    let file = activated(&world, "0001").await;
    // The server's clock advances.
    let hand = std::sync::Arc::clone(&world.clock);
    let began = Instant::now();
    let ticking = tokio::spawn(async move {
        let mut ticks = tokio::time::interval(Duration::from_millis(20));
        loop {
            ticks.tick().await;
            hand.store(NOW + began.elapsed().as_secs(), Ordering::Relaxed);
        }
    });
    let run = Run { play: Some(MOVIE), ..Run::once(2.0) };
    let (ended, shown) = Running::start(&file, run).ended().await;
    ticking.abort();
    assert_eq!(ended.unwrap(), Ended::Done, "{shown:#?}");
    assert_eq!(end_of(&shown).2[0].samples, PICTURES);
    let fetched = media(&world.site);
    assert!(fetched.iter().all(|exchange| exchange.status == Some(200)), "{fetched:#?}");
    let mut ends: Vec<&str> =
        fetched.iter().filter_map(|exchange| exchange.query.split('&').nth(1)).collect();
    ends.sort_unstable();
    ends.dedup();
    assert!(ends.len() >= 2, "{ends:?}");
}

/// A72: a box plays from networks whatever the form of their tokens is, with ranges as each takes them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a72_networks_with_tokens_of_their_own() {
    let rsa = include_str!("../../../urltoken/tests/keys/rsa.pem");
    let hex = "a0".repeat(32);
    for (token, ranges, more) in [
        ("edgeauth", "path", format!("secrets = [\"{hex}\"]")),
        ("cloudfront", "header", format!("prefix = true\nkey_id = \"K1\"\nsecrets = ['''{rsa}''']")),
        ("bunny", "path", "prefix = true\nsecrets = [\"films-secret\"]".to_owned()),
        ("cat", "path", format!("key_id = \"k1\"\nsecrets = [\"{hex}\"]")),
        ("google", "header", format!("key_id = \"k1\"\nsecrets = [\"{}\"]", "A".repeat(43))),
        ("cloudflare", "header", "lifetime = 7200\nsecrets = [\"films-secret\"]".to_owned()),
    ] {
        let world = World::with(&format!(
            "[[cdn]]\nid = 1\nname = \"one\"\nbase_url = \"{{cdn 1}}\"\nranges = \"{ranges}\"\ntoken = \"{token}\"\n{more}\n"
        ))
        .await;
        let file = activated(&world, "0001").await;
        let run = Run { play: Some(MOVIE), ..Run::once(20.0) };
        let (ended, shown) = Running::start(&file, run).ended().await;
        assert_eq!(ended.unwrap(), Ended::Done, "{token}: {shown:#?}");
        assert_eq!(end_of(&shown).2[0].samples, PICTURES, "{token}");
        let fetched = media(&world.cdns[0]);
        let status = if ranges == "path" { 200 } else { 206 };
        assert!(fetched.iter().all(|exchange| exchange.status == Some(status)), "{token}: {fetched:#?}");
        assert!(fetched.len() >= 16 && media(&world.site).is_empty(), "{token}: {}", fetched.len());
    }
}
