//! Which encoder of ffmpeg makes renditions: libx264, or one in hardware.

use serde::Deserialize;
use std::fmt;

/// Pictures between two key frames at most; they are where the source's are, long before. Quick Sync counts
/// them in 16 bits.
const NEVER: &str = "60000";

/// An encoder of H.264 that ffmpeg has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub enum Encoder {
    /// By the processor.
    #[default]
    #[serde(rename = "libx264")]
    X264,
    /// NVIDIA's, by its driver.
    #[serde(rename = "h264_nvenc")]
    Nvenc,
    /// Intel's Quick Sync Video.
    #[serde(rename = "h264_qsv")]
    Qsv,
    /// Whatever stands behind VA-API (Intel, AMD).
    #[serde(rename = "h264_vaapi")]
    Vaapi,
}

/// Displays as ffmpeg calls it.
impl fmt::Display for Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Encoder {
    /// As ffmpeg calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::X264 => "libx264",
            Self::Nvenc => "h264_nvenc",
            Self::Qsv => "h264_qsv",
            Self::Vaapi => "h264_vaapi",
        }
    }

    /// Whether it is one in hardware, which may be there or not, whatever ffmpeg was built with.
    pub const fn is_hardware(self) -> bool {
        !matches!(self, Self::X264)
    }

    /// What ffmpeg is told before it is told of any input: which device does it.
    pub(super) fn device(self, device: Option<&str>) -> Vec<String> {
        let named = |kind: &str, name: &str| {
            let which =
                device.map_or_else(|| format!("{kind}={name}"), |path| format!("{kind}={name}:{path}"));
            vec!["-init_hw_device".to_owned(), which, "-filter_hw_device".to_owned(), name.to_owned()]
        };
        match self {
            Self::Vaapi => named("vaapi", "hw"),
            Self::Qsv => match device {
                // It takes the first one by itself.
                None => Vec::new(),
                Some(path) => {
                    let which = format!("qsv=hw,child_device={path}");
                    vec!["-init_hw_device".to_owned(), which, "-filter_hw_device".to_owned(), "hw".to_owned()]
                }
            },
            Self::X264 | Self::Nvenc => Vec::new(),
        }
    }

    /// The last filters before it: pictures in the form in which it takes them.
    pub(super) const fn form(self) -> &'static str {
        match self {
            Self::X264 | Self::Nvenc => "format=yuv420p",
            Self::Qsv => "format=nv12",
            Self::Vaapi => "format=nv12,hwupload",
        }
    }

    /// How it encodes: pictures leave it as they come, in the order in which they are shown, with key frames
    /// where the source has them and nowhere else.
    pub(super) fn words(self, device: Option<&str>, threads: &str) -> Vec<String> {
        let own: &[&str] = match self {
            Self::X264 => &[
                "-preset",
                "veryfast",
                "-tune",
                "zerolatency",
                "-pix_fmt",
                "yuv420p",
                "-threads",
                threads,
                "-forced-idr",
                "1",
                "-sc_threshold",
                "0",
            ],
            Self::Nvenc => &[
                "-preset",
                "p4",
                "-tune",
                "ll",
                "-rc",
                "vbr",
                "-zerolatency",
                "1",
                "-delay",
                "0",
                "-rc-lookahead",
                "0",
                "-forced-idr",
                "1",
            ],
            Self::Qsv => {
                &["-preset", "veryfast", "-async_depth", "1", "-look_ahead", "0", "-forced_idr", "1"]
            }
            // A picture that is to be a key frame is an IDR picture there.
            Self::Vaapi => &["-async_depth", "1"],
        };
        let card = device.filter(|_| self == Self::Nvenc).map(|card| ["-gpu", card]);
        let usual = ["-c:v", self.name(), "-profile:v", "high", "-bf", "0", "-g", NEVER];
        let all = usual.iter().chain(own).chain(card.iter().flatten());
        all.map(|word| (*word).to_owned()).collect()
    }
}
