//! Fragments and their samples: times, places, encryption, pictures.

use std::borrow::Cow;

use cenc::{Iv, Kid, Scheme, Subsample};
use cmaf::{Access, VideoStream};
use isobmff::{Fragment, FragmentSample};
use pack::{MediaType, Pack, Representation};

use super::auxiliary;
use super::header::Expected;
use super::ivs::Ivs;
use super::report::Found;
use crate::fragment_crypto::subsamples;
use crate::media_file::TopBox;

/// What was seen of a file.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) fragments: u64,
    pub(super) samples: u64,
    pub(super) protected_samples: u64,
    /// Ticks of the longest sample.
    pub(super) longest: u32,
    /// The file was read to its end.
    pub(super) whole: bool,
}

/// The fragments of a file, one after another.
pub(super) struct Fragments<'a> {
    pack: &'a Pack,
    r: &'a Representation,
    of: usize,
    expected: Option<Expected<'a>>,
    video: Option<VideoStream>,
    /// Where in the media the presentation begins: the edit list's.
    edit: i64,
    /// The segment that is read, and earliest and latest presentation times in it.
    segment: usize,
    earliest: i64,
    latest: i64,
    decode_time: Option<u64>,
    pub(super) told: Told,
}

/// A sample and what is known of its place.
struct Place<'a> {
    number: u64,
    segment: usize,
    begins_segment: bool,
    bytes: &'a [u8],
}

impl<'a> Fragments<'a> {
    pub(super) fn new(
        (pack, r, of): (&'a Pack, &'a Representation, usize),
        expected: Option<Expected<'a>>,
        video: Option<VideoStream>,
        edit: i64,
    ) -> Self {
        Self {
            pack,
            r,
            of,
            expected,
            video,
            edit,
            segment: 0,
            earliest: i64::MAX,
            latest: i64::MIN,
            decode_time: None,
            told: Told::default(),
        }
    }

    /// Takes the next fragment: `data` has its `moof` and `mdat`.
    ///
    /// # Errors
    /// Boxes that cannot be read; nothing can be said of what follows.
    pub(super) fn take(
        &mut self,
        fragment: &Fragment<'_>,
        data: &[u8],
        moof: &TopBox,
        mdat: &TopBox,
        found: &mut Found,
        ivs: &mut Ivs,
    ) -> Result<(), isobmff::Error> {
        let begins_segment = self.enter(moof.offset, mdat.end(), found);
        let number = self.told.fragments;
        self.told.fragments += 1;
        found.boxes.must(u64::from(fragment.sequence) == self.told.fragments, || {
            format!("fragment {number} has the sequence number {}", fragment.sequence)
        });
        let [track] = fragment.tracks() else {
            found.boxes.add(format!("fragment {number} has {} `traf` instead of 1", fragment.tracks().len()));
            return Ok(());
        };
        let time = track.base_decode_time;
        found.times.must(time.is_some() && (self.decode_time.is_none() || time == self.decode_time), || {
            let said = time.map_or_else(|| "nothing".to_owned(), |time| time.to_string());
            let wanted = self.decode_time.unwrap_or(0);
            format!("fragment {number}: `tfdt` says {said}, and the samples before it end at {wanted}")
        });
        let is_clear = self.expected.as_ref().is_some_and(|expected| expected.kid(self.segment).is_none());
        let entry = if is_clear { 2 } else { 1 };
        found.samples.must(track.description_index == entry, || {
            format!("fragment {number} is of sample entry {} instead of {entry}", track.description_index)
        });
        // Its own sample groups may name nothing but this segment's key; the samples tell.
        let mut at = moof.size + mdat.header_len;
        let mut entries = Vec::new();
        for (n, sample) in track.samples().enumerate() {
            let sample = sample?;
            let name = self.told.samples;
            let inside = sample.offset == at && at + u64::from(sample.size) <= data.len() as u64;
            if !found.samples.must(inside, || format!("sample {name} does not lie behind the one before it"))
            {
                return Ok(());
            }
            let bytes = &data[at as usize..(at + u64::from(sample.size)) as usize];
            at += u64::from(sample.size);
            if begins_segment && n == 0 {
                self.first_picture(at, found);
            }
            let place = Place {
                number: name,
                segment: self.segment,
                begins_segment: begins_segment && n == 0,
                bytes,
            };
            if let Some(crypto) = &sample.crypto {
                entries.push((usize::from(crypto.encryption.iv_size), crypto.subsamples.len()));
            }
            self.sample(&sample, &place, found, ivs);
        }
        found.boxes.must(at == data.len() as u64, || {
            format!("`mdat` of fragment {number} has {} octets of no sample", data.len() as u64 - at)
        });
        // Sound under cbcs has nothing to say for each sample.
        let silent = self.r.media_type == MediaType::Audio && self.pack.scheme == pack::Scheme::Cbcs;
        let entries = if silent { &[][..] } else { &entries };
        if let Some(what) = auxiliary::check(data, entries)? {
            found.samples.add(format!("fragment {number}: {what}"));
        }
        Ok(())
    }

