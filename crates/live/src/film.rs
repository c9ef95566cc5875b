//! A session that is over as a film: the same segments behind a header and an index, and what `pack.json`
//! says of them.

use cenc::Kid;
use cmaf::{segment_index, segment_index_len};
use isobmff::{BoxWriter, Boxes};
use pack::layout::{LAYOUT_VERSION, downloadable_id, media_path};
use pack::{
    AudioProperties, AudioRole, ByteRange, Fraction, IvRange, MediaType, Pack, PackKey, PackProtection,
    PsshData, Representation, Scheme, Segment, VideoProperties,
};

use crate::broadcast::Broadcast;
use crate::lives::Lives;
use crate::record::stretch_end;
pub use crate::record::{Record, Recorded, RecordedKeys, RecordedSource, RecordedTrack};
use crate::source::Kind;
use crate::window::SegmentEntry;

impl Record {
    /// Of a session as it is.
    pub fn of(broadcast: &Broadcast) -> Self {
        Self {
            session: broadcast.session().to_string(),
            protection: broadcast.keys().map(|keys| RecordedKeys {
                scheme: keys.scheme.to_string(),
                level: keys.level.to_string(),
                content_id: keys.content_id.to_string(),
                label: keys.label.to_string(),
                common_key_id: keys.common_key_id.clone(),
                segments_per_key: keys.segments_per_key,
            }),
            representations: broadcast
                .representations()
                .map(|r| Recorded {
                    id: r.id().to_owned(),
                    codecs: r.source().codecs.clone(),
                    timescale: r.source().timescale,
                    language: r.language(),
                    video: match &r.source().kind {
                        Kind::Video { size: (width, height), sar, range, .. } => {
                            Some((*width, *height, *sar, (*range).to_owned()))
                        }
                        Kind::Audio { .. } => None,
                    },
                    audio: match r.source().kind {
                        Kind::Audio { sample_rate, channels } => Some((sample_rate, channels)),
                        Kind::Video { .. } => None,
                    },
                    first_iv: r.first_iv(),
                    source: Some(r.source().record(r.name())),
                })
                .collect(),
            lives: broadcast.lives().clone(),
            runs: broadcast.latest_runs().collect(),
        }
    }
}

