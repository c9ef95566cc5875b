//! `matinee add`: from whatever an operator has to a title.

use super::numbers::{self, Number};
use super::progress::Bar;
use super::{block_on, exchange, film, movie, tracks};
use crate::args::{Add, Hdr};
use crate::{Failure, output};
use packager::PackageOptions;
use prepare::plan::{Coding, HdrCoding, Pictures, Plan, Source, Wishes, plan};
use prepare::{Prepared, Work};
use serde_json::json;
use server::policy::Policies;
use server::{Config, library, movies};
use std::path::PathBuf;

pub(crate) fn run(config: &Config, add: Add) -> Result<(), Failure> {
    add_film(config, add).map_err(|failure| match is_full(&failure) {
        true => {
            // ffmpeg says more than once that it cannot write.
            let what = match &failure {
                Failure::Prepare(prepare::Error::Ffmpeg { step, .. }) => step.clone(),
                other => other.to_string(),
            };
            Failure::Command(format!(
                "{what}: the disk is full; make room and say the same again. What is done already is not done again: \
                 it lies in {}",
                config.data.join(super::WORK).display()
            ))
        }
        false => match failure {
            Failure::Prepare(error @ prepare::Error::Ffmpeg { .. }) if is_of_decoding(&error) => {
                Failure::Command(format!(
                    "{error}; where it cannot be played to its end by `ffplay`, make another file of it by the program \
                     that it is from"
                ))
            }
            other => other,
        },
    })
}

/// Whether there is no room to write, whoever noticed: the system's words, as ffmpeg says them, too, and
/// SQLite's.
fn is_full(failure: &Failure) -> bool {
    let said = failure.to_string();
    let words =
        ["No space left on device", "Disk quota exceeded", "File too large", "database or disk is full"];
    words.iter().any(|words| said.contains(words))
}

/// Whether ffmpeg has failed for what is in the file, by its own words.
fn is_of_decoding(error: &prepare::Error) -> bool {
    let prepare::Error::Ffmpeg { what, .. } = error else { return false };
    let said = what.to_lowercase();
    let words = ["invalid data found when processing input", "decoding", "decoder", "corrupt"];
    words.iter().any(|words| said.contains(words))
}

fn add_film(config: &Config, add: Add) -> Result<(), Failure> {
    if let Some(policy) = &add.details.policy {
        Policies::load(config)?.check(policy)?;
    }
    let ladder = add.ladder.as_deref().map(read_ladder).transpose()?;
    let named = tracks::read(&add.tracks)?;
    let sources =
        add.inputs.iter().map(|path| prepare::probe_file(path)).collect::<Result<Vec<Source>, _>>()?;
    let mut wishes = Wishes { ladder, hdr: hdr(add.hdr, &sources)?, ..Wishes::default() };
    let mut what = plan(&sources, &wishes).map_err(prepare::Error::from)?;
    if add.hdr.is_none() && wishes.hdr.is_empty() && what.hdr {
        let encoders = HdrCoding::ALL.map(HdrCoding::encoder).join(" nor ");
        what.notes.push(format!("HDR is not kept, for this ffmpeg has neither {encoders}"));
    }
    tell(&what, add.json)?;
    if add.dry_run {
        return Ok(());
    }
    server::open_data(&config.data)?;
    let paths: Vec<PathBuf> = sources.iter().map(|source| source.path.clone()).collect();
    let wanted = add.movie.map_or(String::new(), |movie| movie.to_string());
    let mut work = Work::open(&config.data.join(super::WORK), &paths, &wanted)?;
    // Before the long work, and before there is a pack that the catalogue does not know.
    let number = match number(config, &add, &mut work) {
        Ok(number) => number,
        Err(failure) => {
            work.leave()?;
            return Err(failure);
        }
    };
    let mut meter = Meter::new(add.json);
    let (published, source) = loop {
        let prepared = match prepare::run(&what, &mut work, add.poster.is_none(), &mut meter) {
            Err(error @ prepare::Error::OpenGroups(_)) if !wishes.transcode => {
                wishes.transcode = true;
                what = again(&sources, &wishes, &error)?;
                tell(&what, add.json)?;
                continue;
            }
            prepared => prepared?,
        };
        for note in &prepared.left_out {
            match add.json {
                true => line(&json!({"event": "left_out", "what": note}))?,
                false => output::line(note)?,
            }
        }
        let options = options(config, &add, &number, &named, prepared, what.sounds.is_empty())?;
        match packager::package(&options, &mut meter) {
            // What looked fit is not: its key frames, its gaps, or something in its coding.
            Err(error) if give_up_passing(&what, &error, &mut wishes) => {
                what = again(&sources, &wishes, &error)?;
                tell(&what, add.json)?;
            }
            done => {
                let published = done?;
                let clear = add.clear_source.then(|| film::clear_source(config, &options, &mut meter));
                break (published, clear.transpose());
            }
        }
    };
    drop(meter);
    let id = &published.pack.pack_id;
    let done = source.and_then(|source| {
        // Before the catalogue has it: whoever is cut off behind that knows the film again.
        work.set_pack(id)?;
        let pack = block_on(async { Ok(movies::read(&*library::open(config)?, id).await?) })?;
        Ok((movie::put(config, &pack, add.details, number.over)?, source))
    });
    match done {
        Ok((added, source)) => {
            let kept = source.map(|source| source.keep(&added.movie.id.to_string())).transpose()?;
            work.remove()?;
            if !add.json {
                return movie::say(&added, kept.as_deref(), false);
            }
            let mut said = movie::added_json(&added, kept.as_deref());
            said["event"] = "published".into();
            line(&said)
        }
        Err(error) => {
            if !published.already_there {
                // No film in the library that the catalogue does not know.
                let _ = block_on(async { Ok(movies::unpublish(&*library::open(config)?, id).await?) });
            }
            Err(error)
        }
    }
}

