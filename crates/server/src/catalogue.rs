//! The packs in the library, as the packager left them: read once, never changing.

use crate::Error;
use crate::content_place::ContentPlace;
use crate::content_rules::ContentRules;
use crate::keys::imported::{self, SealedKey};
use crate::media_url::MediaPath;
use cenc::{Kid, Label};
use futures_util::{StreamExt as _, TryStreamExt as _, future, stream};
use license::KeyName;
use nccp::{Art, ByteRange, Fraction, Level, MediaType, Resolution, Scheme};
use pack::{Pack as PackFile, layout};
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};
use storage::{Folder, Key, Storage, Trouble};

/// Longest `pack.json` that is read, in octets: some hundred hours of film.
pub(crate) const MAX_PACK_JSON: u64 = 64 << 20;

/// The first octets of a picture, among which its size is said, behind whatever a camera wrote before it.
const PICTURE_HEAD: u64 = 256 << 10;

/// Files of a pack that are asked for at the same time.
const HEADS: usize = 16;

/// Packs that cannot be read, of which that is remembered: anybody may ask for any.
const MAX_FAILED: usize = 1024;

/// The packs in a storage, `{pack id}/pack.json`.
#[derive(Debug)]
pub struct Catalogue {
    library: Arc<dyn Storage>,
    /// How long it is remembered that a pack cannot be read or lacks keys; `None` where reading costs nothing.
    memory: Option<Duration>,
    /// With when they were read.
    packs: RwLock<HashMap<String, (Arc<Pack>, Instant)>>,
    /// Why packs cannot be read, with when that was tried.
    failed: RwLock<HashMap<String, (Error, Instant)>>,
    /// Packs that are being read: whoever wants one of them waits for its turn.
    reading: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
    /// What is live now, as far as there is anything of it.
    live: RwLock<HashMap<String, Arc<Pack>>>,
}

/// A representation of a session that is live.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LiveRepresentation {
    pub(crate) id: String,
    pub(crate) media_type: MediaType,
    pub(crate) codecs: String,
    pub(crate) timescale: u32,
    /// bit/s: highest, and on average.
    pub(crate) bandwidth: (u64, u64),
    pub(crate) label: String,
    pub(crate) resolution: Option<Resolution>,
}

/// What manifests and licenses need to know of a pack.
#[derive(Debug, Clone, PartialEq)]
pub struct Pack {
    /// 32 hex digits; the name of its folder in the library.
    pub id: String,
    /// Where its files are in URLs, behind `/s/`: its id, or set, revision and path of a content.
    pub place: String,
    /// What the catalogue calls it: its id, or set and path of a content.
    pub name: String,
    /// What an origin's configuration says over the catalogue.
    pub(crate) rules: ContentRules,
    /// The movie that it was packaged as.
    pub movie_id: u64,
    /// The title that it was packaged with.
    pub title: String,
    /// Exact length.
    pub duration: Fraction,
    /// What keys are derived for; empty for clear films.
    pub content_id: String,
    /// The keys by period; empty for clear films.
    pub keys: Vec<KeyName>,
    /// Keys that were given to the packager, sealed.
    pub(crate) given_keys: Vec<SealedKey>,
    /// When each key begins to hold.
    key_starts: Vec<pack::Fraction>,
    /// Segments under each; 0: there is one key.
    segments_per_key: u32,
    /// How samples are protected.
    pub scheme: Scheme,
    /// Which samples are protected.
    pub level: Level,
    /// Files, video by bit rate first.
    pub representations: Vec<Representation>,
    /// Subtitles.
    pub subtitles: Vec<pack::Subtitle>,
    /// Small pictures for seeking.
    pub thumbnails: Option<pack::Thumbnails>,
    /// Chapters, ascending.
    pub chapters: Vec<pack::Chapter>,
    /// Pictures, by URL path.
    pub art: Vec<Art>,
}

