//! What is served: a film of 7 Mb/s, encrypted in the library and clear for the origin.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::servers::{self, Server};
use crate::bench::noise_film::NoiseFilm;
use crate::build::{Kind, build_binary, build_site};
use crate::command;
use crate::error::Error;
use crate::project::Project;
use crate::tools;

/// Of the tokens, here and at nginx; it protects nothing.
const SECRET: &str = "films-secret";
/// Seconds of film, and its megabits a second: 3.5 MB in a segment of 4 s.
const SECONDS: u64 = 120;
const RATE: &str = "7M";

/// A file by its URL.
pub(crate) struct Film {
    /// Without scheme and authority.
    pub(crate) url: String,
    /// Octets.
    pub(super) size: u64,
}

/// All that is needed, in a folder of the target.
pub(crate) struct Stage {
    pub(super) folder: PathBuf,
    /// As `taskset` takes them.
    pub(super) cores: String,
    /// The film's picture as a file of the library.
    pub(crate) packed: Film,
    /// The same by the origin: the same octets but for keys, at the same places.
    pub(crate) made: Film,
    /// First and last octet of each segment of the picture.
    pub(super) segments: Vec<(u64, u64)>,
    binary: PathBuf,
    config: PathBuf,
    library: PathBuf,
    address: std::net::SocketAddr,
}

impl Stage {
    /// Makes film, library and sources. `more`: further lines of the configuration.
    ///
    /// # Errors
    /// Of the tools, of the compilers, and of `matinee`.
    pub(crate) fn prepare(project: &Project, more: &str) -> Result<Self, Error> {
        tools::ffmpeg(project)?;
        build_site(project, Kind::Release)?;
        let binary = build_binary(project, Kind::Release)?;
        let folder = project.target.join("bench-delivery");
        std::fs::create_dir_all(&folder).map_err(Error::file(&folder))?;
        let film = NoiseFilm::of_720_lines(RATE, SECONDS).make(project, &folder, "film.mp4")?;
        let (data, config) = (folder.join("data"), folder.join("matinee.toml"));
        crate::bench::fresh(&data)?;
        let sources = data.join("sources/films");
        std::fs::create_dir_all(&sources).map_err(Error::file(&sources))?;
        let mine = std::fs::Permissions::from_mode(0o700);
        std::fs::set_permissions(&data, mine).map_err(Error::file(&data))?;
        let address = servers::free_address()?;
        let text = format!(
            "public_url = \"http://localhost:{port}\"\nlisten = \"{address}\"\ndata = {data:?}\n\
             roles = [\"edge\", \"origin\"]\n[edge]\ntoken = \"nginx\"\nsecrets = [\"{SECRET}\"]\n\
             [origin]\nsources = \"sources\"\n{more}",
            port = address.port(),
            data = data.display().to_string(),
        );
        std::fs::write(&config, text).map_err(Error::file(&config))?;
        let matinee = || -> Command {
            let mut matinee = command::command(project, &binary);
            matinee.arg("--config").arg(&config);
            matinee
        };
        command::output(matinee().args(["package", "--movie", "1", "--title", "Packed", "--"]).arg(&film))?;
        let clear = ["package", "--movie", "2", "--title", "Made", "--scheme", "none", "--output"];
        command::output(matinee().args(clear).arg(sources.join("a")).arg("--").arg(&film))?;
        command::output(matinee().args(["movie", "add", "--content", "films/a", "--movie", "2"]))?;

        let library = data.join("library");
        let picture = Picture::of(&library)?;
        let url = |movie: &str| -> Result<String, Error> {
            let said = command::output(matinee().args(["url", movie, "--form", "file", "--expires", "7d"]))?;
            let line = said.lines().nth(picture.number);
            line.and_then(local).ok_or_else(|| Error::Rule(format!("`matinee url` said: {said}")))
        };
        let (packed, made) = (url("1")?, url("2")?);
        let size = picture.size;
        Ok(Self {
            cores: servers::two_cores()?,
            packed: Film { url: packed, size },
            made: Film { url: made, size },
            segments: picture.segments,
            folder,
            binary,
            config,
            library,
            address,
        })
    }

    /// Starts ours.
    ///
    /// # Errors
    /// Where it does not get ready.
    pub(crate) fn matinee(&self, project: &Project) -> Result<Server, Error> {
        servers::matinee(project, &self.binary, &self.config, (self.address, &self.cores))
    }

    /// Starts nginx.
    ///
    /// # Errors
    /// Where it does not get ready.
    pub(super) fn nginx(&self, project: &Project) -> Result<Server, Error> {
        servers::nginx(project, &self.folder, (&self.library, SECRET), &self.cores)
    }
}

/// A URL without scheme and authority.
fn local(url: &str) -> Option<String> {
    let (_, rest) = url.split_once("://")?;
    rest.find('/').and_then(|at| rest.get(at..)).map(str::to_owned)
}

/// The largest file of a pack.
#[derive(Debug, PartialEq)]
struct Picture {
    /// Which of its representations.
    number: usize,
    size: u64,
    segments: Vec<(u64, u64)>,
}

impl Picture {
    /// That of the only pack in a library.
    fn of(library: &Path) -> Result<Self, Error> {
        let entries = std::fs::read_dir(library).map_err(Error::file(library))?;
        let mut packs = entries.flatten().map(|entry| entry.path().join("pack.json"));
        let content = |problem: String| Error::Content { path: library.to_owned(), problem };
        let file = packs.find(|file| file.is_file()).ok_or_else(|| content("no film is in it".to_owned()))?;
        let text = std::fs::read_to_string(&file).map_err(Error::file(&file))?;
        let pack = serde_json::from_str(&text).map_err(|error| content(error.to_string()))?;
        Self::read(&pack).ok_or_else(|| content("its pack.json is not understood".to_owned()))
    }

    fn read(pack: &serde_json::Value) -> Option<Self> {
        let representations = pack.get("representations")?.as_array()?;
        let size = |value: &serde_json::Value| value.get("size")?.as_u64();
        let (number, picture) =
            representations.iter().enumerate().max_by_key(|(_, representation)| size(representation))?;
        let range = |segment: &serde_json::Value| {
            let (first, length) = (segment.get("offset")?.as_u64()?, size(segment)?);
            Some((first, first + length.checked_sub(1)?))
        };
        let mut segments =
            picture.get("segments")?.as_array()?.iter().map(range).collect::<Option<Vec<_>>>()?;
        // The last is shorter.
        if segments.len() > 1 {
            segments.pop();
        }
        Some(Self { number, size: size(picture)?, segments })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_file_and_its_segments() {
        let pack = serde_json::json!({"representations": [
            {"size": 9, "segments": [{"offset": 1, "size": 8}]},
            {"size": 100, "segments": [{"offset": 10, "size": 50}, {"offset": 60, "size": 30}, {"offset": 90, "size": 10}]},
        ]});
        let picture = Picture { number: 1, size: 100, segments: vec![(10, 59), (60, 89)] };
        assert_eq!(Picture::read(&pack), Some(picture));
        assert_eq!(Picture::read(&serde_json::json!({"representations": []})), None);
        assert_eq!(Picture::read(&serde_json::json!({"representations": [{"size": 1}]})), None);
    }

    #[test]
    fn a_url_is_asked_for_at_any_server() {
        let url = "http://localhost:8080/s/0/541/1.mp4?md5=a&expires=1";
        assert_eq!(local(url).as_deref(), Some("/s/0/541/1.mp4?md5=a&expires=1"));
        assert_eq!(local("films"), None);
    }
}
