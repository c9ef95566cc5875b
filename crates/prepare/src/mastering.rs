//! How a film in HDR10 was mastered: the colours and the light of the display on which it was finished (SMPTE
//! ST 2086), and how bright its pictures are (CTA-861.3). Encoders do not copy it from picture to picture, so
//! they are told.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Parts of one in which chromaticities are counted: ITU-T H.265, D.3.28.
const CHROMATICITY: f64 = 50_000.0;
/// Parts of a candela per square metre in which the display's light is counted.
const LUMINANCE: f64 = 10_000.0;

/// What is known of it; nothing of it may be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Mastering {
    /// The display.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display: Option<Display>,
    /// The pictures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub light: Option<Light>,
}

/// The colour volume of a display.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Display {
    /// Chromaticities x and y of green, blue, red and white, in parts of 50,000.
    pub points: [[u32; 2]; 4],
    /// Its most and its least light, in parts of 10,000 of a candela per square metre.
    pub luminance: [u32; 2],
}

/// How bright pictures are, in candela per square metre.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Light {
    /// The brightest sample of the film (MaxCLL).
    pub most: u16,
    /// The mean of the brightest picture (MaxFALL).
    pub average: u16,
}

/// What ffprobe says beside a stream or a picture. Its versions differ in names and types: what is not of the
/// expected one says nothing.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(crate) struct SideData(Value);

#[derive(Deserialize)]
struct RawFrames {
    #[serde(default)]
    frames: Vec<RawFrame>,
}

#[derive(Deserialize)]
struct RawFrame {
    #[serde(default)]
    side_data_list: Vec<SideData>,
}

impl Mastering {
    /// Nothing is known.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// From what stands beside a stream or a picture: the first that says something counts.
    pub(crate) fn of<'a>(beside: impl IntoIterator<Item = &'a SideData>) -> Self {
        let mut this = Self::default();
        for raw in beside {
            this.display = this.display.or_else(|| raw.display());
            this.light = this.light.or_else(|| raw.light());
        }
        this
    }

    /// Reads the JSON of `ffprobe -show_entries frame_side_data`. Of what is no such JSON nothing is known.
    pub(crate) fn of_frames(json: &[u8]) -> Self {
        let raw = serde_json::from_slice::<RawFrames>(json);
        raw.map_or_else(
            |_| Self::default(),
            |raw| Self::of(raw.frames.iter().flat_map(|frame| &frame.side_data_list)),
        )
    }

    /// Parameters of libx265, each behind a colon.
    pub(crate) fn for_x265(&self) -> String {
        let mut said = String::new();
        if let Some(Display { points: [green, blue, red, white], luminance: [most, least] }) = self.display {
            let point = |[x, y]: [u32; 2]| format!("({x},{y})");
            said += &format!(
                ":master-display=G{}B{}R{}WP{}L({most},{least})",
                point(green),
                point(blue),
                point(red),
                point(white)
            );
        }
        if let Some(Light { most, average }) = self.light {
            said += &format!(":max-cll={most},{average}");
        }
        said
    }

    /// Parameters of libsvtav1, each behind a colon.
    pub(crate) fn for_svt_av1(&self) -> String {
        let mut said = String::new();
        if let Some(Display { points: [green, blue, red, white], luminance: [most, least] }) = self.display {
            let one = |value: u32| f64::from(value) / CHROMATICITY;
            let point = |[x, y]: [u32; 2]| format!("({:.5},{:.5})", one(x), one(y));
            let light = |value: u32| f64::from(value) / LUMINANCE;
            said += &format!(
                ":mastering-display=G{}B{}R{}WP{}L({:.4},{:.4})",
                point(green),
                point(blue),
                point(red),
                point(white),
                light(most),
                light(least)
            );
        }
        if let Some(Light { most, average }) = self.light {
            said += &format!(":content-light={most},{average}");
        }
        said
    }
}

