use std::collections::HashMap;

use serde_json::Value;

use crate::{Browser, eventually, repository};

/// What the video element shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// The number in the bar code, when it is readable.
    pub frame: Option<u32>,
    /// SHA-256 of the decoded picture's I420 planes, hex.
    pub sha256: String,
    /// Its size.
    pub width: u64,
    /// Its size.
    pub height: u64,
}

impl Picture {
    /// Seeks to the middle of a frame and reads the picture that is then shown.
    pub async fn at(browser: &Browser, frame: u32) -> Self {
        let time = (f64::from(frame) + 0.5) / f64::from(demo_film::FPS);
        let seek = format!(
            "const v = document.querySelector('video'); v.pause(); window.shown = null;
             v.requestVideoFrameCallback((_, m) => window.shown = m.mediaTime); v.currentTime = {time}; return true"
        );
        let _: bool = browser.eval(&seek).await;
        let done = "const v = document.querySelector('video'); return !v.seeking && v.readyState >= 2 && window.shown !== null";
        browser.until(&format!("the seek to frame {frame}"), done).await;
        Self::now(browser).await
    }

    /// Reads the picture that is shown now.
    pub async fn now(browser: &Browser) -> Self {
        let value: Value = browser.eval(&read_script()).await;
        let bits = value["bits"].as_array().unwrap();
        let mut frame = Some(0);
        for bit in bits {
            frame = match (frame, bit.as_f64().unwrap()) {
                (Some(number), luma) if luma > 150.0 => Some(number << 1 | 1),
                (Some(number), luma) if luma < 90.0 => Some(number << 1),
                _ => None,
            };
        }
        Self {
            frame,
            sha256: value["sha256"].as_str().unwrap().to_owned(),
            width: value["width"].as_u64().unwrap(),
            height: value["height"].as_u64().unwrap(),
        }
    }

    /// Waits until the picture's bar code is readable as a number, as it is whenever a frame of the film is
    /// shown.
    pub async fn numbered(browser: &Browser) -> u32 {
        eventually("a frame number in the picture", || async move { Self::now(browser).await.frame }).await
    }
}

/// The committed SHA-256 of each frame (I420) of each size of the demo film: height → hashes by frame number.
pub fn pictures_of_ladder() -> HashMap<u64, Vec<String>> {
    [240, 360, 720].map(|height| (height, hashes(height))).into()
}

/// One SHA-256 per line, in presentation order.
fn hashes(height: u64) -> Vec<String> {
    let file = repository().join(format!("media/demo/{height}p.framehash"));
    let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.trim().to_owned()).collect()
}

fn read_script() -> String {
    let bits = (0..demo_film::BITS).map(|bit| {
        let column = demo_film::FIRST_BIT + bit;
        format!("{}", (f64::from(column) + 0.5) / f64::from(demo_film::COLUMNS))
    });
    let columns = bits.collect::<Vec<_>>().join(",");
    let y = demo_film::STRIP_Y;
    format!(
        "return (async () => {{
            const v = document.querySelector('video');
            const frame = new VideoFrame(v);
            const {{ width, height }} = frame.visibleRect;
            // Firefox gives pixels of four octets, green in the second place; what counts is black or white.
            // One of ten bits has two octets for each sample, the lower one in front.
            const deep = frame.format === 'I420P10';
            const [step, first] = deep ? [2, 0] : frame.format?.startsWith('I420') || frame.format?.startsWith('NV12') ? [1, 0] : [4, 1];
            const bytes = new Uint8Array(frame.allocationSize());
            const planes = await frame.copyTo(bytes);
            frame.close();
            const cell = width / 96;
            const bits = [{columns}].map(x => {{
                let sum = 0, n = 0;
                for (let dy = -cell / 2; dy < cell / 2; dy++) for (let dx = -cell / 2; dx < cell / 2; dx++) {{
                    const px = Math.round(x * width + dx), py = Math.round({y} * height + dy);
                    const at = planes[0].offset + py * planes[0].stride + px * step + first;
                    sum += deep ? (bytes[at] | bytes[at + 1] << 8) >> 2 : bytes[at]; n++;
                }}
                return sum / n;
            }});
            const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
            const sha256 = Array.from(hash, b => b.toString(16).padStart(2, '0')).join('');
            return {{ bits, sha256, width, height }};
        }})()"
    )
}