/// One file of a pack.
#[derive(Debug, Clone, PartialEq)]
pub struct Representation {
    /// Its name in the pack, such as `v720-2100`.
    pub id: String,
    /// Ten digits.
    pub downloadable_id: String,
    /// Extension of the file.
    pub extension: String,
    /// Octets.
    pub size: u64,
    /// SHA-256 of the file, hexadecimal, as the packager wrote it.
    pub sha256: String,
    /// Average kbit/s.
    pub bitrate: u32,
    /// Picture or sound.
    pub media_type: MediaType,
    /// Without parameters.
    pub mime_type: String,
    /// RFC 6381.
    pub codecs: String,
    /// Alternatives of one track have one group.
    pub group: String,
    /// Label of its keys; empty for clear films.
    pub label: String,
    /// bit/s of the highest segment.
    pub peak_bandwidth: u64,
    /// Ticks per second.
    pub timescale: u32,
    /// Picture size.
    pub resolution: Option<Resolution>,
    /// Pictures per second.
    pub frame_rate: Option<Fraction>,
    /// `w:h`.
    pub sar: Option<String>,
    /// `SDR`, `PQ` or `HLG`.
    pub video_range: Option<String>,
    /// Samples per second.
    pub sample_rate: Option<u32>,
    /// Channels.
    pub channels: Option<u16>,
    /// BCP 47, audio only.
    pub language: Option<String>,
    /// Whether to begin with this track.
    pub default: bool,
    /// What the track is for, audio only.
    pub role: Option<String>,
    /// Name of the track for people.
    pub name: Option<String>,
    /// `ftyp` and `moov`.
    pub init_range: ByteRange,
    /// `sidx`.
    pub index_range: ByteRange,
    /// In order.
    pub segments: Vec<Segment>,
}

/// What is fetched at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// Presentation time in ticks.
    pub start: u64,
    /// Octets in the file.
    pub range: ByteRange,
}

impl Representation {
    /// Whether it is sound, or a picture of at most this height.
    fn is_within(&self, max_height: Option<u32>) -> bool {
        let allowed = |picture: Resolution| max_height.is_none_or(|height| picture.height <= height);
        self.resolution.is_none_or(allowed)
    }

    /// The segment that holds a position in seconds: the last that begins at or before it.
    pub fn segment_at(&self, seconds: f64) -> Option<Segment> {
        let ticks = (seconds.max(0.0) * f64::from(self.timescale)) as u64;
        let after = self.segments.partition_point(|segment| segment.start <= ticks);
        self.segments.get(after.saturating_sub(1)).copied()
    }
}

impl Pack {
    /// Reads the pack below a prefix, or the one that the storage is, and checks that its files are there.
    ///
    /// # Errors
    /// [`Error::Pack`] where something is missing or not what it should be; [`Error::Storage`] where that cannot be
    /// known now.
    pub async fn read(storage: &dyn Storage, prefix: Option<&Key>) -> Result<Self, Error> {
        let failed = |error: storage::Error| unread(storage, prefix, error);
        let (mut pack, poster) = Self::described(storage, prefix).await?;
        if let Some(name) = poster {
            let key = Key::below(prefix, &name).map_err(|e| failed(e.into()))?;
            let url = format!("/art/{}/{name}", pack.id);
            pack.art = picture(storage, key, url).await.map_err(failed)?.into_iter().collect();
        }
        pack.given_keys = imported::read(storage, prefix).await?;
        let told: Vec<(Key, u64)> = pack
            .files()
            .map(|(name, told, _)| Ok((Key::below(prefix, &name).map_err(|e| failed(e.into()))?, told)))
            .collect::<Result<_, Error>>()?;
        let heads = told.into_iter().map(|(key, told)| async move {
            let size = storage.head(&key).await.map_err(|error| unread(storage, prefix, error))?.size;
            match size == told {
                true => Ok(()),
                false => Err(bad(storage, prefix, format!("{key} has {size} octets, not {told}"))),
            }
        });
        stream::iter(heads).buffered(HEADS).try_for_each(|()| future::ready(Ok(()))).await?;
        Ok(pack)
    }