    /// Compares where the segment's first picture ends, from the segment's beginning on.
    fn first_picture(&self, end: u64, found: &mut Found) {
        let said = self.r.segments.get(self.segment).and_then(|segment| segment.first_picture);
        found.index.must(said.is_none_or(|said| said == end), || {
            format!("the first picture of segment {} ends at {end}, pack.json says otherwise", self.segment)
        });
    }

    /// Finds the fragment's segment; whether it is the first of it.
    fn enter(&mut self, from: u64, to: u64, found: &mut Found) -> bool {
        let segments = &self.r.segments;
        let end = |n: usize| segments.get(n).map(|segment| segment.offset.saturating_add(segment.size));
        if self.told.fragments > 0 && end(self.segment) == Some(from) {
            self.close(found);
            self.segment += 1;
        }
        let begins = segments.get(self.segment).is_some_and(|segment| segment.offset == from);
        let inside = segments.get(self.segment).is_some_and(|segment| segment.offset <= from)
            && end(self.segment).is_some_and(|end| to <= end);
        found.index.must(inside, || {
            format!("the fragment at {from} reaches over the border of segment {}", self.segment)
        });
        begins
    }

    /// The segment is over: its times are as pack.json says.
    fn close(&mut self, found: &mut Found) {
        let (n, r) = (self.segment, self.r);
        let Some(segment) = r.segments.get(n) else { return };
        // What primes sound is decoded before the beginning and belongs to no segment's time.
        let primes = n == 0 && r.media_type == MediaType::Audio;
        let begin = self.earliest.saturating_add(if primes { self.edit } else { 0 }).max(0);
        let start = i64::try_from(segment.start).unwrap_or(i64::MAX);
        found.times.must(begin == start, || format!("segment {n} begins at {begin}, pack.json says {start}"));
        if n + 1 == r.segments.len() {
            let end = segment.start.saturating_add(segment.duration);
            found.times.must(self.latest == i64::try_from(end).unwrap_or(i64::MAX), || {
                format!("the last sample ends at {}, pack.json says {end}", self.latest)
            });
        } else {
            let next = r.segments.get(n + 1).map_or(0, |next| next.start);
            let end = segment.start.saturating_add(segment.duration);
            found
                .times
                .must(end == next, || format!("segment {n} ends at {end}, and the next begins at {next}"));
        }
        self.earliest = i64::MAX;
    }

    /// All fragments were taken.
    pub(super) fn finish(&mut self, found: &mut Found) {
        if self.told.fragments > 0 {
            self.close(found);
        }
        let (there, said) = (self.segment + 1, self.r.segments.len());
        found.index.must(there == said, || format!("the file has {there} segments, pack.json says {said}"));
    }

