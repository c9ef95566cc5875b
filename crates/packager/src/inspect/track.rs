//! Tracks: samples, keys, protection.

use cenc::{Iv, Kid};
use isobmff::SampleCrypto;
use serde::Serialize;

use super::timing::{Groups, Rates, Timing};
use crate::naming::language_tag;

/// A track and its protection.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TrackReport {
    /// Track id.
    pub id: u32,
    /// Handler: `vide`, `soun`, ….
    pub media: String,
    /// Format of the clear samples, such as `avc1`.
    pub format: String,
    /// Scheme, such as `cenc`; absent if the track is clear.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheme: Option<String>,
    /// Language as BCP 47; absent if the file says none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Ticks a second.
    pub timescale: u32,
    /// Seconds from the first picture or sound to the end of the last.
    pub duration: f64,
    /// Bits a second.
    pub bit_rate: Rates,
    /// The groups of pictures; of video alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groups: Option<Groups>,
    /// How its samples are encrypted; absent if none is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protection: Option<SampleProtection>,
    /// Number of samples.
    pub samples: u64,
    /// Number of samples with at least one protected byte.
    pub protected_samples: u64,
    /// Bytes of all samples.
    pub bytes: u64,
    /// Bytes inside protected ranges (with a pattern, not all of them are encrypted).
    pub protected_bytes: u64,
    /// The keys, in the order of their first use.
    pub keys: Vec<KidUse>,
    /// Which segments are under which keys, in order.
    pub segments: Vec<SegmentRun>,
    #[serde(skip)]
    pub(super) timing: Timing,
}

/// How samples are encrypted, as the samples say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct SampleProtection {
    /// Octets of the IV that each sample has; 0: all have the same.
    pub iv_size: u8,
    /// Of each round of the pattern, encrypted and clear blocks; absent: all blocks are encrypted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pattern: Option<(u8, u8)>,
    /// Least and most subsamples of a sample; absent: samples are protected from end to end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subsamples: Option<(u64, u64)>,
}

/// Neighbouring segments with the same keys. Without `sidx` each fragment counts as a segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SegmentRun {
    /// Number of the first, from 0.
    pub first: usize,
    /// Number of the last.
    pub last: usize,
    /// Their keys, in the order of their first use; none: clear.
    #[serde(serialize_with = "kids")]
    pub kids: Vec<Kid>,
    /// Their samples.
    pub samples: u64,
    /// How many of these have at least one protected byte.
    pub protected_samples: u64,
}

fn kids<S: serde::Serializer>(kids: &[Kid], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(kids.iter().map(Kid::to_string))
}

/// A key in a track.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KidUse {
    /// Key id.
    #[serde(serialize_with = "pack::as_text::serialize")]
    pub kid: Kid,
    /// Samples under it.
    pub samples: u64,
    /// IV of the first.
    pub first_iv: String,
    /// IV of the last.
    pub last_iv: String,
}

impl TrackReport {
    pub(super) fn new(track: &isobmff::Track) -> Self {
        let entry = track.entries.first();
        let protection = track.entries.iter().find_map(|entry| entry.protection.as_ref());
        Self {
            id: track.id,
            media: track.handler.to_string(),
            format: entry.map(|entry| entry.format.to_string()).unwrap_or_default(),
            scheme: protection.map(|protection| protection.scheme.to_string()),
            language: Some(language_tag(track.language)).filter(|language| language != "und"),
            timescale: track.timescale,
            duration: 0.0,
            bit_rate: Rates::default(),
            groups: None,
            protection: None,
            samples: 0,
            protected_samples: 0,
            bytes: 0,
            protected_bytes: 0,
            keys: Vec::new(),
            segments: Vec::new(),
            timing: Timing::new(track.timescale),
        }
    }

    /// Says what follows from all samples.
    pub(super) fn finish(&mut self) {
        self.merge_segments();
        self.duration = self.timing.duration();
        self.bit_rate = self.timing.rates();
        self.groups = self.timing.groups().filter(|_| self.media == "vide");
    }

    pub(super) fn count_protection(&mut self, crypto: &SampleCrypto<'_>) {
        let encryption = &crypto.encryption;
        let pattern = (encryption.crypt_blocks, encryption.skip_blocks);
        let subsamples = crypto.subsamples.len() as u64;
        let this = self.protection.get_or_insert(SampleProtection {
            iv_size: encryption.iv_size,
            pattern: Some(pattern).filter(|pattern| *pattern != (0, 0)),
            subsamples: None,
        });
        if subsamples > 0 {
            let (least, most) = this.subsamples.unwrap_or((subsamples, subsamples));
            this.subsamples = Some((least.min(subsamples), most.max(subsamples)));
        }
    }

    /// Adds a fragment to what is known of its segment, which is the last or a new one.
    pub(super) fn count_segment(
        &mut self,
        segment: usize,
        kids: Vec<Kid>,
        samples: u64,
        protected_samples: u64,
    ) {
        match self.segments.last_mut().filter(|last| last.last == segment) {
            Some(last) => {
                last.samples += samples;
                last.protected_samples += protected_samples;
                for kid in kids {
                    if !last.kids.contains(&kid) {
                        last.kids.push(kid);
                    }
                }
            }
            None => self.segments.push(SegmentRun {
                first: segment,
                last: segment,
                kids,
                samples,
                protected_samples,
            }),
        }
    }

    /// Makes one run of neighbours with the same keys.
    fn merge_segments(&mut self) {
        self.segments.dedup_by(|next, run| {
            let same = next.kids == run.kids && next.first == run.last + 1;
            if same {
                run.last = next.last;
                run.samples += next.samples;
                run.protected_samples += next.protected_samples;
            }
            same
        });
    }

    pub(super) fn count_key(&mut self, kid: Kid, iv: &Iv) {
        match self.keys.iter_mut().find(|key| key.kid == kid) {
            Some(key) => {
                key.samples += 1;
                key.last_iv = iv.to_string();
            }
            None => {
                let iv = iv.to_string();
                self.keys.push(KidUse { kid, samples: 1, first_iv: iv.clone(), last_iv: iv });
            }
        }
    }
}
