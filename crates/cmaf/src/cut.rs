use crate::Sample;
use crate::timeline::{compare, rescale, seconds};

/// Longest segment, unless longer ones are asked for.
const MAX_SEGMENT_SECONDS: u64 = 10;

/// How far apart, in microseconds, sync samples of two inputs may be and still count as one: timescales
/// round.
const TOLERANCE: i64 = 2_000;
/// How much earlier than the pictures sound may end for [`join_short_end`], in microseconds.
const SHORT_SOUND: i64 = 500_000;

/// Microseconds a second.
const MICROS: u32 = 1_000_000;

/// Why a ladder cannot be cut.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CutError {
    /// A video does not begin with a sync sample.
    #[error("the video does not begin with a sync sample")]
    NoSync {
        /// Index of the video.
        video: usize,
    },
    /// Pictures refer to pictures before the sync sample that they follow.
    #[error("open GOP at {seconds:.3} s")]
    OpenGop {
        /// Index of the video.
        video: usize,
        /// Presentation time of the sync sample.
        seconds: f64,
    },
    /// A video is not as long as the first.
    #[error("{seconds:.3} s long, but the first video has {expected:.3} s")]
    Length {
        /// Index of the video.
        video: usize,
        /// Its length.
        seconds: f64,
        /// The first video's length.
        expected: f64,
    },
    /// There is no point within the limit at which all videos could be cut.
    #[error("no sync sample common to all videos between {from:.3} s and {to:.3} s")]
    NoCommonSync {
        /// Start of the segment that would be too long.
        from: f64,
        /// Its end.
        to: f64,
        /// Longest allowed segment in seconds.
        limit: u64,
    },
    /// A segment would have no audio.
    #[error("no audio between {from:.3} s and {to:.3} s")]
    AudioGap {
        /// Start of the segment.
        from: f64,
        /// Its end.
        to: f64,
    },
}

/// A track whose segments are to be planned: its samples in decoding order.
#[derive(Debug, Clone, Copy)]
pub struct Timed<'a> {
    /// The samples.
    pub samples: &'a [Sample],
    /// Ticks a second.
    pub timescale: u32,
}

impl Timed<'_> {
    fn time(&self, index: usize) -> i64 {
        self.samples[index].time
    }

    fn micros(&self, index: usize) -> i64 {
        rescale(self.time(index), self.timescale, MICROS)
    }

    /// End of the last sample in presentation order.
    fn end(&self) -> i64 {
        self.samples.iter().map(|s| s.time + i64::from(s.duration)).max().unwrap_or(0)
    }

    /// The sync samples, each a clean cut: all earlier pictures are shown before it, all later ones after it.
    fn sync_points(&self, video: usize) -> Result<Vec<usize>, CutError> {
        if !self.samples.first().is_some_and(|first| first.sync) {
            return Err(CutError::NoSync { video });
        }
        let mut earliest_later = i64::MAX;
        let mut clean = vec![false; self.samples.len()];
        for (index, sample) in self.samples.iter().enumerate().rev() {
            clean[index] = sample.time < earliest_later;
            earliest_later = earliest_later.min(sample.time);
        }
        let mut latest_earlier = i64::MIN;
        let mut points = Vec::new();
        for (index, sample) in self.samples.iter().enumerate() {
            if sample.sync {
                if !clean[index] || sample.time <= latest_earlier {
                    let seconds = seconds(self.time(index), self.timescale);
                    return Err(CutError::OpenGop { video, seconds });
                }
                points.push(index);
            }
            latest_earlier = latest_earlier.max(sample.time);
        }
        Ok(points)
    }
}

