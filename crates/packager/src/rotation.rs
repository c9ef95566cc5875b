use std::time::Duration;

use cmaf::KeyPlan;

use crate::Error;

/// How often the key changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotation {
    /// After so many segments.
    Segments(u32),
    /// After so many segments as come nearest to this time, at least one.
    Time(Duration),
}

/// The plan for segments of a wanted length. The clear lead ends with the first segment that begins at or
/// after its length.
///
/// # Errors
/// [`Error::Option`] for a rotation after no time.
pub(crate) fn key_plan(
    rotate: Option<Rotation>,
    clear_lead: Duration,
    segment: Duration,
) -> Result<KeyPlan, Error> {
    let segment = u32::try_from(segment.as_millis()).unwrap_or(u32::MAX).max(1);
    let segments = |time: Duration, round: fn(f64) -> f64| {
        // Bounded by u32 whatever the time: `as` saturates.
        round(time.as_secs_f64() * 1000.0 / f64::from(segment)) as u32
    };
    let segments_per_key = match rotate {
        None => 0,
        Some(Rotation::Segments(0)) => {
            return Err(Error::Option { what: "a key holds for at least one segment" });
        }
        Some(Rotation::Segments(count)) => count,
        Some(Rotation::Time(time)) => segments(time, f64::round).max(1),
    };
    Ok(KeyPlan { segments_per_key, clear_segments: segments(clear_lead, f64::ceil) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rotation_and_lead_are_whole_segments() {
        let seconds = Duration::from_secs;
        let plan = |rotate, lead| key_plan(rotate, seconds(lead), seconds(4)).unwrap();
        assert_eq!(plan(None, 0), KeyPlan::ONE_KEY);
        let two = KeyPlan { segments_per_key: 2, clear_segments: 2 };
        assert_eq!(plan(Some(Rotation::Segments(2)), 8), two);
        assert_eq!(
            plan(Some(Rotation::Time(seconds(60))), 9),
            KeyPlan { segments_per_key: 15, clear_segments: 3 }
        );
        assert_eq!(plan(Some(Rotation::Time(seconds(1))), 0).segments_per_key, 1);
        assert!(key_plan(Some(Rotation::Segments(0)), seconds(0), seconds(4)).is_err());
    }
}
