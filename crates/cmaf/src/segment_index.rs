use isobmff::{BoxWriter, SegmentIndex, SegmentReference};

use crate::Error;
use crate::track::TRACK_ID;

/// Most segments that an index counts.
const MAX_REFERENCES: usize = 0xffff;

/// The `sidx` of a file whose segments follow it: their sizes in bytes and their durations, the first of
/// which begins at `start`.
///
/// # Errors
/// [`Error::Index`] for a segment of more than 2 GiB, or more than 65,535 segments.
pub fn segment_index(
    timescale: u32,
    start: u64,
    segments: impl IntoIterator<Item = (u64, u64)>,
) -> Result<Vec<u8>, Error> {
    let reference = |(size, duration): (u64, u64)| {
        let size = u32::try_from(size).ok().filter(|size| size >> 31 == 0)?;
        Some(SegmentReference::media(size, duration.try_into().ok()?))
    };
    let references: Option<Vec<_>> = segments.into_iter().map(reference).collect();
    let index = SegmentIndex {
        reference_id: TRACK_ID,
        timescale,
        earliest_presentation_time: start,
        first_offset: 0,
        references: references.filter(|r| r.len() <= MAX_REFERENCES).ok_or(Error::Index)?,
    };
    let mut out = BoxWriter::new();
    index.write(&mut out);
    Ok(out.into_bytes())
}

/// Bytes of the index of so many segments: where it is written before they are known.
pub fn segment_index_len(segments: usize) -> usize {
    SegmentIndex::written_size(segments)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_is_known_before() {
        for segments in [0, 1, 15, 65_535] {
            let index = segment_index(1000, 0, (0..segments).map(|_| (7, 4000))).unwrap();
            assert_eq!(index.len(), segment_index_len(segments));
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert!(matches!(segment_index(1000, 0, [(1 << 31, 4000)]), Err(Error::Index)));
        assert!(matches!(segment_index(1000, 0, [(7, 1 << 32)]), Err(Error::Index)));
        assert!(matches!(segment_index(1000, 0, (0..65_536).map(|_| (7, 4000))), Err(Error::Index)));
    }
}
