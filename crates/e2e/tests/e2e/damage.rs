//! Octets that are not what they were: never a frozen picture without a word.

use e2e::{Browser, Stage, Viewing};
use pack::Representation;
use shaper::{Fault, Rule};

/// What to spoil: octets at an offset from the start of a box's name, in the segment of 40 s to 44 s.
struct Spot {
    box_name: &'static [u8; 4],
    offset: u64,
    length: u64,
}

/// A rule for each of the film's video representations, whichever is played.
fn rules(stage: &Stage, spot: &Spot) -> Vec<Rule> {
    let (pack, folder) = stage.pack();
    let videos = pack.representations.iter().filter(|file| file.video.is_some());
    let rule = |file: &Representation| {
        let octets = std::fs::read(folder.join(&file.path)).unwrap();
        let start = file.segments[10].offset as usize;
        let place = octets[start..].windows(4).position(|window| window == spot.box_name).unwrap();
        let offset = (start + place) as u64 + spot.offset;
        Rule::new(
            &format!("/s/*/{}.mp4*", file.downloadable_id),
            Fault::Corrupt { offset, length: spot.length },
        )
    };
    videos.map(rule).collect()
}

/// A corrupted segment is an error that names what failed: the structure of a fragment is what the DRM module
/// checks, the pictures' own form is what the browser checks. The picture is not left standing without a
/// word.
#[tokio::test]
async fn a_corrupted_segment_is_named() {
    let stage = Stage::start(1, "").await;
    let browser = Browser::start().await;
    let viewing = Viewing::new(&browser, &stage).await;
    viewing.open().await;
    let cases = [
        // What, where, and words of which one must be in the alert.
        (
            "type of the fragment's box",
            Spot { box_name: b"moof", offset: 0, length: 4 },
            ["could not be decrypted", "damaged"],
        ),
        (
            "count of the samples' ranges",
            Spot { box_name: b"senc", offset: 8, length: 4 },
            ["could not be decrypted", "damaged"],
        ),
        (
            "length of a picture's part",
            Spot { box_name: b"mdat", offset: 4, length: 4 },
            ["could not play what it received", "damaged"],
        ),
    ];
    for (what, spot, words) in cases {
        stage.clear_rules();
        rules(&stage, &spot).iter().for_each(|rule| stage.add_media_rule(rule));
        viewing.load().await;
        // Where the last one ended it begins: the damage may be met at once.
        let begun = "const v = document.querySelector('video'); return v?.readyState >= 2 || !!document.querySelector('[role=alert]')";
        browser.until("the beginning", begun).await;
        let _: bool = viewing.video("v.currentTime = 39.9; v.play(); return true").await;
        let alert = viewing.alert().await;
        println!("{what}: {alert}");
        assert!(words.iter().any(|word| alert.contains(word)), "{what}: {alert}");
    }
    browser.quit().await;
}

/// Wrong octets within a protected picture are not to be noticed by structure (`cenc` proves nothing about
/// them): the decoder conceals them or gives up, and the film continues or the page says that it cannot. It
/// does not stand still in silence.
#[tokio::test]
async fn damaged_pictures_are_passed_or_named() {
    let stage = Stage::start(1, "").await;
    let browser = Browser::start().await;
    let viewing = Viewing::new(&browser, &stage).await;
    let spot = Spot { box_name: b"mdat", offset: 300, length: 3000 };
    rules(&stage, &spot).iter().for_each(|rule| stage.add_media_rule(rule));
    viewing.open().await;
    let _: bool = viewing.video("v.currentTime = 38; v.play(); return true").await;
    let script = "const v = document.querySelector('video');
        return document.querySelector('[role=alert]')?.innerText || (v.currentTime > 46 ? 'it goes on' : null)";
    let outcome = browser.until("the film to pass the damage, or an alert", script).await;
    println!("damaged pictures: {outcome}");
    browser.quit().await;
}

/// Damage that comes once, on the way, does not come again when the segment does: the film continues.
#[tokio::test]
async fn a_segment_corrupted_once_is_fetched_again() {
    let stage = Stage::start(1, "").await;
    let browser = Browser::start().await;
    let viewing = Viewing::new(&browser, &stage).await;
    viewing.open().await;
    let spot = Spot { box_name: b"moof", offset: 0, length: 4 };
    rules(&stage, &spot).into_iter().for_each(|rule| stage.add_media_rule(&rule.times(1)));
    viewing.play(1.0, Some(38.0), 44.0).await;
    assert_eq!(viewing.sight().await.alert, None);
    browser.quit().await;
}