    /// What `pack.json` says, and the poster's name: whether the files are there is not asked.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub(crate) async fn described(
        storage: &dyn Storage,
        prefix: Option<&Key>,
    ) -> Result<(Self, Option<String>), Error> {
        let failed = |error: storage::Error| unread(storage, prefix, error);
        let wrong = |reason: String| bad(storage, prefix, reason);
        let key = Key::below(prefix, layout::PACK_JSON).map_err(|e| failed(e.into()))?;
        let json = storage.get(&key, None).await.map_err(failed)?;
        if json.size > MAX_PACK_JSON {
            return Err(wrong(format!("pack.json has {} octets; {MAX_PACK_JSON} are allowed", json.size)));
        }
        let json = json.bytes().await.map_err(failed)?;
        let file = PackFile::from_json(&json).map_err(|e| wrong(e.to_string()))?;
        let poster = file.poster.clone();
        let pack = Self::from_file(file)
            .ok_or_else(|| wrong("pack.json has numbers that a manifest cannot carry".to_owned()))?;
        Ok((pack, poster))
    }

    /// Checks that the files of the pack below a prefix, or of the one that the storage is, are those that
    /// `pack.json` names, by their digests. Reads all of them.
    ///
    /// # Errors
    /// [`Error::Pack`], [`Error::Storage`].
    pub async fn verify(&self, storage: &dyn Storage, prefix: Option<&Key>) -> Result<(), Error> {
        for (name, _, sha256) in self.files() {
            let key = Key::below(prefix, &name).map_err(storage::Error::from)?;
            if digest(storage, &key).await? != sha256 {
                let reason = format!("{name} is not the file that pack.json names: its SHA-256 is another");
                return Err(Error::Pack { pack: self.id.clone(), reason });
            }
        }
        Ok(())
    }

    /// The names of the files that are missing, or are not those that `pack.json` names. Reads all of them.
    ///
    /// # Errors
    /// [`Error::Storage`] where that cannot be known now.
    pub(crate) async fn damaged(
        &self,
        storage: &dyn Storage,
        prefix: Option<&Key>,
    ) -> Result<Vec<String>, Error> {
        let mut damaged = Vec::new();
        for (name, _, sha256) in self.files() {
            let key = Key::below(prefix, &name).map_err(storage::Error::from)?;
            match digest(storage, &key).await {
                Ok(found) if found == sha256 => {}
                Ok(_) => damaged.push(name),
                Err(error) if error.is_not_found() => damaged.push(name),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(damaged)
    }

    /// All files that `pack.json` names but the poster: path, size, SHA-256.
    pub(crate) fn files(&self) -> impl Iterator<Item = (String, u64, &str)> {
        let media = self
            .representations
            .iter()
            .map(|r| (layout::media_path(&r.downloadable_id, &r.extension), r.size, &r.sha256[..]));
        let texts = self.subtitles.iter().map(|subtitle| &subtitle.file);
        let pictures =
            self.thumbnails.iter().flat_map(|t| [&t.bif].into_iter().chain(&t.sheets).chain(&t.sheet_index));
        media.chain(texts.chain(pictures).map(|file| (file.path.clone(), file.size, &file.sha256[..])))
    }

    /// What is live, as if it were a film without end: no files, but keys and representations.
    pub(crate) fn of_live(
        (id, movie_id, title): (String, u64, String),
        content_id: String,
        keys: Vec<KeyName>,
        scheme: Scheme,
        level: Level,
        representations: Vec<LiveRepresentation>,
    ) -> Option<Self> {
        let none = ByteRange::new(0, 0).ok()?;
        let representation = |r: LiveRepresentation| Representation {
            downloadable_id: layout::downloadable_id(&id, &r.id),
            id: r.id.clone(),
            extension: "mp4".to_owned(),
            size: 0,
            sha256: String::new(),
            bitrate: u32::try_from(r.bandwidth.1.div_ceil(1000)).unwrap_or(u32::MAX),
            mime_type: format!("{}/mp4", r.media_type),
            group: if r.media_type == MediaType::Video { "video".to_owned() } else { r.id.clone() },
            media_type: r.media_type,
            codecs: r.codecs,
            label: r.label,
            peak_bandwidth: r.bandwidth.0,
            timescale: r.timescale,
            resolution: r.resolution,
            frame_rate: None,
            sar: None,
            video_range: None,
            sample_rate: None,
            channels: None,
            language: None,
            default: true,
            role: None,
            name: None,
            init_range: none,
            index_range: none,
            segments: Vec::new(),
        };
        Some(Self {
            movie_id,
            title,
            duration: Fraction::new(0, 1).ok()?,
            content_id,
            key_starts: Vec::new(),
            keys,
            given_keys: Vec::new(),
            segments_per_key: 0,
            scheme,
            level,
            representations: representations.into_iter().map(representation).collect(),
            subtitles: Vec::new(),
            thumbnails: None,
            chapters: Vec::new(),
            art: Vec::new(),
            place: id.clone(),
            name: id.clone(),
            rules: ContentRules::default(),
            id,
        })
    }

    /// As [`Pack::read`], of the pack in a folder.
    ///
    /// # Errors
    /// As [`Pack::read`].
    pub async fn read_folder(folder: &Path) -> Result<Self, Error> {
        Self::read(&Folder::new(folder), None).await
    }

    /// What `pack.json` says, without pictures and keys. `None` if a manifest cannot carry its numbers.
    pub(crate) fn of_file(file: PackFile) -> Option<Self> {
        Self::from_file(file)
    }

    fn from_file(file: PackFile) -> Option<Self> {
        let protection = file.protection.as_ref();
        let keys = protection.map_or_else(Vec::new, |protection| {
            let name = |key: &pack::PackKey| KeyName {
                kid: key.kid,
                // A film with keys that were given has none.
                common_key_id: protection.common_key_id.clone().unwrap_or_default(),
                label: key.label.as_ref().unwrap_or(&protection.label).as_str().to_owned(),
                period: key.period,
            };
            protection.keys.iter().map(name).collect()
        });
        Some(Self {
            art: Vec::new(),
            place: file.pack_id.clone(),
            name: file.pack_id.clone(),
            rules: ContentRules::default(),
            movie_id: file.movie_id,
            title: file.title,
            duration: Fraction::new(file.duration.value, u64::from(file.duration.timescale)).ok()?,
            content_id: protection.map(|p| p.content_id.as_str().to_owned()).unwrap_or_default(),
            key_starts: protection.map(|p| p.keys.iter().map(|key| key.start).collect()).unwrap_or_default(),
            segments_per_key: protection.map_or(0, |p| p.segments_per_key),
            keys,
            given_keys: Vec::new(),
            scheme: match file.scheme {
                pack::Scheme::None => Scheme::None,
                pack::Scheme::Cenc => Scheme::Cenc,
                pack::Scheme::Cbcs => Scheme::Cbcs,
            },
            level: match file.level {
                pack::Level::High => Level::High,
                pack::Level::Medium => Level::Medium,
                pack::Level::Low => Level::Low,
            },
            representations: {
                let label = protection.map(|protection| &protection.label);
                file.representations.into_iter().map(|r| representation(r, label)).collect::<Option<_>>()?
            },
            subtitles: file.subtitles,
            thumbnails: file.thumbnails,
            chapters: file.chapters,
            id: file.pack_id,
        })
    }

    /// A film that an origin makes, by the `pack.json` that it would have; `place` is where it is in URLs. `None` if
    /// a manifest cannot carry its numbers.
    pub(crate) fn of_content(file: PackFile, place: &ContentPlace, rules: ContentRules) -> Option<Self> {
        let name = place.name().to_string();
        Some(Self { place: place.to_string(), name, rules, ..Self::from_file(file)? })
    }

    /// When each key begins to hold, in the representation's ticks, with the key's name: the start of the
    /// segment where it does, for tracks are not all cut at the same instant.
    pub fn key_periods<'a>(&'a self, r: &'a Representation) -> impl Iterator<Item = (&'a KeyName, u64)> {
        let keys = self.keys.iter().zip(&self.key_starts).filter(|(key, _)| key.label == r.label);
        keys.map(move |(key, start)| {
            let segment = u64::from(key.period) * u64::from(self.segments_per_key);
            let begun = usize::try_from(segment).ok().filter(|n| *n > 0).and_then(|n| r.segments.get(n));
            let ticks =
                u128::from(start.value) * u128::from(r.timescale) / u128::from(start.timescale.max(1));
            (key, begun.map_or(u64::try_from(ticks).unwrap_or(u64::MAX), |segment| segment.start))
        })
    }

    /// The files that a policy with this greatest height lets be played: sound, and pictures up to it.
    pub fn up_to(&self, max_height: Option<u32>) -> impl Iterator<Item = &Representation> {
        self.representations.iter().filter(move |r| r.is_within(max_height))
    }

    /// Whether a policy with this greatest height lets a picture be shown.
    pub fn has_picture(&self, max_height: Option<u32>) -> bool {
        self.up_to(max_height).any(|r| r.media_type == MediaType::Video)
    }

    /// The keys of the files that a policy with this greatest height lets be played: all of the film's, unless
    /// its heights have keys of their own.
    pub fn keys_up_to(&self, max_height: Option<u32>) -> impl Iterator<Item = &KeyName> {
        self.keys.iter().filter(move |key| self.up_to(max_height).any(|r| r.label == key.label))
    }

    /// The KIDs of keys that were given to the packager and are not kept here: no license can be made for
    /// them.
    pub fn missing_keys(&self) -> impl Iterator<Item = Kid> {
        let given = self.keys.iter().filter(|key| key.common_key_id.is_empty());
        given.filter(|key| !self.given_keys.iter().any(|kept| kept.is_of(&key.kid))).map(|key| key.kid)
    }

    /// One representation of each group: the movie's tracks.
    pub fn tracks(&self) -> Vec<&Representation> {
        let mut tracks: Vec<&Representation> = Vec::new();
        for r in &self.representations {
            if !tracks.iter().any(|track| track.group == r.group) {
                tracks.push(r);
            }
        }
        tracks
    }

    /// Key in the library and media type of one of the pack's pictures.
    pub fn picture(&self, name: &str) -> Option<(Key, &'static str)> {
        let url = format!("/art/{}/{name}", self.id);
        self.art.iter().find(|art| art.url == url)?;
        let media_type = layout::media_type(name.rsplit_once('.')?.1);
        let key = format!("{}/{name}", self.id).parse().ok()?;
        media_type.starts_with("image/").then_some((key, media_type))
    }
}

