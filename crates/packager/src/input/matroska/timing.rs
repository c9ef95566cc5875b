//! Exact times from those of Matroska, which are rounded, mostly to milliseconds.

use super::blocks::Frame;
use super::sound::FrameLength;
use super::tracks::TrackEntry;
use crate::Error;
use crate::input::InputSample;
use crate::media_file::MediaFile;

const NANOS: i128 = 1_000_000_000;

/// Ticks a second and ticks of a frame for a duration in nanoseconds, where it is that of a usual rate: a
/// whole number of frames a second, or that over 1.001.
fn rate(duration: u64) -> Option<(u32, u32)> {
    [(1000, 1_000_000_000), (1001, 1_001_000_000)].into_iter().find_map(|(ticks, nanos): (u32, u64)| {
        let frames =
            (nanos + duration / 2).checked_div(duration).filter(|frames| (1..=1000).contains(frames))?;
        // Writers round, or cut off.
        ((nanos / frames).abs_diff(duration) <= 1).then_some((frames as u32 * 1000, ticks))
    })
}

/// Pictures: ticks a second, and the samples in decoding order.
pub(super) fn pictures(
    file: &MediaFile,
    frames: &[Frame],
    scale: u64,
    entry: &TrackEntry,
) -> Result<(u32, Vec<InputSample>), Error> {
    let nanos = |frame: &Frame| i128::from(frame.timestamp) * i128::from(scale) - i128::from(entry.delay);
    let first = frames.iter().map(nanos).min().unwrap_or(0);
    let known = entry.default_duration.and_then(rate);
    // Each picture must be where the rate has it, as exactly as the file says it.
    let rebuilt = known.and_then(|(timescale, ticks)| {
        let (timescale, ticks) = (i128::from(timescale), i128::from(ticks));
        let place = |frame: &Frame| {
            let since = (nanos(frame) - first) * timescale;
            let number = (2 * since + ticks * NANOS).div_euclid(2 * ticks * NANOS);
            let off = (since - number * ticks * NANOS).abs();
            (off <= i128::from(scale) * timescale).then_some(number * ticks)
        };
        frames.iter().map(place).collect::<Option<Vec<_>>>()
    });
    let impossible = || Error::unsupported(file.path(), "a track with impossible times");
    let (timescale, begin, times) = match (known, rebuilt) {
        (Some((timescale, _)), Some(times)) => (timescale, first, times),
        _ => {
            let timescale = match 1_000_000_000 % scale {
                0 => u32::try_from(1_000_000_000 / scale).map_err(|_| impossible())?,
                _ => 1_000_000,
            };
            let time = |frame: &Frame| ((nanos(frame) - first) * i128::from(timescale)).div_euclid(NANOS);
            (timescale, first, frames.iter().map(time).collect())
        }
    };
    let begin = (begin * i128::from(timescale)).div_euclid(NANOS);
    // A picture is decoded when the one of its number is shown.
    let mut shown = times.clone();
    shown.sort_unstable();
    let last = match (
        known.filter(|(scale, _)| *scale == timescale),
        frames.last().and_then(|f| f.duration.filter(|ticks| *ticks < 1 << 32)),
    ) {
        (Some((_, ticks)), _) => ticks.into(),
        (None, Some(duration)) => {
            (i128::from(duration) * i128::from(scale) * i128::from(timescale)).div_euclid(NANOS)
        }
        _ => shown.windows(2).last().map_or(i128::from(timescale) / 25, |pair| pair[1] - pair[0]),
    };
    let mut samples = Vec::with_capacity(frames.len());
    for (n, (frame, time)) in frames.iter().zip(times).enumerate() {
        let duration = shown.get(n + 1).map_or(last, |next| next - shown[n]);
        samples.push(InputSample {
            offset: frame.offset,
            size: frame.size,
            duration: u32::try_from(duration).map_err(|_| impossible())?,
            time: i64::try_from(begin + time).map_err(|_| impossible())?,
            sync: frame.key,
        });
    }
    if samples.len() > 1 && shown.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(Error::unsupported(file.path(), "pictures that are shown at the same time"));
    }
    Ok((timescale, samples))
}

/// Sound: frames follow each other as long as they are, as far as the file's times allow it.
pub(super) fn sound(
    file: &MediaFile,
    frames: &[Frame],
    scale: u64,
    entry: &TrackEntry,
    timescale: u32,
    length: FrameLength,
) -> Result<Vec<InputSample>, Error> {
    let ticks = |nanos: i128| {
        let product = 2 * nanos * i128::from(timescale) + NANOS;
        i64::try_from(product.div_euclid(2 * NANOS)).unwrap_or(i64::MAX / 2)
    };
    // What rounding may be, at both ends.
    let tolerance = 2 * ticks(scale.into()) + 1;
    let mut samples: Vec<InputSample> = Vec::with_capacity(frames.len());
    let (mut expected, mut block) = (None::<i64>, None);
    for frame in frames {
        let duration = length.of(file, frame)?;
        let given = ticks(i128::from(frame.timestamp) * i128::from(scale) - i128::from(entry.delay));
        // The frames of one block follow each other.
        let laced = block.replace(frame.timestamp) == Some(frame.timestamp);
        let time = match expected {
            None => given,
            Some(expected) if laced || (given - expected).abs() <= tolerance => expected,
            Some(expected) => {
                let gap = u32::try_from(given - expected).ok();
                let last = samples.last_mut();
                let longer = last.and_then(|last| Some((last.duration.checked_add(gap?)?, last)));
                let (longer, last) = longer.ok_or_else(|| {
                    Error::unsupported(file.path(), "sound whose frames are not in the order of time")
                })?;
                last.duration = longer;
                given
            }
        };
        expected = Some(time.saturating_add(duration.into()));
        samples.push(InputSample { offset: frame.offset, size: frame.size, duration, time, sync: true });
    }
    Ok(samples)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_rates() {
        assert_eq!(rate(40_000_000), Some((25_000, 1000)));
        assert_eq!(rate(41_708_333), Some((24_000, 1001)));
        assert_eq!(rate(33_366_666), Some((30_000, 1001)));
        assert_eq!(rate(33_366_667), Some((30_000, 1001)));
        assert_eq!(rate(16_666_666), Some((60_000, 1000)));
        assert_eq!(rate(16_683_333), Some((60_000, 1001)));
        assert_eq!((rate(37_000_000), rate(1), rate(u64::MAX)), (None, None, None));
    }
}
