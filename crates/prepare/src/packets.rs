//! What the packets of a file tell of its streams.

use std::collections::BTreeMap;

/// Seconds without sound that nobody notices.
const HOLE: f64 = 0.1;

/// ffprobe's arguments for what [`Packets::read`] reads.
pub(crate) const ASKED: [&str; 4] =
    ["-show_entries", "packet=stream_index,pts_time,duration_time,flags", "-of", "csv=p=0"];

/// What is known of the streams.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Packets {
    streams: BTreeMap<usize, Seen>,
}

#[derive(Debug, Default, PartialEq)]
struct Seen {
    /// When the last packet ends.
    end: f64,
    /// When key frames are shown.
    keys: Vec<f64>,
    /// The longest time between a packet's end and the beginning of the next.
    hole: f64,
    /// When the packet before ended, where that is known.
    until: Option<f64>,
}

impl Packets {
    /// Reads lines like `0,1.5,0.04,K_`.
    pub(crate) fn read(lines: &str) -> Self {
        let mut this = Self::default();
        for line in lines.lines() {
            let mut fields = line.split(',');
            let Some(stream) = fields.next().and_then(|text| text.parse().ok()) else { continue };
            let mut number = || fields.next()?.parse::<f64>().ok().filter(|number| number.is_finite());
            let (Some(shown), lasts) = (number(), number()) else { continue };
            let seen = this.streams.entry(stream).or_default();
            if fields.next().is_some_and(|flags| flags.starts_with('K')) {
                seen.keys.push(shown);
            }
            if let Some(until) = seen.until {
                seen.hole = seen.hole.max(shown - until);
            }
            seen.until = lasts.map(|lasts| shown + lasts);
            seen.end = seen.end.max(shown + lasts.unwrap_or(0.0));
        }
        this
    }

    /// When the last packet of all ends, in seconds; 0 if none says when it is shown.
    pub(crate) fn end(&self) -> f64 {
        self.streams.values().map(|seen| seen.end).fold(0.0, f64::max)
    }

    /// The longest time between key frames of a stream, and from the last to `end`.
    pub(crate) fn longest_group(&self, stream: usize, end: f64) -> f64 {
        let mut times = self.streams.get(&stream).map_or_else(Vec::new, |seen| seen.keys.clone());
        times.push(end);
        times.sort_by(f64::total_cmp);
        times.windows(2).map(|pair| pair[1] - pair[0]).fold(0.0, f64::max)
    }

    /// The streams that leave out some time. Of sound alone it says something: pictures are not in order.
    pub(crate) fn with_holes(&self) -> Vec<usize> {
        self.streams.iter().filter(|(_, seen)| seen.hole > HOLE).map(|(stream, _)| *stream).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_of_key_frames() {
        let longest = |lines: &str, end| Packets::read(lines).longest_group(0, end);
        assert_eq!(longest("0,0.0,0.5,K__\n0,0.5,N/A,___\n0,2.0,0.5,K__\n0,7.0,0.5,K_\n1,8,1,K_", 9.0), 5.0);
        assert_eq!(longest("0,0.0,0.04,K__\n", 60.0), 60.0);
        assert_eq!(longest("0,N/A,0.04,K__\nnonsense\n", 1.0), 0.0);
    }

    #[test]
    fn films_end_with_their_last_packet() {
        assert_eq!(Packets::read("0,0.0,0.04,K_\n0,1.5,N/A,__\n1,0.5,0.5,K_\n0,N/A,N/A,__\n").end(), 1.5);
        assert_eq!(Packets::read("0,1.96,0.04,__,\n").end(), 2.0);
        assert_eq!(Packets::read("0,N/A,0.04,K_\n\n").end(), 0.0);
    }

    #[test]
    fn holes_are_more_than_what_rounds() {
        let holes = |lines: &str| Packets::read(lines).with_holes();
        assert_eq!(holes("1,0.0,0.023,K_\n1,0.024,0.023,K_\n1,0.047,0.023,K_\n"), [0usize; 0]);
        assert_eq!(holes("1,0.0,0.023,K_\n2,0.0,0.023,K_\n1,3.0,0.023,K_\n2,0.023,0.023,K_\n"), [1]);
        assert_eq!(holes("1,0.0,N/A,K_\n1,3.0,0.023,K_\n"), [0usize; 0], "who knows");
    }
}
