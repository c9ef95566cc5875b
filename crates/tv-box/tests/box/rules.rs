//! Whose rules a box plays by: new ones while a film plays, and those of a license server. A94, B15, B19.

use nccp::ErrorCode;
use server::store::NewMovie;
use server::{LicenseMode, keys};
use shaper::Kind;
use tv_box::{Ended, Notice, Wish};

use crate::world::{MOVIE, NOW, Run, Running, World, activated};

/// The film's policy and license from now on.
async fn set(world: &World, policy: &str, license: LicenseMode) {
    let store = server::store::open(&world.config).await.unwrap();
    let mut tx = store.begin().await.unwrap();
    let movie = tx.movie(MOVIE).await.unwrap().unwrap();
    let movie = NewMovie { policy: policy.to_owned(), license, ..movie.into() };
    tx.put_movie(&movie, NOW).await.unwrap();
    tx.commit().await.unwrap();
}

fn policies(rules: &str) -> (tempfile::NamedTempFile, String) {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), rules).unwrap();
    let line = format!("policies = \"{}\"", file.path().display());
    (file, line)
}

/// A pause, which is reported at once, and its end.
async fn pause(tv: &mut Running) {
    tv.wishes.send(Wish::Pause).await.unwrap();
    let paused = |notice: &Notice| matches!(notice, Notice::Logged { reason: "pause", .. }).then_some(());
    tv.until("the report of the pause", paused).await;
    tv.wishes.send(Wish::Pause).await.unwrap();
}

async fn shows_lines(tv: &mut Running, lines: u32) {
    let shows = |notice: &Notice| match notice {
        Notice::Position { height, .. } => (*height == Some(lines)).then_some(()),
        _ => None,
    };
    tv.until("a picture of that height", shows).await;
}

/// B15: an operator's change reaches a box that plays with its next report: a lower picture is adopted, and a
/// film that boxes may not play any more stops.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b15_changed_rules_are_adopted_or_stop_the_film() {
    let (_file, line) = policies(
        "[high]\nvalidity = \"24h\"\n[low]\nvalidity = \"24h\"\nmax_height.box = 240\n\
         [others]\nvalidity = \"24h\"\nplayers = [\"https://elsewhere.example\"]\n",
    );
    let world = World::with(&format!("[drm]\nupdate_strategy = \"force\"\n{line}")).await;
    let file = activated(&world, "0001").await;
    set(&world, "high", LicenseMode::Server).await;
    let mut tv = Running::start(&file, Run { play: Some(MOVIE), ..Run::once(2.0) });
    shows_lines(&mut tv, 360).await;
    set(&world, "low", LicenseMode::Server).await;
    pause(&mut tv).await;
    shows_lines(&mut tv, 240).await;
    set(&world, "others", LicenseMode::Server).await;
    pause(&mut tv).await;
    let (ended, shown) = tv.ended().await;
    assert_eq!(ended.unwrap_err().code(), Some(ErrorCode::PolicyRefused), "{shown:#?}");
}

/// A film that the account may not play any more stops with the box's next report, which is taken all the
/// same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_film_that_left_the_plan_stops_with_a_report() {
    let (_file, line) =
        policies("[high]\nvalidity = \"24h\"\n[low]\nvalidity = \"24h\"\nmax_height.box = 240\n");
    let world = World::with(&format!("[drm]\nupdate_strategy = \"force\"\n{line}")).await;
    let file = activated(&world, "0001").await;
    set(&world, "high", LicenseMode::Server).await;
    let mut tv = Running::start(&file, Run { play: Some(MOVIE), ..Run::once(2.0) });
    shows_lines(&mut tv, 360).await;
    let store = server::store::open(&world.config).await.unwrap();
    let mut tx = store.begin().await.unwrap();
    let movie = tx.movie(MOVIE).await.unwrap().unwrap();
    let movie = NewMovie { policy: "low".into(), plans: vec!["another".into()], ..movie.into() };
    tx.put_movie(&movie, NOW).await.unwrap();
    tx.commit().await.unwrap();
    pause(&mut tv).await;
    let (ended, shown) = tv.ended().await;
    assert_eq!(ended.unwrap_err().code(), Some(ErrorCode::NotSubscribed), "{shown:#?}");
}

/// A94, B19: where an embedded license does not serve, the challenge goes to the URL that the signed metadata
/// names; to the controller where that does not know the box, because boxes have a listener of their own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a94_the_metadata_says_where_the_license_comes_from() {
    for (url, by_license_server) in [("{boxes}", true), ("{cdn 1}", false)] {
        let (_file, line) = policies("[over]\nends = 2020-01-01T00:00:00Z\n");
        let drm = format!("[drm]\nlicense_policy = \"unlimited\"\nlicense_url = \"{url}/license\"\n{line}");
        let world = World::prepared(&drm, |config| {
            keys::make_domains(&config.keys(), NOW, 6).unwrap();
        })
        .await;
        let file = activated(&world, "0001").await;
        world.put_in_queue(MOVIE).await;
        set(&world, "over", LicenseMode::Embedded(license::Domain::All)).await;
        let (ended, shown) = Running::start(&file, Run::once(60.0)).ended().await;
        assert_eq!(ended.unwrap(), Ended::Done, "{shown:#?}");
        assert!(!shown.iter().any(|notice| matches!(notice, Notice::Trouble(_))), "{shown:#?}");
        let asked = |proxy: &shaper::Proxy| {
            let exchanges = proxy.exchanges().into_iter().filter(|exchange| exchange.kind == Kind::License);
            exchanges.map(|exchange| exchange.status).collect::<Vec<_>>()
        };
        let (known, unknown) =
            if by_license_server { (vec![Some(200)], vec![]) } else { (vec![], vec![Some(401)]) };
        assert_eq!((asked(&world.boxes), asked(&world.cdns[0])), (known, unknown));
    }
}

/// Of a film whose heights have keys of their own a box plays the heights that it is allowed by the keys that
/// it got, and learns of new rules with its next report.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_film_with_keys_by_height_plays_what_is_allowed() {
    let (_file, line) =
        policies("[high]\nvalidity = \"24h\"\n[low]\nvalidity = \"24h\"\nmax_height.box = 240\n");
    let world = World::with(&format!("[drm]\nupdate_strategy = \"force\"\n{line}")).await;
    let file = activated(&world, "0001").await;
    world.package(MOVIE, "low", true).await;
    let run = |speed| Run { play: Some(MOVIE), ..Run::once(speed) };
    let (ended, shown) = Running::start(&file, run(60.0)).ended().await;
    assert_eq!(ended.unwrap(), Ended::Done, "{shown:#?}");
    let heights = shown.iter().filter_map(|notice| match notice {
        Notice::Position { height, .. } => *height,
        _ => None,
    });
    assert!(heights.clone().count() > 0 && heights.clone().all(|height| height == 240), "{shown:#?}");

    set(&world, "high", LicenseMode::Server).await;
    let mut tv = Running::start(&file, run(2.0));
    shows_lines(&mut tv, 360).await;
    set(&world, "low", LicenseMode::Server).await;
    pause(&mut tv).await;
    shows_lines(&mut tv, 240).await;
    assert_eq!(tv.stop().await.0.unwrap(), Ended::Stopped);
}
