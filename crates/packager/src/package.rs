use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use std::{fs, panic, thread};

use cenc::{Iv, IvSpan, Label, Level, base_iv, first_overlap};
use cmaf::{KeyPlan, Protection};
use isobmff::Pssh;
use pack::layout::{LAYOUT_VERSION, PACK_JSON, POSTER, SEALED_KEYS};
use pack::{IvRange, MadeFrom, Pack, PackProtection, PsshData, Scheme};
use storage::{Folder, Key, Storage};

use crate::extras::{Extras, check_details};
use crate::film::{Film, FilmTrack, Sound, onto_timeline};
use crate::input::{Input, LeftOut};
use crate::keys::{FilmKeys, Keys, MAX_KEYS};
use crate::options::{AudioDetails, Destination, PackageOptions};
use crate::publish::{self, Staging, mark_source, sweep_beside};
use crate::{Error, Progress};

/// A published pack.
#[derive(Debug, Clone, PartialEq)]
pub struct Published {
    /// What `pack.json` says.
    pub pack: Pack,
    /// Where it lies; where it went elsewhere, the folder that it would have had in the local one.
    pub directory: PathBuf,
    /// Whether the library had it already, so that nothing was written.
    pub already_there: bool,
}

/// Packages a film: reads the sources, cuts them at common sync samples, encrypts, and publishes all files or
/// none. The same inputs, options and keys give the same bytes.
///
/// # Errors
/// See [`Error`]. Nothing is published then.
pub fn package(options: &PackageOptions, progress: &mut dyn Progress) -> Result<Published, Error> {
    package_sealed(options, progress, |_| Ok(None))
}

/// As [`package`], with sealed keys: `seal` gives what lies with the pack as `keys.sealed`, if anything, once
/// all else is made and before anything is published. It is not asked where the pack is there already.
///
/// # Errors
/// As [`package`], and what `seal` gives.
pub fn package_sealed<E: From<Error>>(
    options: &PackageOptions,
    progress: &mut dyn Progress,
    seal: impl FnOnce(&Pack) -> Result<Option<Vec<u8>>, E>,
) -> Result<Published, E> {
    match make(options, progress)? {
        Packaged::Before(published) => Ok(*published),
        Packaged::Now(new) => {
            if let Some(sealed) = seal(&new.pack)? {
                new.staging.write(SEALED_KEYS, &sealed)?;
            }
            Ok(new.publish(options)?)
        }
    }
}

/// A pack, as it is before it is published.
enum Packaged {
    /// The library had it.
    Before(Box<Published>),
    Now(Box<Unpublished>),
}

/// A pack that is made, and where it is to go.
struct Unpublished {
    staging: Staging,
    pack: Pack,
    made_from: MadeFrom,
    target: Target,
}

impl Unpublished {
    fn publish(self, options: &PackageOptions) -> Result<Published, Error> {
        let Self { staging, pack, made_from, target: (place, library, key) } = self;
        match (staging.publish(&*library, key.as_ref())?, &key) {
            (storage::Published::Now, _) => {
                if key.is_none() && options.scheme == Scheme::None {
                    mark_source(&place, &pack, made_from)?;
                }
                Ok(Published { pack, directory: place, already_there: false })
            }
            (storage::Published::Before, Some(key)) => {
                // Somebody else was first; where it is gone again, nothing was published.
                let gone =
                    || Error::unsupported(&place, "was published and removed by somebody else; try again");
                let pack = stored(&*library, key, &place)?.ok_or_else(gone)?;
                Ok(already_there(options, pack, place))
            }
            (storage::Published::Before, None) => Err(Error::Exists { path: place }),
        }
    }
}