    fn sample(&mut self, sample: &FragmentSample<'_>, place: &Place<'_>, found: &mut Found, ivs: &mut Ivs) {
        self.told.samples += 1;
        self.told.longest = self.told.longest.max(sample.duration);
        self.decode_time = Some(sample.decode_time.wrapping_add(sample.duration.into()));
        let time = i64::try_from(sample.decode_time).unwrap_or(i64::MAX);
        let time = time.saturating_add(sample.composition_offset).saturating_sub(self.edit);
        self.earliest = self.earliest.min(time);
        self.latest = self.latest.max(time.saturating_add(sample.duration.into()));
        let Place { number, segment, begins_segment, .. } = *place;
        if begins_segment {
            found.samples.must(sample.is_sync(), || {
                format!("segment {segment} begins with sample {number}, which is no sync sample")
            });
        }
        let wanted = self.picture(sample, place, found);
        let kid = self.expected.as_ref().and_then(|expected| expected.kid(segment));
        match (&sample.crypto, kid) {
            (None, None) => {}
            (None, Some(_)) => {
                found.samples.add(format!("sample {number} is clear, and should be encrypted"))
            }
            (Some(_), None) => {
                found.samples.add(format!("sample {number} is encrypted, and should be clear"))
            }
            (Some(crypto), Some(kid)) => {
                let Some(expected) = &self.expected else { return };
                let named = Kid(*crypto.kid());
                found.keys.must(named == kid, || {
                    format!("sample {number}, in segment {segment}, is under KID {named} instead of {kid}")
                });
                found.keys.must(
                    named != kid || crypto.encryption == expected.encryption(kid, self.r.media_type),
                    || format!("sample {number} has another pattern or IV size than its track"),
                );
                match (Iv::from_slice(crypto.iv), expected.scheme) {
                    (Ok(iv), Scheme::Cenc) => ivs.push(self.of, named, &iv),
                    (Ok(_), Scheme::Cbcs) if self.r.ivs.as_ref().is_some_and(|ivs| ivs.explicit) => {
                        ivs.explicit()
                    }
                    (Ok(iv), Scheme::Cbcs) => ivs.constant(self.of, named, iv.block()),
                    (Err(_), _) => {}
                }
                let counted = expected.iv_of(number);
                found.samples.must(counted.is_none_or(|iv| iv.as_bytes() == crypto.iv), || {
                    format!(
                        "sample {number} has the IV {}, which does not follow from pack.json",
                        hex::encode(crypto.iv)
                    )
                });
                let parts = subsamples(crypto);
                let covered: u64 = parts.iter().map(|s| u64::from(s.clear) + u64::from(s.protected)).sum();
                let whole = parts.is_empty() || covered == u64::from(sample.size);
                found.samples.must(whole, || {
                    format!("the subsamples of sample {number} have {covered} of its {} octets", sample.size)
                });
                let protected = parts.is_empty() && sample.size > 0 || parts.iter().any(|s| s.protected > 0);
                self.told.protected_samples += u64::from(protected);
                found.samples.must(!whole || wanted.is_none_or(|wanted| wanted == parts), || {
                    format!("sample {number} has other octets encrypted than its pictures' data")
                });
            }
        }
    }

    /// Reads the headers of a picture, which stay clear: what of it should be protected. `None`: it cannot be
    /// told.
    fn picture(
        &mut self,
        sample: &FragmentSample<'_>,
        place: &Place<'_>,
        found: &mut Found,
    ) -> Option<Vec<Subsample>> {
        let Some(video) = &mut self.video else {
            return (self.r.media_type == MediaType::Audio).then(Vec::new);
        };
        let scheme = self.expected.as_ref().map_or(Scheme::Cenc, |expected| expected.scheme);
        let clear = sample.crypto.as_ref().map(|crypto| clear_part(place.bytes, &subsamples(crypto)));
        match video.sample(clear.as_deref().unwrap_or(place.bytes), scheme) {
            Ok(read) => {
                found.samples.must(!place.begins_segment || read.access != Access::None, || {
                    format!("decoding cannot begin with segment {}, sample {}", place.segment, place.number)
                });
                Some(read.protected(self.pack.level, sample.is_sync(), place.bytes.len()))
            }
            Err(what) => {
                found.samples.add(match clear {
                    None => format!("sample {}: {what}", place.number),
                    Some(_) => format!(
                        "sample {} has other octets encrypted than its pictures' data, or is damaged: in what of it is \
                         clear, {what}",
                        place.number
                    ),
                });
                None
            }
        }
    }
}

/// A sample as far as it is clear. What is encrypted says nothing and may look like anything, so ones stand
/// for it: a header that reaches into it ends elsewhere than its clear part does, or cannot be read.
fn clear_part<'a>(bytes: &'a [u8], parts: &[Subsample]) -> Cow<'a, [u8]> {
    let mut clear = Cow::Borrowed(bytes);
    let mut at = 0usize;
    for part in parts {
        let begin = at.saturating_add(part.clear.into());
        at = begin.saturating_add(part.protected as usize);
        if let Some(protected) = bytes.get(begin..at.min(bytes.len())).filter(|octets| !octets.is_empty()) {
            let end = begin + protected.len();
            clear.to_mut()[begin..end].fill(0xff);
        }
    }
    clear
}
