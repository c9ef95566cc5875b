//! The picture changes its size while it plays.

use e2e::{Browser, Stage, Viewing};
use serde_json::Value;

/// Notes the time and lines of every frame that is shown.
const NOTE_FRAMES: &str = "
    window.frames_shown = [];
    const note = (_, frame) => { frames_shown.push([frame.mediaTime, frame.height]); v.requestVideoFrameCallback(note) };
    v.requestVideoFrameCallback(note); return true";

pub(crate) async fn choose(viewing: &Viewing<'_>, quality: &str) {
    let name = if quality == "auto" { "Automatic".to_owned() } else { format!("{quality}p") };
    set(viewing, "Quality", &name).await;
}

/// Takes the choice whose name begins so, in a group of the player's settings.
pub(crate) async fn set(viewing: &Viewing<'_>, group: &str, name: &str) {
    let _: bool =
        viewing.browser.eval("document.querySelector('button[title=Settings]').click(); return true").await;
    let items =
        format!("document.querySelectorAll('[role=group][aria-label=\"{group}\"] [role=menuitemradio]')");
    let press = format!(
        "const item = [...{items}].find(item => item.textContent.startsWith('{name}')); item?.click(); return !!item"
    );
    viewing.browser.until("the menu", &press).await;
}

/// B101: the viewer forces another representation, twice: there is one buffered range all the time, and the
/// frames before and after both joints are the ones of their time, octet for octet, in their size.
#[tokio::test]
async fn a_forced_switch_leaves_one_range_and_no_wrong_frame() {
    let stage = Stage::start(1, "").await;
    let browser = Browser::start().await;
    let viewing = Viewing::new(&browser, &stage).await;
    viewing.open().await;
    let _: bool = viewing.video(NOTE_FRAMES).await;
    let playing: u32 = viewing.video("return v.videoHeight").await;
    for quality in if playing == 240 { ["720", "240"] } else { ["240", "720"] } {
        let _: bool = viewing.video("frames_shown = []; v.play(); return true").await;
        viewing.until("frames", "frames_shown.length > 2").await;
        choose(&viewing, quality).await;
        viewing
            .until("the other size", &format!("v.buffered.length > 1 || frames_shown.at(-1)[1] == {quality}"))
            .await;
        let sight = viewing.sight().await;
        assert_eq!((sight.buffered.len(), sight.alert.as_ref()), (1, None), "{sight:?}");
        let _: bool = viewing.video("v.pause(); return true").await;
        let shown: Vec<(f64, f64)> = {
            let frames: Value = browser.eval("return frames_shown").await;
            let pair = |frame: &Value| (frame[0].as_f64().unwrap(), frame[1].as_f64().unwrap());
            frames.as_array().unwrap().iter().map(pair).collect()
        };
        assert!(shown.windows(2).all(|pair| pair[0].0 < pair[1].0), "times go forward: {shown:?}");
        let joint = shown.windows(2).find(|pair| pair[0].1 != pair[1].1).expect("a joint")[1].0;
        let joint = (joint * f64::from(demo_film::FPS)).round() as u32;
        for frame in joint.saturating_sub(4)..joint + 4 {
            viewing.shows(frame).await;
        }
        let sight = viewing.sight().await;
        assert_eq!(sight.buffered.len(), 1, "{sight:?}");
    }
    choose(&viewing, "auto").await;
    viewing.play(2.0, None, 30.0).await;
    let sight = viewing.sight().await;
    assert_eq!((sight.buffered.len(), sight.alert), (1, None));
    browser.quit().await;
}