/// Makes all files of a pack in a hidden folder.
fn make(options: &PackageOptions, progress: &mut dyn Progress) -> Result<Packaged, Error> {
    let keys = match (options.scheme, &options.keys) {
        (Scheme::None, _) => None,
        (_, None) => return Err(Error::Option { what: "a key is needed to encrypt" }),
        (_, keys) => keys.as_ref(),
    };
    if options.segment < Duration::from_secs(1) || options.segment > Duration::from_secs(60) {
        return Err(Error::Option { what: "segments are between 1 and 60 seconds long" });
    }
    let plan = KeyPlan::new(options.rotate, options.clear_lead, options.segment)
        .ok_or(Error::Option { what: "a key holds for at least one segment" })?;
    if keys.is_none() && (plan != KeyPlan::ONE_KEY || options.label_by_height) {
        return Err(Error::Option {
            what: "without encryption there are no keys to rotate, no keys by height and no clear lead",
        });
    }
    let poster = options.poster.as_deref().map(read_poster).transpose()?;
    let extras = Extras::read(options)?;
    let (mut inputs, sounds) = open_inputs(options)?;
    for input in &inputs {
        let path = input.file.path().display();
        let LeftOut { texts, chapters } = input.left_out;
        if (texts > 0 || chapters) && options.subtitles.is_empty() && options.chapters.is_empty() {
            progress.warn(&format!(
                "{path}: subtitles or chapters in it are left out: name files of them by --subtitles and --chapters, or let \
                 `matinee add` take them out of the film"
            ));
        }
        if let Some(what) = input.video.as_ref().and_then(|video| hard_to_play(&video.codec.codecs)) {
            progress.warn(&format!(
                "{path}: {what}, which most browsers cannot play; `matinee add` makes 8 bits and 4:2:0 of it"
            ));
        }
    }
    onto_timeline(&mut inputs, &sounds);
    let mut film = Film::plan(&inputs, &sounds, options.segment)?;
    let film_keys = match keys {
        Some(keys) => {
            if options.label_by_height {
                film.label_by_height(keys.label())?;
            }
            if let Some(exchanged) = keys.of_document() {
                exchanged.check(options.scheme, options.label_by_height)?;
                let last = plan.period(film.segments().saturating_sub(1)).min(MAX_KEYS);
                film.label_by_keys(exchanged, keys.label(), last as u32 + 1)?;
            }
            let start = |segment| film.segment_start(segment);
            Some(keys.of_plan(&plan, film.segments(), &film.labels(), start)?)
        }
        None => None,
    };
    let names = film_keys.as_ref().map(|keys| &keys.names);
    let encryption = match (keys, &film_keys) {
        (Some(keys), Some(film_keys)) => {
            let scheme = cenc_scheme(options.scheme);
            Some(Encryption { scheme, level: options.level, plan, keys, film_keys })
        }
        _ => None,
    };
    // IVs follow from the pack's id, and that from the sources' digests. Sizes do not: they are found
    // meanwhile, until it shows that nothing is to be written.
    let in_vain = AtomicBool::new(false);
    let (named, measured) = thread::scope(|scope| {
        let measuring = scope.spawn(|| measure(&film, encryption.as_ref(), &in_vain));
        let named = film.pack_id(&inputs, options, names, &extras, progress).and_then(|(id, made_from)| {
            let target = destination(&options.destination, &id)?;
            let before = look(&target)?;
            Ok((id, made_from, target, before))
        });
        in_vain.store(!matches!(named, Ok((.., None))), Ordering::Relaxed);
        (named, measuring.join().unwrap_or_else(|cause| panic::resume_unwind(cause)))
    });
    let (pack_id, made_from, (place, library, key), before) = named?;
    if let Some(pack) = before {
        // It was published by a process that may have been killed before it cleared up.
        sweep_beside(&place);
        let published = already_there(options, pack, place);
        check_same_key(&published, &film, options)?;
        return Ok(Packaged::Before(Box::new(published)));
    }

    let sizes = measured?;
    let unpublished = Staging::beside(&place)?;
    let mut representations = film.describe(&pack_id)?;
    let mut ivs = Vec::new();
    progress.stage("encrypting", film.tracks.iter().map(|t| t.plan.bytes()).sum());
    let tracks = film.tracks.iter().zip(&mut representations).zip(&sizes);
    for (number, ((track, representation), sizes)) in tracks.enumerate() {
        let protection = match &encryption {
            Some(encryption) => {
                let (base_iv, explicit) = encryption.iv(track, &pack_id)?;
                let count = track.plan.samples.len() as u64;
                representation.ivs = Some(IvRange { first: base_iv.to_string(), count, explicit });
                let protection = encryption.of(track, base_iv);
                ivs.extend(track.plan.iv_spans(&plan, protection.keys, base_iv).map(|span| (number, span)));
                Some(protection)
            }
            None => None,
        };
        let path = unpublished.path().join(&representation.path);
        let (written, sha256) = track.plan.write(&path, protection.as_ref(), sizes, progress)?;
        representation.sha256 = hex::encode(sha256);
        track.fill(representation, written);
    }
    // A counter used twice would give both plaintexts away. (One constant IV is what cbcs is.)
    if options.scheme == Scheme::Cenc
        && let Some((a, b)) = first_overlap(&ivs.iter().map(|(_, span)| *span).collect::<Vec<IvSpan>>())
    {
        let [a, b] = [a, b].map(|index| film.tracks[ivs[index].0].id.clone());
        return Err(Error::IvOverlap { a, b });
    }
    let pack = Pack {
        version: LAYOUT_VERSION,
        pack_id,
        movie_id: options.movie_id,
        title: title(options),
        duration: film.duration(),
        scheme: options.scheme,
        level: options.level,
        protection: film_keys.map(|keys| keys.names),
        poster: poster.as_ref().map(|_| POSTER.to_owned()),
        representations,
        subtitles: extras.subtitles().to_vec(),
        thumbnails: extras.thumbnails().cloned(),
        chapters: extras.chapters.clone(),
    };
    for (path, content) in extras.files() {
        unpublished.write(path, content)?;
    }
    if let Some(poster) = &poster {
        unpublished.write(POSTER, poster)?;
    }
    unpublished.write(PACK_JSON, &pack.to_json().map_err(Error::pack(&place))?)?;
    let target = (place, library, key);
    Ok(Packaged::Now(Box::new(Unpublished { staging: unpublished, pack, made_from, target })))
}