impl SideData {
    /// Degrees by which the display matrix turns the picture.
    pub(crate) fn rotation(&self) -> Option<f64> {
        self.0.get("rotation")?.as_f64()
    }

    /// A number as `a/b`, in parts of one.
    fn parts(&self, name: &str, of_one: f64, most: f64) -> Option<u32> {
        let (a, b) = self.0.get(name)?.as_str()?.split_once('/')?;
        let value = a.parse::<f64>().ok()? / b.parse::<f64>().ok()?;
        // `as` is of a number between 0 and 2^32.
        (0.0..=most).contains(&value).then(|| (value * of_one).round() as u32)
    }

    fn display(&self) -> Option<Display> {
        let point = |colour: &str| {
            let axis = |axis: &str| self.parts(&format!("{colour}_{axis}"), CHROMATICITY, 1.0);
            Some([axis("x")?, axis("y")?])
        };
        let light = |name: &str| self.parts(name, LUMINANCE, 100_000.0);
        Some(Display {
            points: [point("green")?, point("blue")?, point("red")?, point("white_point")?],
            luminance: [light("max_luminance")?, light("min_luminance")?],
        })
        .filter(|display| display.luminance[0] > display.luminance[1])
    }

    fn light(&self) -> Option<Light> {
        let level = |name: &str| u16::try_from(self.0.get(name)?.as_u64()?).ok();
        Some(Light { most: level("max_content")?, average: level("max_average")? })
            .filter(|light| light.most > 0 || light.average > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of ffprobe 5.1, for a file of libx265 with the parameters below.
    const SAID: &str = r#"{"frames": [{"side_data_list": [
        {"side_data_type": "Mastering display metadata", "red_x": "34000/50000", "red_y": "16000/50000",
         "green_x": "13250/50000", "green_y": "34500/50000", "blue_x": "7500/50000", "blue_y": "3000/50000",
         "white_point_x": "15635/50000", "white_point_y": "16450/50000", "min_luminance": "50/10000",
         "max_luminance": "10000000/10000"},
        {"side_data_type": "Content light level metadata", "max_content": 1000, "max_average": 400},
        {"side_data_type": "H.26[45] User Data Unregistered SEI message"}]}]}"#;

    #[test]
    fn what_is_said_of_a_picture_is_told_to_encoders() {
        let mastering = Mastering::of_frames(SAID.as_bytes());
        assert_eq!(
            mastering.for_x265(),
            ":master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50):max-cll=1000,400"
        );
        assert_eq!(
            mastering.for_svt_av1(),
            ":mastering-display=G(0.26500,0.69000)B(0.15000,0.06000)R(0.68000,0.32000)WP(0.31270,0.32900)\
             L(1000.0000,0.0050):content-light=1000,400"
        );
    }

    #[test]
    fn what_is_wrong_is_not_passed_on() {
        for (from, to) in [("34000/50000", "34000/0"), ("10000000/10000", "-1/1"), ("50/10000", "2000/1")] {
            let mastering = Mastering::of_frames(SAID.replace(from, to).as_bytes());
            assert_eq!(mastering.display, None, "{to}");
            assert!(mastering.light.is_some());
        }
        let mastering = Mastering::of_frames(SAID.replace("1000,", "70000,").as_bytes());
        assert!(mastering.light.is_none() && mastering.display.is_some());
        for (from, to) in [("1000,", "\"1000\","), ("1000,", "-1,")] {
            let mastering = Mastering::of_frames(SAID.replace(from, to).as_bytes());
            assert!(mastering.light.is_none() && mastering.display.is_some(), "{to}");
        }
        for nothing in ["", "[]", "{}", r#"{"frames": [{}]}"#] {
            assert!(Mastering::of_frames(nothing.as_bytes()).is_none(), "{nothing}");
        }
        assert_eq!(Mastering::default().for_x265() + &Mastering::default().for_svt_av1(), "");
    }
}
