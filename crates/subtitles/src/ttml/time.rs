//! Time expressions (TTML2, section 12.3) and the parameters that they are read by (section 7.2).

use super::xml::{Element, Space};

/// Nanoseconds of a second.
pub(super) const SECOND: u64 = 1_000_000_000;

/// What no time reaches: WebVTT's hours are read with four digits.
pub(super) const MOST: u64 = 9_999 * 3600 * SECOND;

/// How a document counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Times {
    /// Frames a second as they are counted.
    frames: u32,
    /// What that is multiplied by.
    multiplier: (u32, u32),
    /// Parts of a frame.
    sub_frames: u32,
    /// Ticks a second.
    ticks: u32,
    /// Time codes: hours, minutes and seconds are made of counted frames.
    codes: bool,
    drop: Drop,
}

/// Time codes that are left out, so that they stay with the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Drop {
    None,
    Ntsc,
    Pal,
}

impl Times {
    /// The parameters of a document's root.
    pub(super) fn of(root: &Element) -> Result<Self, &'static str> {
        let said = |name| root.attribute(Space::Parameter, name).map(str::trim);
        let rate = |name, most: u32| match said(name) {
            None => Ok(None),
            Some(text) => match text.parse::<u32>() {
                Ok(rate) if (1..=most).contains(&rate) => Ok(Some(rate)),
                _ => Err("a rate of frames or ticks that cannot be"),
            },
        };
        let multiplier: Option<(u32, u32)> = match said("frameRateMultiplier") {
            None => Some((1, 1)),
            // The drafts have a colon.
            Some(text) => text.split_once([' ', ':']).map_or_else(
                || Some((text.parse().ok()?, 1)),
                |(a, b)| Some((a.trim().parse().ok()?, b.trim().parse().ok()?)),
            ),
        };
        let multiplier = multiplier
            .filter(|(a, b)| (1..=1_000_000).contains(a) && (1..=1_000_000).contains(b))
            .ok_or("a multiplier of the frame rate that cannot be")?;
        let codes = match said("timeBase") {
            None | Some("media") => false,
            Some("smpte") => true,
            Some(_) => {
                return Err("times of day, not of the film (ttp:timeBase); only media and smpte are read");
            }
        };
        let drop = match said("dropMode") {
            Some("dropNTSC") => Drop::Ntsc,
            Some("dropPAL") => Drop::Pal,
            _ => Drop::None,
        };
        let (frames, sub_frames) = (rate("frameRate", 1000)?, rate("subFrameRate", 1000)?.unwrap_or(1));
        // Without a tick rate it is that of the frames, where one is said.
        let ticks =
            rate("tickRate", 1_000_000_000)?.unwrap_or(frames.map_or(1, |frames| frames * sub_frames));
        Ok(Self { frames: frames.unwrap_or(30), multiplier, sub_frames, ticks, codes, drop })
    }

    /// Nanoseconds of a time expression: `00:00:01.5`, `00:00:01:12`, `1.5s`, `36f`, `15000000t`.
    pub(super) fn read(&self, text: &str) -> Option<u64> {
        let text = text.trim();
        let time = if text.contains(':') { self.clock(text)? } else { self.offset(text)? };
        let time = u64::try_from(time).ok()?;
        (time < MOST).then_some(time)
    }

    /// Nanoseconds of frames, which are given in billionths.
    fn of_frames(&self, frames: u128) -> u128 {
        let (num, den) = self.multiplier;
        rounded(frames * u128::from(den), u128::from(self.frames) * u128::from(num))
    }

    fn clock(&self, text: &str) -> Option<u128> {
        let mut parts = text.split(':');
        let (hours, minutes, seconds) = (parts.next()?, parts.next()?, parts.next()?);
        let frames = parts.next();
        if parts.next().is_some()
            || hours.len() > 4
            || minutes.len() != 2
            || (frames.is_some() && seconds.len() != 2)
        {
            return None;
        }
        let (hours, minutes, seconds) = (whole(hours)?, whole(minutes)?, decimal(seconds)?);
        if minutes > 59 || seconds >= 60 * u128::from(SECOND) {
            return None;
        }
        let frames = match frames {
            None => 0,
            Some(frames) => {
                let (frames, parts) = frames.split_once('.').unwrap_or((frames, "0"));
                let (frames, parts) = (whole(frames)?, whole(parts)?);
                if frames >= u128::from(self.frames) || parts >= u128::from(self.sub_frames) {
                    return None;
                }
                let billion = u128::from(SECOND);
                frames * billion + rounded(parts * billion, u128::from(self.sub_frames))
            }
        };
        let clock = (hours * 60 + minutes) * 60 * u128::from(SECOND) + seconds;
        if !self.codes {
            return Some(clock + self.of_frames(frames));
        }
        // TTML2, section I.2: frames are counted, without the codes that were left out.
        let dropped = match self.drop {
            Drop::None => 0,
            Drop::Ntsc => (hours * 54 + minutes - minutes / 10) * 2,
            Drop::Pal => (hours * 27 + minutes / 2 - minutes / 20) * 4,
        };
        let counted = clock * u128::from(self.frames) + frames;
        Some(self.of_frames(counted.checked_sub(dropped * u128::from(SECOND))?))
    }

    fn offset(&self, text: &str) -> Option<u128> {
        let metric = text.find(|c: char| c.is_ascii_alphabetic())?;
        let (number, metric) = (decimal(&text[..metric])?, &text[metric..]);
        Some(match metric {
            "h" => number * 3600,
            "m" => number * 60,
            "s" => number,
            "ms" => rounded(number, 1000),
            "f" => self.of_frames(number),
            "t" => rounded(number, u128::from(self.ticks)),
            _ => return None,
        })
    }
}