/// Another plan, after what looked fit was not.
fn again(sources: &[Source], wishes: &Wishes, error: &dyn std::error::Error) -> Result<Plan, Failure> {
    let mut plan = plan(sources, wishes).map_err(prepare::Error::from)?;
    plan.notes.insert(0, format!("it cannot be taken as it is ({error})"));
    Ok(plan)
}

/// In what HDR is kept, the one to prefer first.
fn hdr(asked: Option<Hdr>, sources: &[Source]) -> Result<Vec<HdrCoding>, Failure> {
    let wanted = match asked {
        Some(Hdr::None) => return Ok(Vec::new()),
        Some(Hdr::Hevc) => Some(HdrCoding::Hevc),
        Some(Hdr::Av1) => Some(HdrCoding::Av1),
        None => None,
    };
    if !sources.iter().any(Source::is_hdr) {
        return Ok(Vec::new());
    }
    let there = prepare::hdr_encoders()?;
    match wanted {
        None => Ok(there),
        Some(wanted) if there.contains(&wanted) => Ok(vec![wanted]),
        Some(wanted) => Err(Failure::Command(format!(
            "this ffmpeg has no {}, which makes {}; take another by --hdr",
            wanted.encoder(),
            wanted.name()
        ))),
    }
}

fn read_ladder(path: &std::path::Path) -> Result<Vec<prepare::ladder::Rung>, Failure> {
    let failed = |what: &dyn std::fmt::Display| Failure::Command(format!("{}: {what}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| failed(&error))?;
    prepare::ladder::parse(&text).map_err(|what| failed(&what))
}

/// The number that was asked for, the one that was taken before, or the next; whether licenses can be made
/// for it.
fn number(config: &Config, add: &Add, work: &mut Work) -> Result<Number, Failure> {
    let number = match work.movie() {
        Some(movie) => numbers::again(config, (movie, work.pack()), add.movie, add.replace)?,
        None => numbers::choose(config, add.movie, add.replace)?,
    };
    if !matches!(add.scheme, pack::Scheme::None) {
        movie::prepare_license(config, &add.details, number.so_far.as_ref())?;
    }
    if number.so_far.is_none() {
        work.set_movie(number.id)?;
    }
    Ok(number)
}

fn options(
    config: &Config,
    add: &Add,
    number: &Number,
    named: &tracks::Named,
    prepared: Prepared,
    silent: bool,
) -> Result<PackageOptions, Failure> {
    let keys = match add.scheme {
        pack::Scheme::None => None,
        _ => Some(exchange::site_key(config, number.id)?),
    };
    let so_far = || Some(number.so_far.as_ref()?.title.clone());
    let title = || Some(add.inputs.first()?.file_stem()?.to_string_lossy().into_owned());
    // What is named one by one is there beside what was found.
    let mut audio = prepared.audio;
    if named.audio.iter().any(|track| track.details.default) {
        audio.iter_mut().for_each(|track| track.details.default = false);
    }
    audio.extend(named.audio.iter().cloned());
    let chapters = if named.chapters.is_empty() { prepared.chapters } else { named.chapters.clone() };
    Ok(PackageOptions {
        title: add.details.title.clone().or_else(so_far).or_else(title),
        scheme: add.scheme,
        allow_no_audio: silent,
        poster: add.poster.clone().or(prepared.poster),
        audio,
        sound_of_inputs: false,
        subtitles: prepared.subtitles.into_iter().chain(named.subtitles.iter().cloned()).collect(),
        thumbnails: prepared.thumbnails,
        chapters,
        ..PackageOptions::new(prepared.inputs, number.id, keys, super::storage::destination(config)?)
    })
}

/// Whether what was to pass is transcoded instead, and then wishes so: sound where the error is about sound,
/// or where pictures are transcoded already.
fn give_up_passing(plan: &Plan, error: &packager::Error, wishes: &mut Wishes) -> bool {
    use packager::Error as E;
    let of_sound = matches!(error, E::AudioGap { .. } | E::Codec { media: "audio", .. });
    let sound_passes = plan.sounds.iter().any(|sound| sound.pass);
    match is_of_media(error) {
        true if sound_passes && (of_sound || !passes(plan)) => wishes.transcode_sound = true,
        true if passes(plan) => wishes.transcode = true,
        _ => return false,
    }
    true
}

/// Whether some pictures are taken as they are that could be transcoded: those of one input.
fn passes(plan: &Plan) -> bool {
    let pass = |pictures: &Pictures| matches!(pictures, Pictures::Pass { .. });
    let encoded = plan.pictures.iter().any(|pictures| !pass(pictures));
    plan.pictures.iter().any(pass) && (encoded || plan.pictures.len() == 1)
}

/// Whether an error is about what is in a file, not about reading or writing it.
fn is_of_media(error: &packager::Error) -> bool {
    use packager::Error as E;
    matches!(
        error,
        E::OpenGop { .. }
            | E::NoCommonSync { .. }
            | E::Codec { .. }
            | E::Unsupported { .. }
            | E::Bitstream { .. }
            | E::Boxes { .. }
            | E::AudioGap { .. }
    )
}

/// Says what is done and why.
fn tell(plan: &Plan, json: bool) -> Result<(), Failure> {
    if json {
        return line(&json!({"event": "plan", "plan": plan}));
    }
    for note in &plan.notes {
        output::line(note)?;
    }
    for pictures in &plan.pictures {
        let Pictures::Encode { coding, steps, .. } = pictures else { continue };
        let hdr = match coding {
            Coding::H264 => "",
            Coding::Hevc => " in HDR (HEVC)",
            Coding::Av1 => " in HDR (AV1)",
        };
        for step in steps {
            let (width, height, most) = (step.width, step.height, step.max_kbps);
            output::line(&format!(
                "step {width}x{height}{hdr}, at most {most} kbit/s, less where it shows little"
            ))?;
        }
    }
    Ok(())
}

fn line(value: &serde_json::Value) -> Result<(), Failure> {
    output::line(&value.to_string())
}

/// A bar for people, lines for programs.
struct Meter {
    bar: Bar,
    json: bool,
    step: String,
    total: u64,
    done: u64,
    /// Hundredths that were told.
    told: u64,
}

impl Meter {
    fn new(json: bool) -> Self {
        Self { bar: Bar::new(), json, step: String::new(), total: 0, done: 0, told: 0 }
    }

    fn begin(&mut self, name: &str, total: u64) {
        (self.step, self.total, self.done, self.told) = (name.to_owned(), total, 0, 0);
        self.tell();
    }

    fn tell(&self) {
        if self.json {
            let _ = line(
                &json!({"event": "progress", "step": self.step, "done": self.done, "total": self.total}),
            );
        }
    }

    fn reach(&mut self, done: u64) {
        self.done = done.min(self.total);
        let hundredth = (self.done * 100).checked_div(self.total).unwrap_or(0);
        if hundredth > self.told {
            self.told = hundredth;
            self.tell();
        }
    }
}

impl prepare::Progress for Meter {
    fn step(&mut self, name: &str, total: u64) {
        prepare::Progress::step(&mut self.bar, name, total);
        self.begin(name, total);
    }

    fn at(&mut self, done: u64) {
        self.bar.at(done);
        self.reach(done);
    }
}

impl packager::Progress for Meter {
    fn stage(&mut self, name: &str, total: u64) {
        self.bar.stage(name, total);
        self.begin(name, total);
    }

    fn advance(&mut self, amount: u64) {
        self.bar.advance(amount);
        self.reach(self.done + amount);
    }

    fn warn(&mut self, what: &str) {
        self.bar.warn(what);
    }
}