/// Cuts all videos of a ladder at the same times: at sync samples common to all, as near to `target`
/// milliseconds after the cut before as they are. For each video, the first sample of each segment.
///
/// # Errors
/// [`CutError`] says which video, and where.
pub fn cut_videos(videos: &[Timed<'_>], target: u64) -> Result<Vec<Vec<usize>>, CutError> {
    let points = videos.iter().enumerate().map(|(n, video)| video.sync_points(n));
    let points: Vec<_> = points.collect::<Result<_, _>>()?;
    let Some((first, first_points)) = videos.first().zip(points.first()) else { return Ok(Vec::new()) };
    let expected = seconds(first.end(), first.timescale);
    for (n, video) in videos.iter().enumerate() {
        let length = seconds(video.end(), video.timescale);
        if (length - expected).abs() > 1.0 {
            return Err(CutError::Length { video: n, seconds: length, expected });
        }
    }
    // Rows of sync samples, one of each video, at the same time.
    let rows: Vec<(i64, Vec<usize>)> = first_points
        .iter()
        .filter_map(|&point| {
            let at = first.micros(point);
            let row = videos.iter().zip(&points).map(|(video, points)| nearest_sync(video, points, at));
            Some((at, row.collect::<Option<_>>()?))
        })
        .collect();

    let limit = MAX_SEGMENT_SECONDS.max(target.div_ceil(1000));
    let too_long = |from: i64, to: i64| {
        (to - from > limit as i64 * i64::from(MICROS) + TOLERANCE).then(|| CutError::NoCommonSync {
            from: seconds(from, MICROS),
            to: seconds(to, MICROS),
            limit,
        })
    };
    let target = i64::try_from(target).unwrap_or(i64::MAX / 2000) * 1000;
    let end = rescale(first.end(), first.timescale, MICROS);
    let Some((mut from, mut cuts)) = rows.first().map(|(at, row)| (*at, vec![row])) else {
        return Err(CutError::NoCommonSync { from: 0.0, to: expected, limit });
    };
    let mut index = 0;
    while let Some(best) = (index + 1..rows.len()).min_by_key(|&i| (rows[i].0 - from - target).abs()) {
        let (at, row) = &rows[best];
        if (end - from - target).abs() <= (at - from - target).abs() {
            break;
        }
        too_long(from, *at).map_or(Ok(()), Err)?;
        (index, from) = (best, *at);
        cuts.push(row);
    }
    too_long(from, end).map_or(Ok(()), Err)?;
    // All begin with their first sample, whatever the rounding says.
    if cuts[0].iter().any(|&index| index != 0) {
        return Err(CutError::NoCommonSync { from: 0.0, to: seconds(from, MICROS), limit });
    }
    Ok((0..videos.len()).map(|video| cuts.iter().map(|row| row[video]).collect()).collect())
}

fn nearest_sync(video: &Timed<'_>, points: &[usize], at: i64) -> Option<usize> {
    let after = points.partition_point(|&point| video.micros(point) < at);
    let near = points[after.saturating_sub(1)..points.len().min(after + 1)].iter().copied();
    let best = near.min_by_key(|&point| (video.micros(point) - at).abs())?;
    ((video.micros(best) - at).abs() <= TOLERANCE).then_some(best)
}

/// Joins the last segment of a ladder's videos with the one before where it would have no sound, because the
/// sound ends up to half a second before the pictures: what was cut without being encoded anew often ends so.
/// `video` is the first of the ladder, whose cuts are the first of `cuts`.
pub fn join_short_end(cuts: &mut [Vec<usize>], video: &Timed<'_>, audio: &Timed<'_>) {
    let end = |track: &Timed<'_>| rescale(track.end(), track.timescale, MICROS);
    let Some(last_frame) = audio.samples.last().filter(|_| end(video) - end(audio) <= SHORT_SOUND) else {
        return;
    };
    let has_sound =
        |first: usize| last_frame.time >= rescale(video.time(first), video.timescale, audio.timescale);
    while let Some([.., _, last]) = cuts.first().map(Vec::as_slice)
        && !has_sound(*last)
    {
        for of_video in cuts.iter_mut() {
            of_video.pop();
        }
    }
}

/// Cuts audio at the frame nearest to each start of a video segment. The first frame of each segment.
///
/// # Errors
/// [`CutError::AudioGap`] where a segment would have none.
pub fn cut_audio(audio: &Timed<'_>, video: &Timed<'_>, video_cuts: &[usize]) -> Result<Vec<usize>, CutError> {
    let mut cuts = vec![0];
    for &cut in video_cuts.iter().skip(1) {
        let at = rescale(video.time(cut), video.timescale, audio.timescale);
        let after = audio.samples.partition_point(|sample| sample.time < at);
        let distance = |index: usize| (audio.time(index) - at).abs();
        let best = match after {
            0 => 0,
            _ if after < audio.samples.len() && distance(after) < distance(after - 1) => after,
            _ if after < audio.samples.len() => after - 1,
            _ => audio.samples.len(),
        };
        cuts.push(best);
    }
    let ends = cuts.iter().skip(1).copied().chain([audio.samples.len()]);
    if let Some(empty) = cuts.iter().zip(ends).position(|(&from, to)| from >= to) {
        let boundary = |n: usize| match video_cuts.get(n) {
            Some(&cut) => seconds(video.time(cut), video.timescale),
            None => seconds(video.end(), video.timescale),
        };
        return Err(CutError::AudioGap { from: boundary(empty), to: boundary(empty + 1) });
    }
    Ok(cuts)
}

/// Divides a segment's samples into fragments of about a second: the first sample of each.
pub fn cut_fragments(samples: &[Sample], timescale: u32) -> Vec<usize> {
    let total: u64 = samples.iter().map(|sample| u64::from(sample.duration)).sum();
    let parts = ((total + u64::from(timescale) / 2) / u64::from(timescale)).max(1);
    let mut cuts = vec![0];
    let mut at = 0u64;
    for (index, sample) in samples.iter().enumerate() {
        // The first sample at or after the next of the equal parts.
        if index > 0 && at * parts >= total * cuts.len() as u64 {
            cuts.push(index);
        }
        at += u64::from(sample.duration);
    }
    cuts
}

/// The shift that makes the earliest of some times 0, as a time.
pub fn earliest(times: impl Iterator<Item = (i64, u32)>) -> (i64, u32) {
    times.min_by(|&a, &b| compare(a, b)).unwrap_or((0, 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pictures at 10 a second, sync samples at the given numbers.
    fn video(count: i64, sync: &[i64]) -> Vec<Sample> {
        (0..count).map(|i| Sample { size: 1, duration: 1, time: i, sync: sync.contains(&i) }).collect()
    }

    fn timed(samples: &[Sample], timescale: u32) -> Timed<'_> {
        Timed { samples, timescale }
    }

    #[test]
    fn cuts_lie_at_common_sync_samples() {
        let a = video(200, &[0, 20, 40, 60, 80, 100, 120, 140, 160, 180]);
        let b = video(200, &[0, 40, 50, 80, 120, 160, 180]);
        let cuts = cut_videos(&[timed(&a, 10), timed(&b, 10)], 4000).unwrap();
        assert_eq!(cuts, [[0, 40, 80, 120, 160], [0, 40, 80, 120, 160]]);
        let c = video(200, &[0, 99, 120]);
        let error = cut_videos(&[timed(&a, 10), timed(&c, 10)], 4000).unwrap_err().to_string();
        assert!(
            error.starts_with("no sync sample common to all videos between 0.000 s and 12.000 s"),
            "{error}"
        );
        let short = video(100, &[0]);
        assert!(matches!(
            cut_videos(&[timed(&a, 10), timed(&short, 10)], 4000),
            Err(CutError::Length { video: 1, .. })
        ));
    }

    #[test]
    fn other_timescales_round() {
        let a = video(90, &[0, 30, 60]);
        let b: Vec<_> =
            a.iter().map(|s| Sample { time: rescale(s.time, 3, 1000), duration: 333, ..*s }).collect();
        assert_eq!(cut_videos(&[timed(&a, 3), timed(&b, 1000)], 10_000).unwrap(), [[0, 30, 60], [0, 30, 60]]);
    }

    /// A picture that is decoded after a sync sample but shown before it.
    #[test]
    fn open_gop_is_found() {
        let mut open = video(30, &[0, 10]);
        (open[10].time, open[11].time) = (11, 10);
        let error = cut_videos(&[timed(&open, 10)], 4000).unwrap_err();
        assert!(matches!(error, CutError::OpenGop { seconds, .. } if seconds == 1.1), "{error}");
        let mut late = video(30, &[0, 10]);
        late[9].time = 12;
        assert!(matches!(cut_videos(&[timed(&late, 10)], 4000), Err(CutError::OpenGop { .. })));
    }

    #[test]
    fn audio_follows_video() {
        let v = video(100, &[0, 40, 80]);
        let frames = |count: i64, from: i64| -> Vec<_> {
            (0..count)
                .map(|i| Sample { size: 1, duration: 1024, time: from + i * 1024, sync: true })
                .collect()
        };
        let a = frames(480, -1024);
        let cuts = cut_audio(&timed(&a, 48_000), &timed(&v, 10), &[0, 40, 80]).unwrap();
        // 4 s are 187.5 frames, and one primes; 8 s are 375.
        assert!(cuts == [0, 188, 376] || cuts == [0, 189, 376], "{cuts:?}");
        let short = frames(200, 0);
        let error = cut_audio(&timed(&short, 48_000), &timed(&v, 10), &[0, 40, 80]).unwrap_err();
        assert_eq!(error.to_string(), "no audio between 8.000 s and 10.000 s");
    }

    /// A last segment without sound is joined with the one before, where no more than half a second is
    /// missing.
    #[test]
    fn a_short_end_is_joined() {
        let frames = |end: i64| -> Vec<_> {
            let of = |i| Sample { size: 1, duration: 10, time: i * 10, sync: true };
            (0..end / 10).map(of).collect()
        };
        let joined = |pictures: i64, sound: i64| {
            let (v, a) = (video(pictures, &[0, 40, 80]), frames(sound));
            let (v, a) = (timed(&v, 10), timed(&a, 1000));
            let mut cuts = vec![vec![0, 40, 80], vec![0, 41, 81]];
            join_short_end(&mut cuts, &v, &a);
            assert_eq!(cuts[0].len(), cuts[1].len());
            (cuts[0].len(), cut_audio(&a, &v, &cuts[0]).is_ok())
        };
        assert_eq!(joined(81, 7980), (2, true), "0.12 s before the end, and none in the last 0.1 s");
        assert_eq!(joined(85, 8000), (2, true), "0.5 s");
        assert_eq!(joined(86, 8000), (3, false), "0.6 s");
        assert_eq!(joined(100, 9700), (3, true), "there is sound in the last segment");
        assert_eq!(joined(81, 8200), (3, true), "longer than the pictures");
        let (v, none) = (video(1, &[0]), Vec::new());
        let mut cuts = vec![vec![0]];
        join_short_end(&mut cuts, &timed(&v, 10), &timed(&none, 1000));
        assert_eq!(cuts, [[0]]);
    }

    #[test]
    fn fragments_are_about_a_second() {
        assert_eq!(cut_fragments(&video(40, &[0]), 10), [0, 10, 20, 30]);
        assert_eq!(cut_fragments(&video(14, &[0]), 10), [0]);
        assert_eq!(cut_fragments(&video(15, &[0]), 10), [0, 8]);
        assert_eq!(cut_fragments(&video(1, &[0]), 10), [0]);
    }
}
