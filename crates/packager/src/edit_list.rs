use cmaf::timeline::rescale;
use isobmff::EditListEntry;

/// What an edit list does, in the track's ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EditEffect {
    /// Movie time minus composition time.
    pub(crate) offset: i64,
    /// Movie time at which the track begins to be presented.
    pub(crate) start: i64,
    /// Movie time at which it ends, if the edit list says so.
    pub(crate) end: Option<i64>,
}

/// Reads an edit list: any number of empty edits, then media in one piece at normal speed.
///
/// # Errors
/// In words, for anything else.
pub(crate) fn edit_effect(
    edits: &[EditListEntry],
    movie_timescale: u32,
    timescale: u32,
) -> Result<EditEffect, &'static str> {
    let ticks = |duration: u64| match i64::try_from(duration) {
        Ok(duration) => Ok(rescale(duration, movie_timescale, timescale)),
        Err(_) => Err("an edit list with an impossible duration"),
    };
    // One tick of the movie, in which durations are rounded.
    let tick = rescale(1, movie_timescale, timescale).max(1);
    let mut delay = 0i64;
    let mut media: Option<(i64, Option<i64>)> = None;
    for edit in edits {
        let duration = ticks(edit.segment_duration)?;
        match (edit.media_time, &mut media) {
            (-1, None) => delay = delay.saturating_add(duration),
            // Nothing is shown at the end: nothing to do.
            (-1, Some(_)) => {}
            (..0, _) => return Err("an edit list with a negative media time"),
            _ if edit.rate != 0x1_0000 => return Err("an edit list that changes the speed"),
            (at, None) => media = Some((at, (duration > 0).then_some(duration))),
            (at, Some((first, Some(length)))) if (at - *first - *length).abs() <= tick => *length += duration,
            _ => {
                return Err(
                    "an edit list that joins several pieces; render the edit first, for example with ffmpeg",
                );
            }
        }
    }
    let (media_time, length) = media.unwrap_or((0, None));
    Ok(EditEffect {
        offset: delay.saturating_sub(media_time),
        start: delay,
        // The rounding must not cut a sample off.
        end: length.map(|length| delay.saturating_add(length).saturating_add(tick)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(segment_duration: u64, media_time: i64) -> EditListEntry {
        EditListEntry { segment_duration, media_time, rate: 0x1_0000 }
    }

    #[test]
    fn usual_edit_lists() {
        let effect = |edits: &[_]| edit_effect(edits, 1000, 48_000);
        assert_eq!(effect(&[]), Ok(EditEffect { offset: 0, start: 0, end: None }));
        let priming = effect(&[edit(5000, 1024)]).unwrap();
        assert_eq!((priming.offset, priming.start, priming.end), (-1024, 0, Some(240_048)));
        let delayed = effect(&[edit(83, -1), edit(0, 1024)]).unwrap();
        assert_eq!((delayed.offset, delayed.start, delayed.end), (83 * 48 - 1024, 83 * 48, None));
        let joined = effect(&[edit(1000, 0), edit(1000, 48_000)]).unwrap();
        assert_eq!(joined.end, Some(96_048));
        assert!(effect(&[edit(1000, 0), edit(1000, 90_000)]).is_err());
        assert!(effect(&[EditListEntry { rate: 0x8000, ..edit(1, 0) }]).is_err());
        assert!(effect(&[edit(1, -2)]).is_err());
    }
}
