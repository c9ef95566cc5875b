//! Sound in two languages, subtitles, chapters and small pictures of the film.

use e2e::{Browser, MOVIE, Stage, TITLE, Viewing, demo_film, eventually, repository};
use serde_json::json;
use thirtyfour::Key;

use crate::accessibility::CAPTION_STYLE;
use crate::switching::set;

/// A stage on which the demo film has all that goes with it.
async fn stage() -> Stage {
    let stage = Stage::start(1, "").await;
    let folder = repository().join("media/demo");
    let file = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let movie = MOVIE.to_string();
    let mut package: Vec<String> =
        ["package", "--movie", &movie, "--title", TITLE, "--thumbnails", "--replace"]
            .map(str::to_owned)
            .into();
    for (option, track, name) in [
        ("--audio", "lang=zxx,label=Music,default", "240p.mp4"),
        ("--audio", "lang=de,label=Deutsch,role=dub", "sound.de.m4a"),
        ("--subtitles", "lang=en", "subtitles.en.vtt"),
        ("--subtitles", "lang=de,label=Deutsch", "subtitles.de.vtt"),
    ] {
        package.extend([option.to_owned(), track.to_owned(), file(name)]);
    }
    package.extend(["--chapters".to_owned(), file("chapters.txt")]);
    package.extend(demo_film().iter().map(|film| film.to_str().unwrap().to_owned()));
    let words: Vec<&str> = package.iter().map(String::as_str).collect();
    stage.server.run(&words);
    stage
}

/// The words of the captions on the picture.
const SHOWN: &str = "[...document.querySelectorAll('.cues .cue')].map(c => c.textContent).join('|')";

/// Sound and subtitles are chosen by their names, the film plays on at once, and the choice holds for the
/// next visit; the captions button and its key turn them off and on.
#[tokio::test]
async fn sound_and_subtitles_are_chosen_by_name() {
    let stage = stage().await;
    let browser = Browser::start().await;
    let viewing = Viewing::new(&browser, &stage).await;
    viewing.open().await;
    viewing.until("some of the film", "v.currentTime > 1").await;
    let none: bool = viewing.video(&format!("return {SHOWN} == ''")).await;
    assert!(none, "subtitles are off at first");

    set(&viewing, "Captions", "Deutsch").await;
    let _: bool = viewing.video("v.pause(); v.currentTime = 12; return true").await;
    viewing.until("the German subtitle", &format!("{SHOWN} == 'Familien warten auf der Wiese.'")).await;
    let pressed =
        "return document.querySelector('button[title^=Captions]').getAttribute('aria-pressed') == 'true'";
    browser.until("the button to say so", pressed).await;

    set(&viewing, "Captions", "English").await;
    viewing.until("the English subtitle", &format!("{SHOWN} == 'Families wait on the grass.'")).await;

    // To the frame: the cue lasts from 10.5 s to 14.5 s.
    for (time, shown) in [(10.5, false), (14.5, true)] {
        for (frames, here) in [(-1.0, shown), (1.0, !shown)] {
            let to = time + frames / f64::from(demo_film::FPS);
            let _: bool = viewing.video(&format!("v.currentTime = {to}; return true")).await;
            let sign = if here { "==" } else { "!=" };
            let what = format!("!v.seeking && {SHOWN} {sign} 'Families wait on the grass.'");
            viewing.until("the cue of the frame", &what).await;
        }
    }
    let _: bool = viewing.video("v.currentTime = 12; return true").await;

    // The page draws them, within the picture and clear of the controls, and leaves none to the browser.
    let apart = "
        const cue = document.querySelector('.cues .cue')?.getBoundingClientRect();
        const bar = document.querySelector('.seek').getBoundingClientRect();
        return !!cue && cue.top > innerHeight / 2 && cue.bottom <= bar.top && [...document.querySelector('video').textTracks].every(t => t.mode != 'showing')";
    browser.until("captions above the controls", apart).await;

    // Where the page is not to be seen, the browser has them. (No other window opens without a person's
    // click.)
    for (event, showing) in [("enterpictureinpicture", true), ("leavepictureinpicture", false)] {
        let _: bool = viewing.video(&format!("v.dispatchEvent(new Event('{event}')); return true")).await;
        let what = format!(
            "[...v.textTracks].some(t => t.mode == 'showing') == {showing} && ({SHOWN} == '') == {showing}"
        );
        viewing.until("captions by the browser, or by the page", &what).await;
    }

    // Another sound, from here on: the old one is gone from the buffer, and the film plays on.
    let files = "performance.getEntriesByType('resource').map(e => e.name.match(/\\/(\\d{10})\\.mp4/)?.[1]).filter(id => id)";
    let _: bool = viewing.video(&format!("window.before = new Set({files}); return true")).await;
    set(&viewing, "Audio", "Deutsch").await;
    let _: bool = viewing.video("v.play(); return true").await;
    viewing.until("another file", &format!("{files}.some(id => !before.has(id))")).await;
    viewing.until("the film to go on", "v.currentTime > 15").await;
    assert_eq!(viewing.sight().await.alert, None);
    let frame = viewing.shows_its_frame().await;
    // The clock runs ahead of the picture that is shown, on a slow machine by more than a frame.
    assert!(frame > 13 * demo_film::FPS, "{frame}");

    // The next visit begins with both.
    viewing.load().await;
    viewing.until("the film", "v.currentTime > 0").await;
    let _: bool = viewing.video("v.pause(); v.currentTime = 17; return true").await;
    viewing.until("the English subtitle again", &format!("{SHOWN} == 'A red balloon drifts along.'")).await;
    let open = "document.querySelector('button[title=Settings]').click(); return true";
    let _: bool = browser.eval(open).await;
    let sound =
        "return document.querySelector('[aria-label=Audio] [aria-checked=true]')?.textContent == 'Deutsch'";
    browser.until("the German sound", sound).await;
    let key = |key: &str| {
        format!(
            "document.body.dispatchEvent(new KeyboardEvent('keydown', {{ key: '{key}', bubbles: true }})); return true"
        )
    };
    let _: bool = browser.eval(&key("c")).await;
    viewing.until("no subtitles", &format!("{SHOWN} == ''")).await;
    let _: bool = browser.eval(&key("c")).await;
    viewing.until("subtitles", &format!("{SHOWN} != ''")).await;
    let _: bool = browser.eval(&key(">")).await;
    viewing.until("a faster film", "v.playbackRate == 1.25").await;

    // How captions look is chosen in a dialog that keeps the keyboard, and gives it back. What the browser
    // draws looks so, too.
    browser.until("the choice of looks", CAPTION_STYLE).await;
    let opened = "return document.querySelector('.caption-style')?.open && document.activeElement.tagName === 'SELECT'";
    browser.until("the dialog, with the keyboard in its first field", opened).await;
    for _ in 0..10 {
        browser.driver().action_chain().send_keys(Key::Tab).perform().await.unwrap();
        // After the last field comes the browser's own, and then the first again.
        let inside = "return document.activeElement === document.body || !!document.activeElement.closest('.caption-style')";
        assert!(browser.eval::<bool>(inside).await, "the keyboard stays in the dialog");
    }
    let yellow = "const choice = document.querySelectorAll('.caption-style select')[1];
        choice.value = 'yellow'; choice.dispatchEvent(new Event('change', { bubbles: true })); return true";
    let _: bool = browser.eval(yellow).await;
    let looks = "return getComputedStyle(document.querySelector('video')).getPropertyValue('--cue-words') === 'rgb(255 255 0)'";
    browser.until("the look", looks).await;
    let back = "document.querySelector('.caption-style select').focus(); return true";
    let _: bool = browser.eval(back).await;
    browser.driver().action_chain().send_keys(Key::Escape).perform().await.unwrap();
    let closed = "return !document.querySelector('.caption-style').open && document.activeElement.title === 'Settings'";
    browser.until("the keyboard to be back at the settings", closed).await;
    let _: bool = viewing.video("v.dispatchEvent(new Event('enterpictureinpicture')); return true").await;
    viewing.until("captions by the browser", &format!("{SHOWN} == ''")).await;
    eventually("yellow letters that the browser draws", || async {
        let shot = browser.driver().screenshot_as_png_base64().await.unwrap();
        let count: u32 =
            browser.driver().execute(YELLOW, vec![json!(shot)]).await.unwrap().convert().unwrap();
        (count > 100).then_some(())
    })
    .await;
    browser.quit().await;
}