/// Why no film can be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FilmError {
    /// There is not a single segment that is whole in all of some pictures or sound.
    #[error("the session has no segment that is whole")]
    Nothing,
    /// What was written down cannot be read.
    #[error("what was written down of the session cannot be read: {0}")]
    Record(&'static str),
    /// The header cannot be read.
    #[error(transparent)]
    Boxes(#[from] isobmff::Error),
    /// An index cannot say it.
    #[error(transparent)]
    Cmaf(#[from] cmaf::Error),
}

/// A representation of the film: what stands in front of its segments, and which those are.
#[derive(Debug, Clone, PartialEq)]
pub struct FilmTrack {
    /// What is known of it; size and digest of the file are for whoever writes it.
    pub representation: Representation,
    /// Header and index.
    pub head: Vec<u8>,
    /// The numbers of the segments that follow.
    pub numbers: Vec<u64>,
}

/// A session as a film.
#[derive(Debug, Clone, PartialEq)]
pub struct Film {
    /// What is known of all of it; its representations are those of the tracks.
    pub pack: Pack,
    /// The tracks, pictures first.
    pub tracks: Vec<FilmTrack>,
}

impl Film {
    /// The film of a session. All representations of a film have the same segments: those from the first that
    /// the leading representation has (pictures before sound, the one with most segments) to its last, as
    /// long as no number is missing, of each life of the session; representations that lack one of them are
    /// left out. `kid` names the key of a rotation period.
    ///
    /// # Errors
    /// [`FilmError`].
    pub fn new(
        record: &Record,
        mut tracks: Vec<RecordedTrack>,
        kid: &dyn Fn(u32) -> Kid,
        (movie_id, title): (u64, &str),
    ) -> Result<Self, FilmError> {
        let numbers = numbers(&record.lives, &tracks).filter(|numbers| !numbers.is_empty());
        let numbers = numbers.ok_or(FilmError::Nothing)?;
        let in_film = |segment: &SegmentEntry| numbers.binary_search(&segment.number).is_ok();
        tracks.retain(|track| track.segments.iter().filter(|one| in_film(one)).count() == numbers.len());
        tracks.sort_by_key(|track| track.recorded.video.is_none());
        let protection = record
            .protection
            .as_ref()
            .map(|keys| protection(keys, (&record.lives, &numbers), &tracks, kid))
            .transpose()?;
        let mut made = Vec::new();
        for track in &mut tracks {
            track.segments.retain(in_film);
            let default = !made.iter().any(|other: &FilmTrack| other.representation.audio.is_some());
            made.push(film_track(track, &record.session, protection.as_ref(), default)?);
        }
        // To the end of the longest.
        let ends = made.iter().map(|track| {
            let r = &track.representation;
            (r.segments.last().map_or(0, |last| last.start.saturating_add(last.duration)), r.timescale)
        });
        let longest =
            ends.max_by(|a, b| (u128::from(a.0) * u128::from(b.1)).cmp(&(u128::from(b.0) * u128::from(a.1))));
        let (value, timescale) = longest.ok_or(FilmError::Nothing)?;
        let duration = Fraction { value, timescale };
        let (scheme, level) = match &record.protection {
            None => (Scheme::None, pack::Level::High),
            Some(keys) => (
                keys.scheme.parse().map_err(|_| FilmError::Record("its scheme"))?,
                keys.level.parse().map_err(|_| FilmError::Record("its level"))?,
            ),
        };
        let pack = Pack {
            version: LAYOUT_VERSION,
            pack_id: record.session.clone(),
            movie_id,
            title: title.to_owned(),
            duration,
            scheme,
            level,
            protection,
            poster: None,
            representations: made.iter().map(|track| track.representation.clone()).collect(),
            subtitles: Vec::new(),
            thumbnails: None,
            chapters: Vec::new(),
        };
        Ok(Self { pack, tracks: made })
    }
}

/// The numbers of a film's segments, ascending.
fn numbers(lives: &Lives, tracks: &[RecordedTrack]) -> Option<Vec<u64>> {
    let rank = |track: &&RecordedTrack| (track.recorded.video.is_some(), track.segments.len());
    let leader = tracks.iter().max_by_key(rank)?;
    let mut all = Vec::new();
    for (begun, count) in lives.stretches() {
        // A session's first segment may be missing; in later lives places are counted.
        let first = match begun {
            0 => leader.segments.first()?.number,
            begun => begun,
        };
        let end = match count {
            Some(count) => begun.saturating_add(count),
            None => stretch_end(tracks, first).unwrap_or(first),
        };
        // Only numbers that are on the disk: what was written down may be wrong.
        let within = leader.segments.iter().map(|segment| segment.number);
        all.extend(within.filter(|number| (first..end).contains(number)));
    }
    Some(all)
}

fn protection(
    keys: &RecordedKeys,
    (lives, numbers): (&Lives, &[u64]),
    tracks: &[RecordedTrack],
    kid: &dyn Fn(u32) -> Kid,
) -> Result<PackProtection, FilmError> {
    let per_key = u64::from(keys.segments_per_key);
    let places_are_right =
        || numbers.iter().enumerate().all(|(place, number)| lives.place(*number) == place as u64);
    if per_key > 0 && !places_are_right() {
        // Segments of a film are counted from its first.
        return Err(FilmError::Record("keys change, and a segment is missing"));
    }
    let last_place = (numbers.len() as u64).saturating_sub(1);
    let last_period = last_place.checked_div(per_key).unwrap_or(0);
    let lead = tracks.first().ok_or(FilmError::Nothing)?;
    let last_period = u32::try_from(last_period).map_err(|_| FilmError::Record("its number of segments"))?;
    let name = |period: u32| {
        let number = lives.number(u64::from(period) * per_key);
        let start = lead.segments.iter().find(|segment| segment.number == number).filter(|_| period > 0);
        let start = Fraction { value: start.map_or(0, |s| s.start), timescale: lead.recorded.timescale };
        PackKey { kid: kid(period), period, start, label: None }
    };
    Ok(PackProtection {
        content_id: keys.content_id.parse().map_err(|_| FilmError::Record("its content id"))?,
        label: keys.label.parse().map_err(|_| FilmError::Record("its label"))?,
        common_key_id: Some(keys.common_key_id.clone()),
        keys: (0..=last_period).map(name).collect(),
        segments_per_key: keys.segments_per_key,
        clear_segments: 0,
        systems: Vec::new(),
    })
}

fn film_track(
    track: &RecordedTrack,
    session: &str,
    protection: Option<&PackProtection>,
    default: bool,
) -> Result<FilmTrack, FilmError> {
    let RecordedTrack { recorded, header, segments } = track;
    let first = segments.first().ok_or(FilmError::Nothing)?;
    let last = segments.last().ok_or(FilmError::Nothing)?;
    let end = last.start.saturating_add(last.duration);
    let pssh = protection.map(|names| PsshData::of(names, None).to_box());
    let mut head = film_header(header, end, pssh)?;
    let header_len = head.len() as u64;
    let index_len = segment_index_len(segments.len()) as u64;
    let mut offset = header_len + index_len;
    let mut listed = Vec::with_capacity(segments.len());
    for (n, segment) in segments.iter().enumerate() {
        // To the next one's start, whatever was expected of it.
        let next = segments.get(n + 1).map_or(end, |next| next.start);
        let duration = next.saturating_sub(segment.start).max(1);
        let (start, size) = (segment.start, segment.size);
        // Where its first picture ends was not noted: such a film has no I-frame playlists.
        listed.push(Segment { start, duration, offset, size, first_picture: None });
        offset += segment.size;
    }
    let sizes = listed.iter().map(|segment| (segment.size, segment.duration));
    head.extend_from_slice(&segment_index(recorded.timescale, first.start, sizes)?);
    let rate = |bytes: u64, ticks: u64, up: bool| {
        let ticks = u128::from(ticks.max(1));
        let bits = u128::from(bytes) * 8 * u128::from(recorded.timescale);
        ((bits + if up { ticks - 1 } else { ticks / 2 }) / ticks) as u64
    };
    let samples: u64 = segments.iter().map(|segment| segment.samples).sum();
    let ticks = end.saturating_sub(first.start);
    let media_type = if recorded.video.is_some() { MediaType::Video } else { MediaType::Audio };
    let id = downloadable_id(session, &recorded.id);
    let representation = Representation {
        id: recorded.id.clone(),
        path: media_path(&id, "mp4"),
        downloadable_id: id,
        media_type,
        mime_type: format!("{media_type}/mp4"),
        codecs: recorded.codecs.clone(),
        group: if recorded.video.is_some() { "video".to_owned() } else { recorded.id.clone() },
        timescale: recorded.timescale,
        bitrate: (rate(offset, ticks, false) + 500) / 1000,
        peak_bandwidth: listed.iter().map(|s| rate(s.size, s.duration, true)).max().unwrap_or(0),
        label: None,
        language: recorded.language.clone(),
        video: recorded.video.as_ref().map(|(width, height, sar, range)| VideoProperties {
            width: *width,
            height: *height,
            sar: *sar,
            frame_rate: frame_rate(samples, ticks, recorded.timescale),
            video_range: range.clone(),
        }),
        audio: recorded.audio.map(|(sample_rate, channels)| AudioProperties {
            sample_rate,
            channels,
            bits: None,
            default,
            role: AudioRole::Main,
            label: None,
        }),
        size: offset,
        sha256: String::new(),
        init_range: ByteRange { first: 0, last: header_len - 1 },
        index_range: ByteRange { first: header_len, last: header_len + index_len - 1 },
        max_segment: listed.iter().map(|segment| segment.size).max().unwrap_or(0),
        segments: listed,
        samples,
        protected_samples: segments.iter().map(|segment| segment.protected).sum(),
        ivs: recorded.first_iv.clone().map(|first| IvRange { first, count: samples, explicit: false }),
    };
    let numbers = segments.iter().map(|segment| segment.number).collect();
    Ok(FilmTrack { representation, head, numbers })
}

/// Pictures a second on average.
fn frame_rate(pictures: u64, ticks: u64, timescale: u32) -> Fraction {
    // To a thousandth; the timescale stays small.
    let rate = u128::from(pictures) * 1000 * u128::from(timescale) / u128::from(ticks.max(1));
    let value = u64::try_from(rate).unwrap_or(u64::MAX);
    // Cameras know 25 and 30 000 / 1001, and not what lies beside them.
    let usual = [(24_000, 1001), (24, 1), (25, 1), (30_000, 1001), (30, 1), (50, 1), (60_000, 1001), (60, 1)];
    let near = usual.into_iter().find(|(n, d)| (n * 1000 / u64::from(*d)).abs_diff(value) <= 10);
    near.map_or(Fraction { value, timescale: 1000 }.reduced(), |(value, timescale)| Fraction {
        value,
        timescale,
    })
}

/// The header with the film's duration and with what names all of its keys.
fn film_header(header: &[u8], duration: u64, pssh: Option<isobmff::Pssh>) -> Result<Vec<u8>, isobmff::Error> {
    let mut out = BoxWriter::new();
    for found in Boxes::new(header) {
        let found = found?;
        if found.kind != b"moov" {
            out.boxed(&found.kind.0, |out| out.bytes(found.payload));
            continue;
        }
        let children: Vec<_> = found.children(0).collect::<Result<_, _>>()?;
        out.boxed(b"moov", |out| {
            for child in children.iter().filter(|child| child.kind != b"pssh") {
                let at = out.len();
                out.boxed(&child.kind.0, |out| out.bytes(child.payload));
                // `mehd` is the first box of `mvex`, version 1: as this crate's headers have it.
                if child.kind == b"mvex" && child.payload.get(4..12) == Some(b"mehd\x01\0\0\0") {
                    out.patch_u32(at + 8 + 12, (duration >> 32) as u32);
                    out.patch_u32(at + 8 + 16, duration as u32);
                }
            }
            if let Some(pssh) = &pssh {
                pssh.write(out);
            }
        });
    }
    Ok(out.into_bytes())
}
