//! `matinee inspect`.

use super::check::library_folder;
use super::progress::Bar;
use crate::args::Inspect;
use crate::{Failure, output};
use server::Config;

/// Looks into a file, or into a film. The configuration is read only where the film is named by its number.
pub(crate) fn run(
    config: impl FnOnce() -> Result<Config, Failure>,
    inspect: &Inspect,
) -> Result<(), Failure> {
    let place = &inspect.place;
    let number = place.to_str().and_then(|text| text.parse::<u64>().ok());
    let folder = match number.filter(|_| !place.exists()) {
        Some(movie) => Some(library_folder(&config()?, movie)?),
        None => Some(place.clone()).filter(|place| place.is_dir()),
    };
    match folder {
        Some(folder) => {
            let film = packager::inspect_film(&folder, &mut Bar::new())?;
            if inspect.json.json { output::json(&film) } else { output::line(film.to_string().trim_end()) }
        }
        None => {
            let file = packager::inspect(place)?;
            if inspect.json.json { output::json(&file) } else { output::line(file.to_string().trim_end()) }
        }
    }
}
