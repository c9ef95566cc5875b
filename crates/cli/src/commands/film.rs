//! `matinee package` and `decrypt`.

use super::exchange::{self, Chosen};
use super::progress::Bar;
use super::{WORK, block_on, given_keys, movie, numbers, tracks};
use crate::args::{Decrypt, Package};
use crate::{Failure, output};
use pack::Scheme;
use packager::{ClearSource, Destination, PackageOptions, ThumbnailSource};
use prepare::Work;
use serde_json::json;
use server::policy::Policies;
use server::{Config, library, movies};
use std::path::{Path, PathBuf};
use std::time::Duration;

pub(crate) fn package(config: &Config, package: Package) -> Result<(), Failure> {
    if let Some(policy) = &package.details.policy {
        Policies::load(config)?.check(policy)?;
    }
    let json = package.json.json;
    let number = match &package.output {
        Some(folder) => {
            let number = numbers::for_folder(config, package.movie)?;
            // The packager makes folders that others may read.
            if is_below(&config.data, folder) {
                server::open_data(&config.data)?;
            }
            number
        }
        None => {
            // Before the library in it is made.
            server::open_data(&config.data)?;
            numbers::choose(config, package.movie, package.replace)?
        }
    };
    if package.output.is_none() && !matches!(package.scheme, Scheme::None) {
        movie::prepare_license(config, &package.details, number.so_far.as_ref())?;
    }
    let destination = match package.output.clone() {
        Some(folder) => Destination::Directory(folder),
        None => super::storage::destination(config)?,
    };
    let tracks = tracks::read(&package.tracks)?;
    let Chosen { keys, after } = exchange::choose(config, &package, number.id)?;
    let mut work = match package.thumbnails {
        true => Some(open_work(config, &package.inputs, &destination)?),
        false => None,
    };
    let thumbnails = work.as_mut().map(|work| thumbnails(&package.inputs, work)).transpose()?.flatten();
    let options = PackageOptions {
        // What it is called so far is not the file's name.
        title: package.details.title.clone().or(number.so_far.map(|movie| movie.title)),
        thumbnails,
        scheme: package.scheme,
        level: package.level,
        segment: Duration::from_secs_f64(package.segment),
        label_by_height: package.label_by_height,
        rotate: package.rotate,
        clear_lead: package.clear_lead.unwrap_or_default(),
        allow_no_audio: package.no_audio,
        poster: package.poster,
        audio: tracks.audio,
        subtitles: tracks.subtitles,
        chapters: tracks.chapters,
        ..PackageOptions::new(package.inputs, number.id, keys, destination)
    };
    // With the pack from its first moment, so that there is none that nobody can license.
    let seal = |pack: &pack::Pack| match options.destination {
        Destination::Directory(_) => Ok(None),
        _ => given_keys::seal(config, pack, &after.given_of(pack)),
    };
    let published = packager::package_sealed(&options, &mut Bar::new(), seal)?;
    let kept = after.kept(&published.pack, options.keys.as_ref());
    if matches!(options.destination, Destination::Directory(_)) {
        kept?;
        discard(work)?;
        let (id, folder) = (published.pack.pack_id, published.directory);
        if json {
            return output::json(
                &json!({"movie_id": number.id, "pack": id, "folder": folder.to_string_lossy()}),
            );
        }
        let (movie, folder) = (number.id, folder.display());
        return output::line(&format!(
            "Packaged as {id} in {folder}, for movie {movie}; publish it by `matinee movie add {folder}`"
        ));
    }
    let source = match package.clear_source {
        true => clear_source(config, &options, &mut Bar::new()).map(Some),
        false => Ok(None),
    };
    let done = source.and_then(|source| {
        // Those of a new pack lie with it.
        let kept = kept?;
        let given = if published.already_there { kept.as_slice() } else { &[] };
        let pack = given_keys::keep(config, &published.pack.pack_id, given)?;
        Ok((movie::put(config, &pack, package.details, number.over)?, source))
    });
    if done.is_err() && !published.already_there {
        // No film in the library that the catalogue does not know.
        let id = &published.pack.pack_id;
        let _ = block_on(async { Ok(movies::unpublish(&*library::open(config)?, id).await?) });
    }
    let (added, source) = done?;
    discard(work)?;
    let kept = source.map(|source| source.keep(&added.movie.id.to_string())).transpose()?;
    movie::say(&added, kept.as_deref(), json)
}

/// Whether a folder is in the data folder, or is to be: neither need be there.
fn is_below(data: &Path, folder: &Path) -> bool {
    resolved(data).zip(resolved(folder)).is_some_and(|(data, folder)| folder.starts_with(data))
}

/// A path without symbolic links, as far as it is there.
fn resolved(path: &Path) -> Option<PathBuf> {
    let path = std::path::absolute(path).ok()?;
    let (above, real) = path.ancestors().find_map(|above| Some((above, above.canonicalize().ok()?)))?;
    Some(real.join(path.strip_prefix(above).ok()?))
}

/// Folder of clear films in the data folder.
const SOURCES: &str = "sources";

/// Makes the clear form of a film, for the owner of the data folder alone.
pub(super) fn clear_source(
    config: &Config,
    options: &PackageOptions,
    progress: &mut dyn packager::Progress,
) -> Result<ClearSource, Failure> {
    let sources = config.data.join(SOURCES);
    server::open_data(&sources)?;
    Ok(ClearSource::make(options, &sources, progress)?)
}

/// Where thumbnails are made: in the data folder, or hidden beside the folder that is written.
fn open_work(config: &Config, inputs: &[PathBuf], destination: &Destination) -> Result<Work, Failure> {
    let parent = match destination {
        Destination::Library(_) | Destination::Storage { .. } => config.data.join(WORK),
        Destination::Directory(folder) => {
            let name = folder.file_name().unwrap_or_default().to_string_lossy();
            folder.with_file_name(format!(".{name}.{WORK}"))
        }
    };
    Ok(Work::open(&parent, inputs, "")?)
}

/// Removes what thumbnails were made of, once they are in the pack.
fn discard(work: Option<Work>) -> Result<(), Failure> {
    let Some(work) = work else { return Ok(()) };
    let parent = work.folder().parent().map(Path::to_path_buf);
    work.remove()?;
    // It stays where others are at work in it.
    let _ = parent.map(std::fs::remove_dir);
    Ok(())
}

/// The film's thumbnails; `None`, and said, without ffmpeg.
fn thumbnails(inputs: &[PathBuf], work: &mut Work) -> Result<Option<ThumbnailSource>, Failure> {
    match prepare::thumbnails(inputs, work, &mut Bar::new()) {
        Ok(made) => Ok(Some(made)),
        Err(error @ prepare::Error::Missing(_)) => {
            eprintln!("matinee: no thumbnails: {error}");
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

pub(crate) fn decrypt(decrypt: &Decrypt) -> Result<(), Failure> {
    let keys = given_keys::read(&decrypt.keys)?;
    if keys.is_empty() {
        return Err(Failure::Usage(
            "name the film's keys by --key KID:KEY, --key-file FILE or --cpix FILE".to_owned(),
        ));
    }
    let done = packager::decrypt(&decrypt.file, &keys, decrypt.output.as_deref(), &mut Bar::new())?;
    if decrypt.json.json {
        return output::json(
            &json!({"file": decrypt.file.to_string_lossy(), "output": done.output.to_string_lossy(), "samples": done.samples,
            "protected_samples": done.protected_samples}),
        );
    }
    output::line(&format!(
        "Decrypted {} of {} samples to {}",
        done.protected_samples,
        done.samples,
        done.output.display()
    ))
}