fn bad(storage: &dyn Storage, prefix: Option<&Key>, reason: String) -> Error {
    Error::Pack { pack: prefix.map_or_else(|| storage.to_string(), Key::to_string), reason }
}

/// What a storage's error says of a pack: that it is not there, or that this cannot be known now.
fn unread(storage: &dyn Storage, prefix: Option<&Key>, error: storage::Error) -> Error {
    match error {
        storage::Error::NotFound { .. } | storage::Error::Range { .. } | storage::Error::Key(_) => {
            bad(storage, prefix, error.to_string())
        }
        error => Error::Storage(error),
    }
}

/// The SHA-256 of an object, hexadecimal.
async fn digest(storage: &dyn Storage, key: &Key) -> Result<String, storage::Error> {
    let mut digest = Sha256::new();
    let mut body = storage.get(key, None).await?.body;
    while let Some(piece) = body.try_next().await? {
        digest.update(&piece);
    }
    Ok(hex::encode(digest.finalize()))
}

/// A picture as clients are told of it; `None` where it is none, or there is none.
async fn picture(storage: &dyn Storage, key: Key, url: String) -> Result<Option<Art>, storage::Error> {
    let head = match storage.get(&key, Some(0..PICTURE_HEAD)).await {
        Ok(object) => object.bytes().await?,
        Err(storage::Error::NotFound { .. } | storage::Error::Range { .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    let art = |size: imagesize::ImageSize| {
        Some(Art { url, width: u32::try_from(size.width).ok()?, height: u32::try_from(size.height).ok()? })
    };
    Ok(imagesize::blob_size(&head).ok().and_then(art))
}

fn range(r: pack::ByteRange) -> Option<ByteRange> {
    ByteRange::new(r.first, r.last).ok()
}

fn representation(r: pack::Representation, label: Option<&Label>) -> Option<Representation> {
    let segment = |s: &pack::Segment| {
        let last = s.offset.checked_add(s.size)?.checked_sub(1)?;
        Some(Segment { start: s.start, range: ByteRange::new(s.offset, last).ok()? })
    };
    let audio = r.media_type == pack::MediaType::Audio;
    Some(Representation {
        extension: r.extension().to_owned(),
        id: r.id,
        segments: r.segments.iter().map(segment).collect::<Option<_>>()?,
        init_range: range(r.init_range)?,
        index_range: range(r.index_range)?,
        size: r.size,
        sha256: r.sha256,
        bitrate: u32::try_from(r.bitrate).ok()?,
        media_type: if audio { MediaType::Audio } else { MediaType::Video },
        mime_type: r.mime_type,
        codecs: r.codecs,
        group: r.group,
        label: r.label.as_ref().or(label).map(|label| label.as_str().to_owned()).unwrap_or_default(),
        peak_bandwidth: r.peak_bandwidth,
        timescale: r.timescale,
        resolution: r.video.as_ref().map(|v| Resolution { width: v.width, height: v.height }),
        frame_rate: match &r.video {
            Some(v) => Some(Fraction::new(v.frame_rate.value, u64::from(v.frame_rate.timescale)).ok()?),
            None => None,
        },
        sar: r.video.as_ref().map(|v| format!("{}:{}", v.sar[0], v.sar[1])),
        video_range: r.video.as_ref().map(|v| v.video_range.clone()),
        sample_rate: r.audio.as_ref().map(|a| a.sample_rate),
        channels: r.audio.as_ref().map(|a| a.channels),
        language: audio.then_some(r.language),
        default: r.audio.as_ref().is_some_and(|a| a.default),
        role: r.audio.as_ref().map(|a| a.role.to_string()),
        name: r.audio.as_ref().and_then(|a| a.label.clone()),
        downloadable_id: r.downloadable_id,
    })
}

/// One that reads a pack, or waits until another has read it.
struct Turn<'a> {
    catalogue: &'a Catalogue,
    id: &'a str,
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl<'a> Turn<'a> {
    fn new(catalogue: &'a Catalogue, id: &'a str) -> Self {
        let mut reading = catalogue.reading.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = Arc::clone(reading.entry(id.to_owned()).or_default());
        Self { catalogue, id, turn }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut reading = self.catalogue.reading.lock().unwrap_or_else(PoisonError::into_inner);
        // The map's and this one: they are cloned under the lock only.
        if Arc::strong_count(&self.turn) <= 2 {
            reading.remove(self.id);
        }
    }
}

/// The same error once more, in the same words.
fn again(pack: &str, error: &Error) -> Error {
    match error {
        Error::Pack { pack, reason } => Error::Pack { pack: pack.clone(), reason: reason.clone() },
        Error::Storage(storage::Error::Store { key, doing, storage, trouble, said }) => {
            Error::Storage(storage::Error::Store {
                key: key.clone(),
                doing,
                storage: storage.clone(),
                trouble: *trouble,
                said: said.clone(),
            })
        }
        Error::Storage(storage::Error::Io { key, doing, storage, source }) => {
            Error::Storage(storage::Error::Io {
                key: key.clone(),
                doing,
                storage: storage.clone(),
                source: std::io::Error::new(source.kind(), source.to_string()),
            })
        }
        Error::Storage(storage::Error::NotFound { key, storage }) => {
            Error::Storage(storage::Error::NotFound { key: key.clone(), storage: storage.clone() })
        }
        other => Error::Pack { pack: pack.to_owned(), reason: other.to_string() },
    }
}

impl Catalogue {
    /// The packs of a library; none is read yet. With a memory, packs that cannot be read or lack keys are read again
    /// after that time only.
    pub fn new(library: Arc<dyn Storage>, memory: Option<Duration>) -> Self {
        Self {
            library,
            memory,
            packs: RwLock::default(),
            failed: RwLock::default(),
            reading: Mutex::default(),
            live: RwLock::default(),
        }
    }

    /// A pack by its id. Read from the library once, and by one at a time.
    ///
    /// # Errors
    /// [`Error::Pack`], [`Error::Storage`].
    pub async fn pack(&self, id: &str) -> Result<Arc<Pack>, Error> {
        if let Some(found) = self.found(id, self.memory.unwrap_or_default()) {
            return found;
        }
        let begun = Instant::now();
        let turn = Turn::new(self, id);
        let _held = turn.turn.lock().await;
        // What somebody else has read meanwhile is as good.
        if let Some(found) = self.found(id, begun.elapsed()) {
            return found;
        }
        let read = self.read(id).await;
        self.remember(id, &read);
        read
    }

    /// Whether [`Catalogue::pack`] answers at once, or from a disk.
    pub(crate) fn is_at_hand(&self, id: &str) -> bool {
        self.memory.is_none_or(|memory| self.found(id, memory).is_some())
    }

    /// A pack was waited for too long: that counts as a failure.
    pub(crate) fn give_up(&self, id: &str) {
        let error = Error::Storage(storage::Error::Store {
            key: id.to_owned(),
            doing: "read",
            storage: self.library.to_string(),
            trouble: Trouble::Silent,
            said: String::new(),
        });
        tracing::warn!(%error, "a film was waited for too long");
        self.remember(id, &Err(error));
    }

    /// What is known of a pack; what may have changed since it was read, if it is younger than this.
    fn found(&self, id: &str, age: Duration) -> Option<Result<Arc<Pack>, Error>> {
        if let Some(live) = self.live.read().unwrap_or_else(PoisonError::into_inner).get(id) {
            return Some(Ok(Arc::clone(live)));
        }
        if !layout::is_pack_id(id) {
            return Some(Err(Error::Pack { pack: id.to_owned(), reason: "that is no pack id".to_owned() }));
        }
        let is_young = |at: &Instant| at.elapsed() < age;
        if let Some((error, at)) = self.failed.read().unwrap_or_else(PoisonError::into_inner).get(id)
            && is_young(at)
        {
            return Some(Err(again(id, error)));
        }
        // What lacks its keys may have been given them meanwhile.
        match self.packs.read().unwrap_or_else(PoisonError::into_inner).get(id) {
            Some((pack, at)) if is_young(at) || pack.missing_keys().next().is_none() => {
                Some(Ok(Arc::clone(pack)))
            }
            _ => None,
        }
    }

    fn remember(&self, id: &str, read: &Result<Arc<Pack>, Error>) {
        let mut failed = self.failed.write().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        match read {
            Ok(pack) => {
                failed.remove(id);
                let mut packs = self.packs.write().unwrap_or_else(PoisonError::into_inner);
                packs.insert(id.to_owned(), (Arc::clone(pack), now));
            }
            Err(error) => {
                if failed.len() >= MAX_FAILED {
                    let memory = self.memory.unwrap_or_default();
                    failed.retain(|_, (_, at)| at.elapsed() < memory);
                }
                if failed.len() < MAX_FAILED {
                    failed.insert(id.to_owned(), (again(id, error), now));
                }
            }
        }
    }

    async fn read(&self, id: &str) -> Result<Arc<Pack>, Error> {
        let key = id.parse().map_err(storage::Error::from)?;
        let pack = Arc::new(Pack::read(&*self.library, Some(&key)).await?);
        if pack.id != id {
            let reason = "pack.json is another pack's".to_owned();
            return Err(Error::Pack { pack: id.to_owned(), reason });
        }
        Ok(pack)
    }

    /// What is live is this from now on.
    pub(crate) fn set_live(&self, pack: Pack) {
        let mut live = self.live.write().unwrap_or_else(PoisonError::into_inner);
        live.insert(pack.id.clone(), Arc::new(pack));
    }

    /// It is over.
    pub(crate) fn forget_live(&self, id: &str) {
        self.live.write().unwrap_or_else(PoisonError::into_inner).remove(id);
    }

    /// Where the packs lie.
    pub fn library(&self) -> &dyn Storage {
        &*self.library
    }

    /// The object behind a path; `None` if it can have none.
    pub fn media_key(&self, path: &MediaPath) -> Option<Key> {
        format!("{}/{}", path.pack, path.file).parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "00000000000000000000000000000007";

    /// A pack that cannot be read is asked for once in a while where the library is far away, and each time where it
    /// is not; nothing stays of who reads.
    #[tokio::test]
    async fn failures_are_remembered_for_a_while() {
        let folder = tempfile::tempdir().unwrap();
        let library: Arc<dyn Storage> = Arc::new(Folder::new(folder.path()));
        let far = Catalogue::new(Arc::clone(&library), Some(Duration::from_secs(3600)));
        assert!(!far.is_at_hand(ID) && far.is_at_hand("no id of a pack"));
        let (one, other) = tokio::join!(far.pack(ID), far.pack(ID));
        assert_eq!(one.unwrap_err().to_string(), other.unwrap_err().to_string());
        assert!(far.is_at_hand(ID) && far.reading.lock().unwrap().is_empty());
        std::fs::create_dir(folder.path().join(ID)).unwrap();
        std::fs::write(folder.path().join(ID).join(layout::PACK_JSON), "{").unwrap();
        let near = Catalogue::new(library, None);
        assert!(near.is_at_hand(ID));
        assert_ne!(far.pack(ID).await.unwrap_err().to_string(), near.pack(ID).await.unwrap_err().to_string());
    }

    #[tokio::test]
    async fn failures_are_a_bounded_number() {
        let folder = tempfile::tempdir().unwrap();
        let far = Catalogue::new(Arc::new(Folder::new(folder.path())), Some(Duration::from_secs(3600)));
        for n in 0..=MAX_FAILED {
            far.pack(&format!("{n:032x}")).await.unwrap_err();
        }
        assert_eq!(far.failed.read().unwrap().len(), MAX_FAILED);
    }
}
