//! The other engine. Its decoder's colours are not ours to judge: pictures are told by the number in them,
//! not octet for octet.

use e2e::{Browser, Picture, Stage, Viewing};

use crate::switching::choose;

/// Play, seek forward and back to the frame, switch by force, resume after a reload: as in Chromium. B101.
#[tokio::test]
async fn firefox_plays_seeks_switches_and_resumes() {
    let Some(browser) = Browser::start_firefox().await else {
        println!("not run: Firefox is not asked for (`cargo xtask test --firefox`)");
        return;
    };
    let stage = Stage::start(1, "").await;
    let viewing = Viewing::in_any_browser(&browser, &stage).await;
    viewing.click().await;
    viewing.play(1.0, None, 1.0).await;
    for frame in [1200, 60, 733, 1390, 0] {
        let picture = Picture::at(&browser, frame).await;
        assert_eq!(picture.frame, Some(frame), "after seeking to frame {frame}");
    }
    let playing: u32 = viewing.video("return v.videoHeight").await;
    let other = if playing == 240 { 720 } else { 240 };
    viewing.play(1.0, Some(20.0), 20.5).await;
    choose(&viewing, &other.to_string()).await;
    viewing.until("the other size", &format!("v.videoHeight === {other}")).await;
    let sight = viewing.sight().await;
    assert_eq!((sight.buffered.len(), sight.alert.as_ref()), (1, None), "{sight:?}");

    let left: f64 = viewing.video("v.pause(); return v.currentTime").await;
    browser.driver().refresh().await.unwrap();
    viewing
        .until("the film at its place", &format!("Math.abs(v.currentTime - {left}) < 2 && v.readyState > 2"))
        .await;
    browser.quit().await;
}