fn rounded(number: u128, by: u128) -> u128 {
    (number + by / 2) / by
}

/// Digits, and nothing but digits.
fn whole(text: &str) -> Option<u128> {
    let plain = (1..=18).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

/// Digits with or without some behind a point, in billionths. More than nine of those are not looked at.
fn decimal(text: &str) -> Option<u128> {
    let (number, fraction) = text.split_once('.').unwrap_or((text, "0"));
    if fraction.is_empty() || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let digits = &fraction[..fraction.len().min(9)];
    let fraction = whole(digits)? * 10u128.pow(9 - digits.len() as u32);
    Some(whole(number)? * u128::from(SECOND) + fraction)
}

#[cfg(test)]
mod tests {
    use super::super::xml::parse;
    use super::*;
    use proptest::prelude::*;

    fn times(parameters: &str) -> Result<Times, &'static str> {
        let text = format!(
            r#"<tt xmlns="http://www.w3.org/ns/ttml" xmlns:ttp="http://www.w3.org/ns/ttml#parameter" {parameters}/>"#
        );
        Times::of(&parse(&text).unwrap()[0])
    }

    /// Milliseconds, to a thousandth.
    fn ms(parameters: &str, time: &str) -> Option<f64> {
        times(parameters).unwrap().read(time).map(|ns| (ns as f64 / 1000.0).round() / 1000.0)
    }

    #[test]
    fn clocks_and_offsets() {
        for (time, expected) in [
            ("00:00:01", 1000.0),
            ("01:02:03.25", 3_723_250.0),
            (" 00:00:05.0333333333 ", 5033.333),
            ("00:00:01:15", 1500.0),
            ("1.5s", 1500.0),
            ("1500ms", 1500.0),
            ("0.5m", 30_000.0),
            ("2h", 7_200_000.0),
            ("45f", 1500.0),
            ("3t", 3000.0),
        ] {
            assert_eq!(ms("", time), Some(expected), "{time}");
        }
        for wrong in [
            "",
            "1",
            "s",
            "1.s",
            ".5s",
            "-1s",
            "1x",
            "1 s",
            "00:01",
            "00:60:00",
            "00:00:60",
            "0:0:1",
            "00:00:00:30",
            "00:00:00.5:10",
            "00:00:00:01.1",
            "00:00:00:",
            "1:2:3:4:5",
            "10000h",
            "+1s",
            "00:00:1e1",
        ] {
            assert_eq!(ms("", wrong), None, "{wrong}");
        }
    }

    #[test]
    fn frames_and_ticks_by_their_rates() {
        assert_eq!(ms(r#"ttp:frameRate="25""#, "00:00:01:12"), Some(1480.0));
        assert_eq!(ms(r#"ttp:frameRate="25" ttp:subFrameRate="2""#, "00:00:00:00.1"), Some(20.0));
        // Ticks are parts of frames, where only those are said.
        assert_eq!(ms(r#"ttp:frameRate="25" ttp:subFrameRate="2""#, "100t"), Some(2000.0));
        assert_eq!(ms(r#"ttp:tickRate="10000000""#, "15000000t"), Some(1500.0));
        let ntsc = r#"ttp:frameRate="30" ttp:frameRateMultiplier="1000 1001""#;
        assert_eq!(ms(ntsc, "30f"), Some(1001.0));
        assert_eq!(ms(ntsc, "00:00:10:15"), Some(10_500.5));
        assert_eq!(ms(&ntsc.replace("1000 1001", "1000:1001"), "30f"), Some(1001.0));
    }

    /// SMPTE ST 12-1: an hour of time code is an hour and 3.6 s without dropping, and 0.0036 s short of one
    /// with.
    #[test]
    fn time_codes_count_frames() {
        let ntsc = r#"ttp:timeBase="smpte" ttp:frameRate="30" ttp:frameRateMultiplier="1000 1001""#;
        assert_eq!(ms(ntsc, "01:00:00:00"), Some(3_603_600.0));
        let dropping = format!(r#"{ntsc} ttp:dropMode="dropNTSC""#);
        assert_eq!(ms(&dropping, "01:00:00:00"), Some(3_599_996.4));
        // 1800 frames behind 00:00:00:00, for :00 and :01 of that minute are left out.
        assert_eq!(ms(&dropping, "00:01:00:02"), Some(60_060.0));
        assert_eq!(ms(r#"ttp:timeBase="smpte" ttp:frameRate="25""#, "00:00:01:05"), Some(1200.0));
        assert!(times(r#"ttp:timeBase="clock""#).unwrap_err().contains("times of day"));
        for wrong in ["ttp:frameRate='0'", "ttp:tickRate='x'", "ttp:frameRateMultiplier='1 0'"] {
            assert!(times(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_time_or_none(text in "[0-9:.hmsft]{0,24}", frames in 1u32..1000, ticks in 1u32..) {
            let ticks = ticks.min(1_000_000_000);
            let times = Times { frames, multiplier: (1000, 1001), sub_frames: 3, ticks, codes: true, drop: Drop::Pal };
            let _ = times.read(&text);
        }

        #[test]
        fn frames_are_in_order(a in 0u32..1_000_000, rate in 1u32..1000) {
            let times = Times { frames: rate, multiplier: (1000, 1001), ..times("").unwrap() };
            let [first, second] = [a, a + 1].map(|n| times.read(&format!("{n}f")));
            prop_assert!(first < second);
        }
    }
}
