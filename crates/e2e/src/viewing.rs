use serde_json::Value;
use shaper::Kind;

use crate::{Browser, MOVIE, Picture, Stage, TITLE, eventually};

/// Watches the video element from before the page's own scripts: what it said, and when. A machine that is
/// too slow to decode makes the element wait, too, with the film lying ready: that is not the player's stall.
const WITNESS: &str = "
    window.witness = { stalls: [], playing: 0 };
    const on = (name, what) => document.addEventListener(name, what, true);
    const ready = v => Array.from({ length: v.buffered.length }, (_, i) => i)
        .some(i => v.buffered.start(i) <= v.currentTime && v.buffered.end(i) > v.currentTime + 0.5);
    on('waiting', e => { if (witness.playing && !e.target.seeking && !ready(e.target)) witness.stalls.push(e.target.currentTime) });
    on('playing', () => witness.playing++);";

/// What the watch page shows, in numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Sight {
    /// The playhead, in seconds.
    pub time: f64,
    /// Where it waited for the film after it had begun to play.
    pub stalls: Vec<f64>,
    /// Buffered ranges, in seconds.
    pub buffered: Vec<(f64, f64)>,
    /// Whether it has come to the end.
    pub ended: bool,
    /// The text of the page's alert, when there is one.
    pub alert: Option<String>,
}

/// A signed-in browser before a stage, and the film in it.
pub struct Viewing<'a> {
    /// The browser.
    pub browser: &'a Browser,
    /// What it watches.
    pub stage: &'a Stage,
}

impl<'a> Viewing<'a> {
    /// Signs in and stays in the library until the device is registered; answers come from the network, not
    /// from the browser's cache.
    pub async fn new(browser: &'a Browser, stage: &'a Stage) -> Self {
        browser.before_each_page(WITNESS).await;
        browser.without_cache().await;
        let viewing = Self { browser, stage };
        viewing.enter().await;
        viewing
    }

    /// The same in a browser that cannot be told to run a script before each page. The witness sees what
    /// happens until the next reload.
    pub async fn in_any_browser(browser: &'a Browser, stage: &'a Stage) -> Self {
        let viewing = Self { browser, stage };
        viewing.enter().await;
        let _: bool = browser.eval(&format!("{WITNESS} return true")).await;
        viewing
    }

    async fn enter(&self) {
        self.browser.sign_in_at(&self.stage.url()).await;
        self.browser.film(TITLE).await;
        eventually("the device's registration", || async {
            let posts = self.stage.requests(Kind::Controller);
            posts.iter().any(|post| post.ended.is_some()).then_some(())
        })
        .await;
        // Its answer may still be on its way through the page.
        let kept = "return Object.keys(localStorage).some(key => key.startsWith('matinee.registration.'))";
        self.browser.until("the registration to be kept", kept).await;
    }

    /// Opens the film by a click in the library, and waits until it plays.
    pub async fn click(&self) {
        self.browser.film(TITLE).await.click().await.unwrap();
        self.plays().await;
    }

    /// Opens the film by its address, which loads the page anew, and waits until it plays.
    pub async fn open(&self) {
        self.load().await;
        self.plays().await;
    }

    /// Opens the film by its address.
    pub async fn load(&self) {
        self.browser.open(&format!("{}/watch?movieid={MOVIE}", self.stage.url())).await;
    }

    /// Waits until the film plays.
    pub async fn plays(&self) {
        self.until("the film to play", "v.currentTime > 0 && witness.playing > 0").await;
    }

    /// Runs a script with the video element as `v`.
    pub async fn video<T: serde::de::DeserializeOwned>(&self, script: &str) -> T {
        self.browser.eval(&format!("const v = document.querySelector('video'); {script}")).await
    }

    /// Waits until an expression of the video element `v` is true, or the page says that it cannot continue.
    ///
    /// # Panics
    /// With what the page says then.
    pub async fn until(&self, what: &str, condition: &str) {
        let script = format!(
            "const v = document.querySelector('video'); if (v && ({condition})) return true; return {ALERT}"
        );
        let value = self.browser.until(what, &script).await;
        assert_eq!(value, Value::Bool(true), "while waiting for {what}");
    }

    /// Plays `rate` times as fast from `from` until `to`.
    pub async fn play(&self, rate: f64, from: Option<f64>, to: f64) {
        let seek = from.map_or(String::new(), |from| format!("v.currentTime = {from};"));
        let _: bool = self.video(&format!("{seek} v.playbackRate = {rate}; v.play(); return true")).await;
        self.until(
            &format!("{to} s of the film"),
            &format!("v.ended || (!v.seeking && v.currentTime >= {to})"),
        )
        .await;
    }

    /// Pauses and makes sure that the picture is the one of this time, as it was made.
    pub async fn shows_its_frame(&self) -> u32 {
        let time: f64 = self.video("v.pause(); v.playbackRate = 1; return v.currentTime").await;
        let frame = ((time * f64::from(demo_film::FPS)) as u32).min(demo_film::FRAMES - 1);
        self.shows(frame).await;
        frame
    }

    /// Seeks to a frame and makes sure that it is shown, octet for octet.
    pub async fn shows(&self, frame: u32) {
        let picture = Picture::at(self.browser, frame).await;
        assert_eq!(picture.frame, Some(frame), "the number in the picture after seeking to frame {frame}");
        let expected = &crate::pictures_of_ladder()[&picture.height][frame as usize];
        assert_eq!(&picture.sha256, expected, "frame {frame} at {}p", picture.height);
    }

    /// Waits for an alert and gives its text.
    pub async fn alert(&self) -> String {
        let value = self.browser.until("an alert", &format!("return {ALERT}")).await;
        value.as_str().unwrap().to_owned()
    }

    /// What there is to see now.
    pub async fn sight(&self) -> Sight {
        let value: Value = self
            .browser
            .eval(&format!(
                "const v = document.querySelector('video'); const b = v?.buffered;
                 return {{ time: v?.currentTime ?? 0, stalls: witness.stalls, ended: v?.ended ?? false, alert: {ALERT} || null,
                           buffered: Array.from({{ length: b?.length ?? 0 }}, (_, i) => [b.start(i), b.end(i)]) }}"
            ))
            .await;
        let pairs = value["buffered"].as_array().unwrap().iter();
        Sight {
            time: value["time"].as_f64().unwrap(),
            stalls: value["stalls"].as_array().unwrap().iter().filter_map(Value::as_f64).collect(),
            buffered: pairs.map(|pair| (pair[0].as_f64().unwrap(), pair[1].as_f64().unwrap())).collect(),
            ended: value["ended"].as_bool().unwrap(),
            alert: value["alert"].as_str().map(str::to_owned),
        }
    }
}

/// The text of the page's alert, or false.
const ALERT: &str = "(document.querySelector('[role=alert]')?.innerText || false)";