/// How a film is encrypted.
struct Encryption<'a> {
    scheme: cenc::Scheme,
    level: Level,
    plan: KeyPlan,
    keys: &'a Keys,
    film_keys: &'a FilmKeys,
}

impl<'a> Encryption<'a> {
    /// That of a track, from its first IV on.
    fn of(&self, track: &FilmTrack<'_>, base_iv: Iv) -> Protection<'a> {
        let label = track.label.as_ref();
        Protection {
            scheme: self.scheme,
            level: self.level,
            plan: self.plan,
            keys: self.film_keys.of_label(label),
            base_iv,
            pssh: pssh_boxes(&self.film_keys.names, label),
        }
    }

    /// IV of a track's first sample, and whether it came with its key.
    fn iv(&self, track: &FilmTrack<'_>, pack_id: &str) -> Result<(Iv, bool), Error> {
        track_iv(self.keys, self.scheme, track, pack_id, self.film_keys.periods())
    }

    /// An IV as long as those are.
    const fn any_iv(&self) -> Iv {
        match self.scheme {
            cenc::Scheme::Cenc => Iv::from_u64(0),
            cenc::Scheme::Cbcs => Iv::from_bytes([0; 16]),
        }
    }
}

/// The sizes of all segments of each track, as far as it comes before nobody wants them any more.
fn measure(
    film: &Film<'_>,
    encryption: Option<&Encryption<'_>>,
    in_vain: &AtomicBool,
) -> Result<Vec<Vec<u64>>, Error> {
    let sizes = film.tracks.iter().map(|track| {
        let protection = encryption.map(|encryption| encryption.of(track, encryption.any_iv()));
        track.plan.measure(protection.as_ref(), in_vain)
    });
    sizes.collect()
}

const fn cenc_scheme(scheme: Scheme) -> cenc::Scheme {
    match scheme {
        Scheme::Cbcs => cenc::Scheme::Cbcs,
        _ => cenc::Scheme::Cenc,
    }
}

/// IV of a track's first sample, and whether it came with its key.
fn track_iv(
    keys: &Keys,
    scheme: cenc::Scheme,
    track: &FilmTrack<'_>,
    pack_id: &str,
    periods: u32,
) -> Result<(Iv, bool), Error> {
    let explicit = keys.of_document().map(|keys| keys.iv_of(&track.traits(), periods)).transpose()?;
    if let Some(iv) = explicit.flatten() {
        return Ok((Iv::from_bytes(iv), true));
    }
    let key = keys.iv_key(&track.traits())?;
    Ok((base_iv(key, scheme, keys.content_id(), &track.id, pack_id)?, false))
}

/// What a track's header says for players: Matinee's box, then what other systems are told of its keys, each
/// box once.
fn pssh_boxes(names: &PackProtection, label: Option<&Label>) -> Vec<Pssh> {
    let mut boxes = vec![PsshData::of(names, label).to_box()];
    for pssh in names.systems_of(label).filter_map(|system| system.pssh.as_ref()) {
        if !boxes.contains(&pssh.0) {
            boxes.push(pssh.0.clone());
        }
    }
    boxes
}

/// Whether a pack of the library is encrypted by these keys: their names are in its id, and IVs follow from
/// themselves.
fn check_same_key(published: &Published, film: &Film<'_>, options: &PackageOptions) -> Result<(), Error> {
    let (Some(keys), pack) = (&options.keys, &published.pack) else { return Ok(()) };
    for track in &film.tracks {
        let written = pack.representations.iter().find(|r| r.id == track.id).and_then(|r| r.ivs.as_ref());
        let Some(written) = written else { continue };
        let periods = pack.protection.iter().flat_map(|p| &p.keys).map(|key| key.period + 1).max();
        let (own, _) = track_iv(keys, cenc_scheme(pack.scheme), track, &pack.pack_id, periods.unwrap_or(1))?;
        if own.to_string() != written.first {
            return Err(Error::OtherKey { path: published.directory.clone() });
        }
    }
    Ok(())
}

/// Where a pack is made, the storage that it goes to, and the key there; without a key it stays where it is
/// made.
type Target = (PathBuf, Arc<dyn Storage>, Option<Key>);

/// The folder beside which a pack is made, the storage where it goes, and its key there.
fn destination(destination: &Destination, pack_id: &str) -> Result<Target, Error> {
    let key = || Ok::<_, Error>(Some(pack_id.parse::<Key>().map_err(storage::Error::from)?));
    Ok(match destination {
        Destination::Directory(place) => (place.clone(), Arc::new(Folder::new(place)), None),
        Destination::Library(library) => (library.join(pack_id), Arc::new(Folder::new(library)), key()?),
        Destination::Storage { storage, staging } => (staging.join(pack_id), Arc::clone(storage), key()?),
    })
}

/// The pack that lies at a target already. What a publication that was cut off left behind is none.
fn look((place, library, key): &Target) -> Result<Option<Pack>, Error> {
    match key {
        Some(key) => stored(&**library, key, place),
        None if fs::read_dir(place).is_ok_and(|mut entries| entries.next().is_some()) || place.is_file() => {
            Err(Error::Exists { path: place.clone() })
        }
        None => Ok(None),
    }
}

/// What the library's `pack.json` says, where there is one.
fn stored(library: &dyn Storage, key: &Key, place: &Path) -> Result<Option<Pack>, Error> {
    let json = publish::read(library, &key.join(PACK_JSON).map_err(storage::Error::from)?)?;
    json.map(|json| Pack::from_json(&json).map_err(Error::pack(place))).transpose()
}

/// The same pack in the library, under this movie's name.
fn already_there(options: &PackageOptions, pack: Pack, place: PathBuf) -> Published {
    let pack = Pack { movie_id: options.movie_id, title: title(options), ..pack };
    Published { pack, directory: place, already_there: true }
}

/// Reads the `pack.json` of a pack's directory.
///
/// # Errors
/// [`Error::Io`] if it cannot be read; [`Error::Pack`] if it is none, or of another layout version.
pub fn read_pack(directory: &Path) -> Result<Pack, Error> {
    let path = directory.join(PACK_JSON);
    let text = fs::read(&path).map_err(Error::io(&path, "read"))?;
    Pack::from_json(&text).map_err(Error::pack(directory))
}

/// What most browsers cannot play of H.264, in words: its profile (ITU-T H.264, A.2) is the first octet
/// behind the point (RFC 6381, 3.3).
fn hard_to_play(codecs: &str) -> Option<&'static str> {
    let numbers = codecs.strip_prefix("avc1.").or_else(|| codecs.strip_prefix("avc3."))?;
    match numbers.get(..2)? {
        "6E" => Some("H.264 with 10 bits (High 10)"),
        "7A" => Some("H.264 in 4:2:2 (High 4:2:2)"),
        "F4" | "2C" => Some("H.264 in 4:4:4 (High 4:4:4)"),
        _ => None,
    }
}

