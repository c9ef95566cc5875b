//! Which steps a film or an event gets: heights not above the source, bit rates by what it shows.
//!
//! # Examples
//!
//! ```
//! let rungs = ladder::of_heights("360,720")?;
//! assert_eq!((rungs[0].height, rungs[0].max_kbps), (720, 3_500));
//! assert_eq!(rungs[1].size((1920, 1080)), (640, 360));
//! // The usual rates are for up to 30 pictures a second.
//! assert_eq!(rungs[1].kbps(60.0), 1_350);
//! # Ok::<(), &str>(())
//! ```

pub mod filters;

use serde::Deserialize;
use toml::Value;

/// A step of a ladder. Heights are those of the shorter side: of portrait films the width.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rung {
    /// Lines of the shorter side.
    pub height: u32,
    /// Bit rate that is not exceeded on average, kbit/s.
    pub max_kbps: u32,
}

/// The usual ladder: caps for demanding films at up to 30 pictures a second.
pub const USUAL: [Rung; 7] = [
    Rung { height: 2160, max_kbps: 14_000 },
    Rung { height: 1440, max_kbps: 9_000 },
    Rung { height: 1080, max_kbps: 6_000 },
    Rung { height: 720, max_kbps: 3_500 },
    Rung { height: 480, max_kbps: 1_600 },
    Rung { height: 360, max_kbps: 900 },
    Rung { height: 240, max_kbps: 450 },
];

/// Least bit rate of a step, kbit/s.
const LEAST_KBPS: u32 = 64;
/// Most steps of a ladder.
const MOST: usize = 12;
/// What is wrong with a ladder of tables.
const BAD: &str = "a ladder has 1 to 12 steps with heights from 48 to 4320 and 64 to 200000 kbit/s";
/// What is wrong with a ladder of heights, whose bit rates are the usual ones.
const BAD_HEIGHTS: &str = "a ladder of heights has 1 to 12 of them, from 48 to 2160";

impl Rung {
    /// The usual step of a height from 48 to 2160: with the bit rate of [`USUAL`], or one between those of
    /// its neighbours.
    pub fn usual(height: u32) -> Option<Self> {
        let (highest, lowest) = (USUAL.first()?, USUAL.last()?);
        if !(48..=highest.height).contains(&height) {
            return None;
        }
        let below = USUAL.iter().find(|rung| rung.height <= height);
        let above = USUAL.iter().rfind(|rung| rung.height >= height)?;
        let max_kbps = match below {
            None => lowest.max_kbps * height / lowest.height,
            Some(below) if below.height == above.height => below.max_kbps,
            Some(below) => {
                let (rise, run) = (above.max_kbps - below.max_kbps, above.height - below.height);
                below.max_kbps + rise * (height - below.height) / run
            }
        };
        Some(Self { height, max_kbps: max_kbps.max(LEAST_KBPS) })
    }

    /// Its size, with the shape of pictures that are shown in so many samples. Even numbers.
    pub fn size(&self, (width, height): (u32, u32)) -> (u32, u32) {
        let scale = f64::from(self.height) / f64::from(width.min(height).max(1));
        let even = |length: u32| ((f64::from(length) * scale / 2.0).round() as u32 * 2).max(2);
        (even(width), even(height))
    }

    /// Its bit rate, kbit/s, for so many pictures a second: the table's caps are for up to 30.
    pub fn kbps(&self, rate: f64) -> u32 {
        let factor = if rate > 31.0 { 1.5 } else { 1.0 };
        (f64::from(self.max_kbps) * factor) as u32
    }

    fn is_sane(&self) -> bool {
        (48..=4320).contains(&self.height) && (LEAST_KBPS..=200_000).contains(&self.max_kbps)
    }
}

/// A file of steps: `[[rung]]` tables.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    rung: Vec<Rung>,
}

/// Reads an operator's ladder: TOML with `[[rung]]` tables of `height` and `max_kbps`.
///
/// # Errors
/// In words.
pub fn parse(text: &str) -> Result<Vec<Rung>, String> {
    let File { rung } = toml::from_str(text).map_err(|error| error.message().to_owned())?;
    ordered(rung).map_err(str::to_owned)
}

/// Reads what a setting says: `[1080, 720, 480]`, or tables of `height` and `max_kbps`. None at all is no
/// ladder.
///
/// # Errors
/// In words.
pub fn of_setting(value: &Value) -> Result<Vec<Rung>, &'static str> {
    let entries = value.as_array().ok_or(BAD_HEIGHTS)?;
    let rung = |entry: &Value| match entry {
        Value::Integer(height) => u32::try_from(*height).ok().and_then(Rung::usual).ok_or(BAD_HEIGHTS),
        table => table.clone().try_into::<Rung>().map_err(|_| BAD),
    };
    match entries.len() {
        0 => Ok(Vec::new()),
        1..=MOST => ordered(entries.iter().map(rung).collect::<Result<_, _>>()?),
        _ => Err(BAD),
    }
}

/// Reads heights with commas between them: `1080,720,480`.
///
/// # Errors
/// In words.
pub fn of_heights(text: &str) -> Result<Vec<Rung>, &'static str> {
    let heights = text.split(',').map(|height| height.trim().parse().ok().and_then(Rung::usual));
    let rungs = heights.take(MOST + 1).collect::<Option<Vec<_>>>().ok_or(BAD_HEIGHTS)?;
    ordered(rungs).map_err(|_| BAD_HEIGHTS)
}