/// Pixels of a picture that are of a pure yellow, also beneath the shade of the controls: the film has hardly
/// any.
const YELLOW: &str = "
    const bitmap = await createImageBitmap(new Blob([Uint8Array.from(atob(arguments[0]), c => c.charCodeAt(0))]));
    const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d');
    context.drawImage(bitmap, 0, 0);
    const { data } = context.getImageData(0, 0, bitmap.width, bitmap.height);
    let count = 0;
    for (let n = 0; n < data.length; n += 4) if (data[n] > 60 && Math.abs(data[n] - data[n + 1]) < 12 && data[n + 2] < 10) count++;
    return count";

/// A23: where the pointer is over the seek bar, the film's picture of that time is shown, with time and
/// chapter.
#[tokio::test]
async fn the_seek_bar_shows_pictures_and_chapters() {
    let stage = stage().await;
    let browser = Browser::start().await;
    let viewing = Viewing::new(&browser, &stage).await;
    viewing.open().await;
    viewing.until("some of the film", "v.currentTime > 1").await;
    let point = "
        const bar = document.querySelector('.seek');
        const box = bar.getBoundingClientRect();
        bar.dispatchEvent(new PointerEvent('pointermove', { clientX: box.left + box.width * 0.55, bubbles: true }));
        const still = bar.querySelector('.still');
        const image = still && getComputedStyle(still).backgroundImage;
        return !!image && image != 'none' && /The moon0:3[23]/.test(bar.textContent)";
    browser.until("picture, chapter and time", point).await;
    // The sheet is a picture that the page may load.
    let loads = "
        const url = getComputedStyle(document.querySelector('.still')).backgroundImage.slice(5, -2);
        const image = new Image();
        return new Promise(done => { image.onload = () => done(image.naturalWidth); image.onerror = () => done(0); image.src = url })";
    let width: u32 = browser.eval(loads).await;
    assert_eq!(width, 3200, "ten pictures of 320");
    // On a phone all buttons of such a film are in one row: what lies above them is made for that.
    let size = json!({ "width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": true });
    browser.driver().cdp().send_raw("Emulation.setDeviceMetricsOverride", size).await.unwrap();
    let row = "
        const top = of => document.querySelector(of)?.getBoundingClientRect().top;
        return innerWidth == 360 && top('.chapter-menu button') === top('.sound button') &&
            top('.buttons > button:last-child') === top('.sound button')";
    browser.until("a row of buttons", row).await;
    browser.quit().await;
}
