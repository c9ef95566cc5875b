//! A plan's steps, one after another.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use pack::Chapter;
use packager::{AudioDetails, AudioSource, SubtitleSource, ThumbnailSource};

use crate::calls::Encoding;
use crate::ffmpeg::Call;
use crate::plan::{Coding, Pictures, Place, Plan, Reading, Sound, Step, Text, Wishes, picture_samples, plan};
use crate::{Error, Progress, Work, calls, captions, ffmpeg, ladder, poster};

/// Parts of a long film that are measured, and their length in seconds.
const PARTS: (u32, f64) = (8, 6.0);

/// What the packager is given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Prepared {
    /// Files with pictures, one for each step of the ladder.
    pub inputs: Vec<PathBuf>,
    /// Sound.
    pub audio: Vec<AudioSource>,
    /// Subtitles.
    pub subtitles: Vec<SubtitleSource>,
    /// Thumbnails.
    pub thumbnails: Option<ThumbnailSource>,
    /// The poster, unless the operator gave one.
    pub poster: Option<PathBuf>,
    /// Chapters.
    pub chapters: Vec<Chapter>,
    /// What was found to be unfit on the way and is left out, for people.
    pub left_out: Vec<String>,
}

/// Does what a plan says.
///
/// # Errors
/// [`Error`]. What was done stays in the work folder, and is not done again.
pub fn run(
    plan: &Plan,
    work: &mut Work,
    with_poster: bool,
    progress: &mut dyn Progress,
) -> Result<Prepared, Error> {
    let mut this = Run { plan, work, progress, left_out: Vec::new() };
    let mut done = Prepared { chapters: plan.chapters.clone(), ..Prepared::default() };
    // What passes comes first: where it turns out to be unfit, the rest need not be made for it.
    for pictures in plan.pictures.iter().filter(|_| plan.pictures.len() > 1) {
        this.look_at_groups(pictures)?;
    }
    for pictures in &plan.pictures {
        done.inputs.extend(this.pictures(pictures, done.inputs.len())?);
    }
    for (number, sound) in plan.sounds.iter().enumerate() {
        done.audio.push(this.sound(sound, number)?);
    }
    for (number, text) in plan.texts.iter().enumerate() {
        done.subtitles.extend(this.text(text, number)?);
    }
    done.thumbnails = Some(this.thumbnails()?);
    if with_poster {
        done.poster = this.poster()?;
    }
    done.left_out = this.left_out;
    Ok(done)
}

/// Thumbnails of the input with the largest picture, as [`run`] makes them, and nothing else.
///
/// # Errors
/// [`Error`].
pub fn thumbnails(
    inputs: &[PathBuf],
    work: &mut Work,
    progress: &mut dyn Progress,
) -> Result<ThumbnailSource, Error> {
    let mut sources = inputs.iter().map(|path| ffmpeg::probe(path)).collect::<Result<Vec<_>, _>>()?;
    sources.sort_by_key(|source| std::cmp::Reverse(picture_samples(&source.media)));
    sources.truncate(1);
    let plan = plan(&sources, &Wishes::default())?;
    Run { plan: &plan, work, progress, left_out: Vec::new() }.thumbnails()
}

/// Writes the picture of a clear file at a time to `to`, as a JPEG of 1280 pixels' width at most. Where the
/// file has no picture then, nothing is written. `folder` is for a call of ffmpeg to run in.
///
/// # Errors
/// [`Error::Missing`], [`Error::Ffmpeg`].
pub fn picture(input: &Path, at: Duration, (folder, to): (&Path, &Path)) -> Result<(), Error> {
    let call = Call::of(input).arg("-ss").arg(format!("{:.3}", at.as_secs_f64())).input();
    let call = call.words("-map 0:v:0 -frames:v 1 -vf scale=w='min(1280,iw)':h=-2,format=yuvj420p");
    call.words("-q:v 3 -f image2 -update 1").output(to).run("picture", folder, &mut ())
}

struct Run<'a> {
    plan: &'a Plan,
    work: &'a mut Work,
    progress: &'a mut dyn Progress,
    left_out: Vec<String>,
}

