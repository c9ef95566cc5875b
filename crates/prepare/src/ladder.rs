//! Which steps a film gets: heights not above the source, bit rates by what it shows.

use serde::Deserialize;

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
    let File { mut rung } = toml::from_str(text).map_err(|error| error.message().to_owned())?;
    let good = |r: &Rung| (48..=4320).contains(&r.height) && (LEAST_KBPS..=200_000).contains(&r.max_kbps);
    if rung.is_empty() || rung.len() > 12 || !rung.iter().all(good) {
        return Err(
            "a ladder has 1 to 12 steps with heights from 48 to 4320 and 64 to 200000 kbit/s".to_owned()
        );
    }
    rung.sort_by_key(|r| std::cmp::Reverse(r.height));
    rung.dedup_by_key(|r| r.height);
    Ok(rung)
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

/// Bit rates of steps from what constant quality takes, kbit/s: under the caps, and none that is nearly as much
/// as the step above it.
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
}