fn read_poster(path: &Path) -> Result<Vec<u8>, Error> {
    let poster = fs::read(path).map_err(Error::io(path, "read"))?;
    match poster.starts_with(b"\xff\xd8\xff") {
        true => Ok(poster),
        false => Err(Error::unsupported(path, "the poster is not a JPEG")),
    }
}

fn title(options: &PackageOptions) -> String {
    let stem =
        || options.inputs.first().and_then(|path| path.file_stem()).map(|stem| stem.to_string_lossy().into());
    options.title.clone().or_else(stem).unwrap_or_default()
}

/// The sources, and which of their sounds are taken: of the inputs the first that has any and those without
/// pictures, then what is named one by one.
fn open_inputs(options: &PackageOptions) -> Result<(Vec<Input>, Vec<Sound>), Error> {
    let first = options.inputs.first().ok_or(Error::NoInput)?;
    let mut inputs: Vec<Input> = Vec::new();
    let mut sounds: Vec<Sound> = Vec::new();
    for path in &options.inputs {
        let named = !options.sound_of_inputs || options.audio.iter().any(|audio| audio.path == *path);
        let mut input = Input::open(path, !named && sounds.is_empty())?;
        if !named && !sounds.is_empty() && input.video.is_none() {
            input = Input::open(path, true)?;
        }
        let sound = |track| Sound { place: (inputs.len(), track), details: AudioDetails::default() };
        sounds.extend((0..input.audio.len()).map(sound));
        inputs.push(input);
    }
    if inputs.iter().all(|input| input.video.is_none()) {
        return Err(Error::NoVideo { path: first.clone() });
    }
    for audio in &options.audio {
        check_details(&audio.path, audio.details.language.as_deref(), audio.details.label.as_deref())?;
        let mut input = Input::open(&audio.path, true)?;
        input.video = None;
        let track = match (audio.track, input.audio.len()) {
            (_, 0) => return Err(Error::unsupported(&audio.path, "there is no sound in it")),
            (None, 1) => 0,
            (Some(number), count) if (1..=count).contains(&number) => number - 1,
            (_, count) => {
                let what =
                    format!("it has {count} tracks of sound; say which, from track=1 to track={count}");
                return Err(Error::unsupported(&audio.path, what));
            }
        };
        sounds.push(Sound { place: (inputs.len(), track), details: audio.details.clone() });
        inputs.push(input);
    }
    if sounds.is_empty() && !options.allow_no_audio {
        return Err(Error::NoAudio { path: first.clone() });
    }
    Ok((inputs, sounds))
}