impl Run<'_> {
    fn total(&self) -> u64 {
        (self.plan.duration * 1000.0) as u64
    }

    /// One call of ffmpeg that writes one file or folder.
    fn make(&mut self, name: &str, place: &Place, call: impl Fn(&Path) -> Call) -> Result<PathBuf, Error> {
        let (total, folder) = (self.total(), self.work.folder().to_path_buf());
        let (said, progress) = (call(Path::new(name)), &mut *self.progress);
        self.work.step(name, said.said(), &[&place.input], |to| {
            progress.step(name, total);
            call(to).run(name, &folder, progress)
        })
    }

    /// Looks whether HEVC that passes beside other steps has groups of pictures that can be cut.
    fn look_at_groups(&mut self, pictures: &Pictures) -> Result<(), Error> {
        let Pictures::Pass { place, codec, .. } = pictures else { return Ok(()) };
        if codec != "hevc" {
            return Ok(());
        }
        for file in self.pictures(pictures, 0)? {
            let seen = packager::inspect(&file);
            let open = |track: &packager::TrackReport| track.groups.is_some_and(|groups| groups.open > 0);
            if seen.is_ok_and(|seen| seen.tracks.iter().any(open)) {
                return Err(Error::OpenGroups(place.input.clone()));
            }
        }
        Ok(())
    }

    fn pictures(&mut self, pictures: &Pictures, number: usize) -> Result<Vec<PathBuf>, Error> {
        match pictures {
            Pictures::Pass { place, direct: true, .. } => Ok(vec![place.input.clone()]),
            Pictures::Pass { place, codec, direct: false } => {
                // HEVC is looked at before its number is known.
                let name = match &codec[..] {
                    "hevc" => "pictures-hevc.mp4".to_owned(),
                    _ => format!("pictures-{number}.mp4"),
                };
                Ok(vec![self.make(&name, place, |to| calls::copy_pictures(place, codec, to))?])
            }
            Pictures::Encode { place, coding, steps, filters, held, variable, keys, colours, .. } => {
                let (coding, variable, colours) = (*coding, *variable, colours.as_ref());
                let encoding = Encoding { coding, keys: *keys, colours, variable };
                let measured = self.measure(place, filters, coding, steps)?;
                let rungs: Vec<_> = steps
                    .iter()
                    .map(|step| ladder::Rung { height: step.height, max_kbps: step.max_kbps })
                    .collect();
                let filters: Vec<_> = filters.iter().chain(held).cloned().collect();
                let mut files = Vec::new();
                for (rung, kbps) in ladder::rates(&rungs, &measured) {
                    let Some(step) = steps.iter().find(|step| step.height == rung.height) else { continue };
                    let name = format!("pictures-{}{}.mp4", mark(coding), step.height);
                    let call = |to: &Path| calls::encode(place, &filters, step, kbps, encoding, to);
                    files.push(self.make(&name, place, call)?);
                }
                Ok(files)
            }
        }
    }

    /// The bit rates that constant quality takes, kbit/s, step by step.
    fn measure(
        &mut self,
        place: &Place,
        filters: &[String],
        coding: Coding,
        steps: &[Step],
    ) -> Result<Vec<u32>, Error> {
        let duration = self.plan.duration;
        let (count, length) = PARTS;
        let parts: Vec<(f64, f64)> = match duration > f64::from(count) * length * 1.5 {
            true => {
                (0..count).map(|n| (duration * (f64::from(n) + 0.5) / f64::from(count), length)).collect()
            }
            false => vec![(0.0, duration)],
        };
        let folder = self.work.folder().to_path_buf();
        let mut measured = Vec::new();
        for step in steps {
            let name = format!("rate-{}{}", mark(coding), step.height);
            let call = |part, to: &Path| calls::measure(place, filters, (coding, step), part, to);
            let said: Vec<OsString> =
                parts.iter().flat_map(|part| call(*part, Path::new("part")).said().to_vec()).collect();
            let progress = &mut *self.progress;
            let result = self.work.step(&name, &said, &[&place.input], |to| {
                progress.step(&name, (parts.iter().map(|part| part.1).sum::<f64>() * 1000.0) as u64);
                let (mut octets, part_file) = (0, folder.join(".part"));
                for part in &parts {
                    call(*part, &part_file).run(&name, &folder, progress)?;
                    octets += fs::metadata(&part_file).map_err(Error::io(&part_file))?.len();
                }
                let _ = fs::remove_file(&part_file);
                let seconds: f64 = parts.iter().map(|part| part.1).sum();
                let kbps = (octets as f64 * 8.0 / seconds.max(0.04) / 1000.0).ceil() as u32;
                fs::write(to, kbps.to_string()).map_err(Error::io(to))
            })?;
            let text = fs::read_to_string(&result).map_err(Error::io(&result))?;
            measured.push(text.trim().parse().unwrap_or(step.max_kbps));
        }
        Ok(measured)
    }

    fn sound(&mut self, sound: &Sound, number: usize) -> Result<AudioSource, Error> {
        let duration = self.plan.duration;
        let (path, track) = match sound.direct {
            true => (sound.place.input.clone(), Some(sound.number)),
            false => {
                let call = |to: &Path| match sound.pass {
                    true => calls::copy(&sound.place, to),
                    false => calls::sound(sound, duration, to),
                };
                (self.make(&format!("sound-{number}.mp4"), &sound.place, call)?, None)
            }
        };
        let details = AudioDetails {
            language: sound.language.clone(),
            role: sound.role,
            label: sound.label.clone(),
            default: sound.default,
        };
        Ok(AudioSource { path, track, details })
    }

    /// Subtitles; `None` where there is nothing in them to show, or where nobody could mend them.
    fn text(&mut self, text: &Text, number: usize) -> Result<Option<SubtitleSource>, Error> {
        let place = &text.place;
        let mut path = match text.how {
            Reading::Direct => place.input.clone(),
            Reading::Decode => self.make(&format!("text-{number}.vtt"), place, |to| calls::text(text, to))?,
            Reading::Documents => {
                self.make(&format!("text-{number}.ttml"), place, |to| calls::text(text, to))?
            }
            Reading::Captions { .. } => self.captions(text, &format!("text-{number}.vtt"))?,
        };
        let mut file = fs::read(&path).map_err(Error::io(&path))?;
        if let Reading::Captions { start } = text.how
            && subtitles::read(&file) == Err(subtitles::Error::Empty)
        {
            path = self.captions_708(text, start, &format!("text-{number}-708.vtt"))?;
            file = fs::read(&path).map_err(Error::io(&path))?;
        }
        let fit = match (subtitles::read(&file), text.how) {
            (Err(subtitles::Error::Empty), _) => false,
            // The packager says what is wrong in a file that a person can mend.
            (Err(error), Reading::Documents | Reading::Captions { .. }) => {
                let (input, stream) = (place.input.display(), place.stream);
                self.left_out.push(format!("{input} stream {stream}: its subtitles are left out: {error}"));
                false
            }
            _ => true,
        };
        Ok(fit.then(|| SubtitleSource {
            path,
            language: text.language.clone().unwrap_or_else(|| "und".to_owned()),
            role: text.role,
            label: text.label.clone(),
            default: false,
        }))
    }

    /// Captions of the pictures, by CEA-608.
    fn captions(&mut self, text: &Text, name: &str) -> Result<PathBuf, Error> {
        let (total, folder) = (self.total(), self.work.folder().to_path_buf());
        let (said, progress) = (calls::text(text, Path::new(name)), &mut *self.progress);
        let input = &text.place.input;
        self.work.step(name, said.said(), &[input], |to| {
            progress.step(name, total);
            linked(input, &folder, || calls::text(text, to).run(name, &folder, progress))
        })
    }

    /// Captions of the pictures, by CEA-708. Those of CEA-608 are read first, for who sends both sends the
    /// same by both.
    fn captions_708(&mut self, text: &Text, start: i64, name: &str) -> Result<PathBuf, Error> {
        let (total, folder) = (self.total(), self.work.folder().to_path_buf());
        let (graph, progress) = (calls::caption_graph(text.place.stream), &mut *self.progress);
        let said = [OsString::from(&graph), OsString::from(start.to_string())];
        let (input, mut refused) = (&text.place.input, None);
        let path = self.work.step(name, &said, &[input], |to| {
            progress.step(name, total);
            let track = linked(input, &folder, || captions::read(input, &folder, &graph, start, progress))?;
            let track = track.unwrap_or_else(|error| {
                refused = Some(error);
                subtitles::Track::default()
            });
            fs::write(to, track.to_webvtt()).map_err(Error::io(to))
        })?;
        if let Some(error) = refused {
            let (input, stream) = (input.display(), text.place.stream);
            self.left_out.push(format!("{input} stream {stream}: its captions are left out: {error}"));
        }
        Ok(path)
    }

    fn thumbnails(&mut self) -> Result<ThumbnailSource, Error> {
        let (plan, interval) = (self.plan, calls::interval(self.plan));
        let (total, folder) = (self.total(), self.work.folder().to_path_buf());
        let said = calls::thumbnails(plan, Some(interval), Path::new("thumbnails"));
        let progress = &mut *self.progress;
        let pictures = self.work.step("thumbnails", said.said(), &[&plan.picture.input], |to| {
            progress.step("thumbnails", total);
            fs::create_dir(to).map_err(Error::io(to))?;
            calls::thumbnails(plan, Some(interval), to).run("thumbnails", &folder, progress)?;
            match files(to)?.is_empty() {
                true => calls::thumbnails(plan, None, to).run("thumbnails", &folder, progress),
                false => Ok(()),
            }
        })?;
        let said = calls::sheets(&pictures, Path::new("sheets"));
        let progress = &mut *self.progress;
        let sheets = self.work.step("sheets", said.said(), &[&pictures], |to| {
            progress.step("sheets", 0);
            fs::create_dir(to).map_err(Error::io(to))?;
            calls::sheets(&pictures, to).run("sheets", &folder, progress)
        })?;
        Ok(ThumbnailSource {
            interval: Duration::from_millis(interval),
            pictures: files(&pictures)?,
            sheets: files(&sheets)?,
            columns: calls::SHEET,
            rows: calls::SHEET,
        })
    }

    fn poster(&mut self) -> Result<Option<PathBuf>, Error> {
        let (plan, folder) = (self.plan, self.work.folder().to_path_buf());
        let (said, _) = calls::posters(plan, true, Path::new("posters"));
        let progress = &mut *self.progress;
        let chosen = self.work.step("poster.jpg", said.said(), &[&plan.picture.input], |to| {
            progress.step("poster", (plan.duration * 100.0) as u64);
            let candidates = folder.join(".posters");
            let _ = fs::remove_dir_all(&candidates);
            fs::create_dir(&candidates).map_err(Error::io(&candidates))?;
            let mut found = None;
            for every in [true, false] {
                let (call, size) = calls::posters(plan, every, &candidates);
                call.run("poster", &folder, progress)?;
                let grey = fs::read(candidates.join("grey")).map_err(Error::io(&candidates))?;
                found = poster::choose(&grey, size);
                if found.is_some() {
                    break;
                }
            }
            let picture = candidates.join(format!("{:03}.jpg", found.unwrap_or(0) + 1));
            fs::rename(&picture, to).map_err(Error::io(&picture))?;
            fs::remove_dir_all(&candidates).map_err(Error::io(&candidates))
        })?;
        Ok(Some(chosen))
    }
}

/// What tells files of one coding from those of another.
fn mark(coding: Coding) -> &'static str {
    match coding {
        Coding::H264 => "",
        Coding::Hevc => "hevc-",
        Coding::Av1 => "av1-",
    }
}

/// Does what reads a film in a graph of filters: by a link the film has a name there that is only letters.
fn linked<T>(input: &Path, folder: &Path, read: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    let link = folder.join(calls::CAPTIONED);
    std::os::unix::fs::symlink(input, &link).map_err(Error::io(&link))?;
    let done = read();
    fs::remove_file(&link).map_err(Error::io(&link))?;
    done
}

/// The pictures in a folder, by number.
fn files(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let entries = fs::read_dir(folder).map_err(Error::io(folder))?;
    let mut files = entries
        .map(|entry| Ok(entry.map_err(Error::io(folder))?.path()))
        .collect::<Result<Vec<PathBuf>, Error>>()?;
    files.sort_by_key(|path| (path.as_os_str().len(), path.clone()));
    Ok(files)
}
