//! What was seen in a file, for people.

use std::fmt;

use cenc::Kid;

use super::{Groups, Inspection, Rates, SampleProtection, SegmentRun, TrackReport};

/// `1.5 Mbit/s` and the like.
pub(super) fn bits(rate: u64) -> String {
    match rate {
        0..10_000_000 => format!("{} kbit/s", (rate + 500) / 1000),
        _ => format!("{:.1} Mbit/s", rate as f64 / 1e6),
    }
}

/// `1 segment`, `2 segments`.
pub(super) fn count(number: u64, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

impl fmt::Display for Rates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on average, {} in the fullest second", bits(self.average), bits(self.peak))
    }
}

impl fmt::Display for Groups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { count, shortest, longest, average, open } = self;
        match count {
            1 => write!(f, "1 group of pictures of {longest:.3} s")?,
            _ => write!(
                f,
                "{count} groups of pictures of {shortest:.3} to {longest:.3} s, {average:.3} s on average"
            )?,
        }
        match open {
            0 => f.write_str(", closed"),
            open => write!(f, ", {open} of them open"),
        }
    }
}

impl fmt::Display for SampleProtection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.iv_size {
            0 => f.write_str("one IV for all samples")?,
            size => write!(f, "an IV of {size} bytes for each sample")?,
        }
        if let Some((crypt, skip)) = self.pattern {
            write!(f, ", pattern {crypt}:{skip}")?;
        }
        match self.subsamples {
            None => f.write_str(", no subsamples"),
            Some((least, most)) if least == most => write!(f, ", {} each", count(most, "subsample")),
            Some((least, most)) => write!(f, ", {least} to {most} subsamples each"),
        }
    }
}

/// What is said of a track, whether of a file or of a film.
pub(super) fn samples(track: &TrackReport, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if let Some(groups) = &track.groups {
        writeln!(f, "  {groups}")?;
    }
    write!(f, "  {} samples of {} bytes", track.samples, track.bytes)?;
    writeln!(f, ", {} protected with {} bytes", track.protected_samples, track.protected_bytes)?;
    match &track.protection {
        Some(protection) => writeln!(f, "  {}: {protection}", track.scheme.as_deref().unwrap_or("clear")),
        None => Ok(()),
    }
}

/// Several lines; all fragments but the first are counted only.
impl fmt::Display for Inspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {} bytes", self.path.display(), self.size)?;
        let first_fragment = self.boxes.iter().position(|found| found.kind == "moof");
        let shown = first_fragment.map_or(self.boxes.len(), |first| (first + 2).min(self.boxes.len()));
        for found in &self.boxes[..shown] {
            found.write(f, 1)?;
        }
        if shown < self.boxes.len() {
            let more = self.boxes[shown..].iter().filter(|found| found.kind == "moof").count();
            writeln!(f, "  … and {more} more fragments")?;
        }
        for track in &self.tracks {
            let scheme = track.scheme.as_deref().unwrap_or("clear");
            writeln!(
                f,
                "track {}: {} {}, {scheme}, {} ticks/s{}",
                track.id,
                track.media,
                track.format,
                track.timescale,
                track.language.iter().map(|language| format!(", {language}")).collect::<String>()
            )?;
            writeln!(f, "  {:.3} s, {}", track.duration, track.bit_rate)?;
            samples(track, f)?;
            for run in track.segments.iter().filter(|_| track.segments.len() > 1) {
                let kids: Vec<_> = run.kids.iter().map(Kid::to_string).collect();
                let key =
                    if kids.is_empty() { "clear".to_owned() } else { format!("KID {}", kids.join(" ")) };
                let SegmentRun { first, last, samples, protected_samples, .. } = run;
                writeln!(
                    f,
                    "  segments {first} to {last}: {key}, {samples} samples, {protected_samples} protected"
                )?;
            }
            for key in &track.keys {
                writeln!(
                    f,
                    "  KID {}: {} samples, IV {} to {}",
                    key.kid, key.samples, key.first_iv, key.last_iv
                )?;
            }
        }
        for pssh in &self.pssh {
            match &pssh.matinee {
                Some(own) => writeln!(
                    f,
                    "pssh Matinee: content id {}, label {}, common key {}, KIDs {}",
                    own.content_id,
                    own.label,
                    if own.common_key_id.is_empty() { "none (key given)" } else { &own.common_key_id },
                    own.kids.join(" ")
                )?,
                None => writeln!(f, "pssh system {}, KIDs {}", pssh.system_id, pssh.kids.join(" "))?,
            }
        }
        match self.reused_counters {
            0 => Ok(()),
            count => writeln!(f, "DANGER: {count} samples reuse a counter under the same key"),
        }
    }
}