/// Highest first, one of each height.
fn ordered(mut rungs: Vec<Rung>) -> Result<Vec<Rung>, &'static str> {
    if !(1..=MOST).contains(&rungs.len()) || !rungs.iter().all(Rung::is_sane) {
        return Err(BAD);
    }
    rungs.sort_by_key(|rung| std::cmp::Reverse(rung.height));
    rungs.dedup_by_key(|rung| rung.height);
    Ok(rungs)
}

/// The steps for a source whose shorter side has so many lines: those not above it, the highest of them with
/// the source's own height where none is as high. Always at least one.
pub fn steps(ladder: &[Rung], lines: u32) -> Vec<Rung> {
    let mut steps: Vec<Rung> = ladder.iter().filter(|rung| rung.height <= lines).copied().collect();
    let above = ladder.iter().rev().find(|rung| rung.height > lines);
    let own = steps.first().is_none_or(|first| lines >= first.height + first.height / 8);
    if let (Some(above), true) = (above, own) {
        steps.insert(0, Rung { height: lines / 2 * 2, max_kbps: above.max_kbps });
    }
    steps
}

/// Bit rates of steps from what constant quality takes, kbit/s: under the caps, and none that is nearly as
/// much as the step above it.
pub fn rates(steps: &[Rung], measured: &[u32]) -> Vec<(Rung, u32)> {
    let mut chosen: Vec<(Rung, u32)> = Vec::new();
    for (rung, measured) in steps.iter().zip(measured) {
        let rate = (*measured).clamp(LEAST_KBPS, rung.max_kbps.max(LEAST_KBPS));
        if chosen.last().is_none_or(|(_, above)| u64::from(rate) * 4 <= u64::from(*above) * 3) {
            chosen.push((*rung, rate));
        }
    }
    chosen
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn heights(ladder: &[Rung], lines: u32) -> Vec<u32> {
        steps(ladder, lines).iter().map(|rung| rung.height).collect()
    }

    #[test]
    fn no_step_is_above_the_source() {
        assert_eq!(heights(&USUAL, 1080), [1080, 720, 480, 360, 240]);
        assert_eq!(heights(&USUAL, 1072), [1072, 720, 480, 360, 240]);
        assert_eq!(heights(&USUAL, 576), [576, 480, 360, 240]);
        assert_eq!(heights(&USUAL, 500), [480, 360, 240]);
        assert_eq!(heights(&USUAL, 96), [96]);
        assert_eq!(heights(&USUAL, 4320)[0], 2160);
        assert_eq!(heights(&[Rung { height: 720, max_kbps: 1000 }], 2160), [720]);
    }

    #[test]
    fn rates_stay_under_caps_and_apart() {
        let steps = steps(&USUAL, 1080);
        let rates = rates(&steps, &[9000, 2000, 1900, 700, 10]);
        let short: Vec<_> = rates.iter().map(|(rung, rate)| (rung.height, *rate)).collect();
        assert_eq!(short, [(1080, 6000), (720, 2000), (360, 700), (240, 64)]);
    }

    #[test]
    fn ladders_of_operators() {
        let ladder = "[[rung]]\nheight = 360\nmax_kbps = 700\n[[rung]]\nheight = 720\nmax_kbps = 2500\n";
        assert_eq!(parse(ladder).unwrap()[0].height, 720);
        for bad in
            ["", "rung = []", "[[rung]]\nheight = 1\nmax_kbps = 700", "[[rung]]\nheight = 360\nkbps = 1"]
        {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn ladders_of_settings() {
        let of = |text: &str| of_setting(text.parse::<toml::Table>().unwrap().get("ladder").unwrap());
        assert_eq!(of("ladder = [480, 1080, 720, 720]"), of_heights("1080, 720,480"));
        assert_eq!(of("ladder = [1080]").unwrap(), [Rung { height: 1080, max_kbps: 6000 }]);
        assert!(of("ladder = []").unwrap().is_empty());
        let tables = "[[ladder]]\nheight = 360\nmax_kbps = 700\n";
        assert_eq!(of(tables).unwrap(), [Rung { height: 360, max_kbps: 700 }]);
        for bad in [
            "ladder = 1080",
            "ladder = [\"1080\"]",
            "ladder = [4320]",
            "ladder = [-1]",
            "[[ladder]]\nheight = 360\nmax_kbps = 1",
            "[[ladder]]\nheight = 360\nmax_kbps = 700\nkey = 1",
            "ladder = [48,49,50,51,52,53,54,55,56,57,58,59,60]",
        ] {
            assert!(of(bad).is_err(), "{bad}");
        }
        for bad in ["", "1080,", "1080;720", "x", "40", "48,49,50,51,52,53,54,55,56,57,58,59,60"] {
            assert!(of_heights(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn heights_between_the_usual_ones_have_bit_rates_between() {
        let kbps = |height| Rung::usual(height).unwrap().max_kbps;
        assert!(USUAL.iter().all(|rung| kbps(rung.height) == rung.max_kbps));
        assert_eq!((kbps(540), kbps(120), kbps(48)), (2075, 225, 90));
        assert!((48..2160).all(|height| kbps(height) <= kbps(height + 1)));
        assert_eq!((Rung::usual(47), Rung::usual(2161)), (None, None));
    }

    #[test]
    fn sizes_have_the_shape_of_what_is_shown() {
        let rung = Rung { height: 480, max_kbps: 1600 };
        assert_eq!(rung.size((1920, 1080)), (854, 480));
        assert_eq!(rung.size((1080, 1920)), (480, 854));
        assert_eq!((rung.kbps(25.0), rung.kbps(60.0)), (1600, 2400));
    }
}
