//! Picture and sound belong together.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use e2e::{Browser, Stage, Viewing, demo_film};
use serde_json::Value;

/// Hears the film's bells (1760 Hz; nothing else in it is above 1.2 kHz) through the Web Audio API, and sees
/// its flashes frame by frame: when each second's bell and flash came, by the page's clock. A script
/// processor hands on what was rendered one buffer before.
const EARS_AND_EYES: &str = "
    const size = 256, context = new AudioContext();
    const bells = context.createBiquadFilter(); bells.type = 'highpass'; bells.frequency.value = 1600; bells.Q.value = 4;
    const ear = context.createScriptProcessor(size, 1, 1);
    context.createMediaElementSource(v).connect(bells).connect(ear).connect(context.destination);
    window.met = { bells: [], flashes: [] };
    let last = -1;
    ear.onaudioprocess = event => {
        const sound = event.inputBuffer.getChannelData(0), rate = event.inputBuffer.sampleRate;
        const start = event.playbackTime - 2 * size / rate;
        const stamp = context.getOutputTimestamp();
        for (let i = 0; i < size; i++) {
            const loud = Math.abs(sound[i]);
            if (loud > 0.05) {
                const at = start + i / rate;
                if (at - last > 0.4) met.bells.push([stamp.performanceTime + (at - stamp.contextTime) * 1000, v.currentTime]);
                last = at;
            }
        }
    };
    const see = (_, frame) => {
        const second = Math.round(frame.mediaTime);
        if (Math.abs(frame.mediaTime - second) < 0.02) met.flashes.push([frame.expectedDisplayTime, second]);
        v.requestVideoFrameCallback(see);
    };
    v.requestVideoFrameCallback(see);
    v.play();
    return context.resume().then(() => context.state)";

/// A whole file of the film as its maker wrote it, in an element of its own.
const PLAIN: &str = "
    document.body.replaceChildren();
    const octets = Uint8Array.from(atob(BASE64), c => c.charCodeAt(0));
    const v = document.body.appendChild(document.createElement('video'));
    v.src = URL.createObjectURL(new Blob([octets], { type: 'video/mp4' }));";

/// C18: over ten seconds of play, the bell of each second comes as long after its flash, within a frame's
/// time, as in the film's file as it was made, played by the same browser. What both have in common is the
/// delay of ears and eyes: it differs by up to half a frame from one play to the next.
#[tokio::test]
#[ignore = "needs the machine for itself"]
async fn bells_and_flashes_come_together() {
    let stage = Stage::start(1, "").await;
    let browser = Browser::start().await;
    let viewing = Viewing::new(&browser, &stage).await;
    let file = std::fs::read(&demo_film()[0]).unwrap();
    let base64 = serde_json::to_string(&BASE64.encode(file)).unwrap();
    let plain = offset(&browser, &PLAIN.replace("BASE64", &base64)).await;

    viewing.open().await;
    let ours = offset(&browser, "const v = document.querySelector('video');").await;
    let frame = 1000.0 / f64::from(demo_film::FPS);
    assert!((ours - plain).abs() <= frame, "{ours} ms, but {plain} ms in the file as it was made");
    browser.quit().await;
}

/// How long after the flash the bell is heard, in ms: the median, because a busy machine shows single frames
/// late. `video` declares the element `v`.
async fn offset(browser: &Browser, video: &str) -> f64 {
    let state: String = browser.eval(&format!("{video} {EARS_AND_EYES}")).await;
    assert_eq!(state, "running", "the audio context");
    browser.until("ten bells and flashes", "return met.flashes.filter(([, s]) => met.bells.some(([, t]) => Math.abs(t - s) < 0.5)).length > 10").await;
    let met: Value = browser.eval("return { bells: met.bells, flashes: met.flashes }").await;
    let pairs = |name: &str| -> Vec<(f64, f64)> {
        let of = |pair: &Value| (pair[0].as_f64().unwrap(), pair[1].as_f64().unwrap());
        met[name].as_array().unwrap().iter().map(of).collect()
    };
    let mut offsets: Vec<f64> = Vec::new();
    for (seen, second) in pairs("flashes") {
        let near = |(_, time): &(f64, f64)| (time - second).abs() < 0.5;
        if let Some((heard, _)) = pairs("bells").into_iter().find(near) {
            offsets.push(heard - seen);
        }
    }
    offsets.sort_by(f64::total_cmp);
    println!("bell after flash, ms: {offsets:.0?}");
    assert!(offsets.len() >= 9, "{met}");
    offsets[offsets.len() / 2]
}
