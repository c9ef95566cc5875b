//! `cargo xtask demo`: from nothing to a film in the browser.

mod record;
mod serve;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;

use crate::build::{Kind, build_binary, build_site_beside};
use crate::command;
use crate::error::Error;
use crate::project::Project;
use crate::steps::Job;
use crate::tools;
use record::{Extra, Film, Record};

/// The demo film's id, the one in the study's example.
const DEMO_MOVIE: u64 = 60_027_274;
/// Its title.
const DEMO_TITLE: &str = "Matinee demo film";
/// The demo account.
const EMAIL: &str = "demo@example.org";

/// Options of `cargo xtask demo`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Protect and serve your own film, too: an MP4 with H.264 and AAC, or several, which are the same film
    /// in several sizes.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    input: Vec<PathBuf>,
    /// Port on which to serve.
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Where database, keys and films are kept [default: data in the repository].
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

/// Runs the task, until it is interrupted.
///
/// # Errors
/// Of the tools, of the compilers, of `matinee`, and when the server does not get ready.
pub(crate) fn run(project: &Project, arguments: &Arguments) -> Result<(), Error> {
    let input = arguments.input.iter().map(|file| absolute(file)).collect::<Result<Vec<_>, _>>()?;
    let data = arguments.data.as_deref().map_or_else(|| Ok(project.root.join("data")), absolute_new)?;

    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, arguments.port));
    serve::must_be_free(address)?;

    println!("The first time, this compiles for some minutes.");
    // All as the tests have it, because optimising server and modules as a whole takes longer than all the
    // rest.
    let server = Job::new("server", || build_binary(project, Kind::Dev).map(drop));
    // For thumbnails, which the film can do without.
    let ffmpeg = Job::new("ffmpeg", || {
        // Not where somebody would be asked for a password in the middle of it.
        if rustix::process::geteuid().is_root() {
            tools::ffmpeg(project).unwrap_or_else(|error| println!("no thumbnails: {error}"));
        }
        Ok(())
    });
    build_site_beside(project, Kind::Quick, vec![server, ffmpeg])?;
    let binary = project.target.join("debug/matinee");
    let site = project.site();
    let matinee = |arguments: &[&str]| -> Command {
        let mut matinee = command::command(project, &binary);
        matinee.arg("--data").arg(&data).args(arguments).env("MATINEE_SITE_DIR", &site);
        matinee
    };

    // Only from here on: a Ctrl-C during the build ends this program at once.
    let interrupted = serve::interrupts()?;
    make_private(&data).map_err(Error::file(&data))?;
    let mut record = Record::open(&data)?;
    let films = project.demo_film();
    let extras = extras(&project.root.join("media/demo"));
    let demo = Film::new(DEMO_MOVIE, DEMO_TITLE, &films, extras)?;
    protect(&mut record, &demo, &matinee)?;
    if !input.is_empty() {
        let film = Film::of_user(&input)?;
        protect(&mut record, &film, &matinee)?;
    }
    let password = record.password()?;
    if !record.has_account() {
        let with_password =
            |arguments: &[&str]| command::output(matinee(arguments).env("MATINEE_PASSWORD", &password));
        // An earlier demo may have been stopped between making the account and noting it.
        with_password(&["user", "add", EMAIL])
            .or_else(|error| with_password(&["user", "passwd", EMAIL]).map_err(|_| error))?;
        record.set_account()?;
    }

    let mut server = matinee(&["serve", "--listen", &address.to_string()]);
    serve::until_interrupted(&mut server, address, &interrupted, || {
        println!("Matinee is ready: http://localhost:{}", arguments.port);
        println!("email: {EMAIL}");
        println!("password: {password}");
    })
}

/// The folder for the demo's data, for nobody else's eyes: the server refuses another.
fn make_private(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::create_dir_all(folder)?;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700))
}

/// What goes with the demo film: options of `matinee package`, each with the file that follows it.
fn extras(folder: &Path) -> Vec<Extra> {
    let extra = |options: &[&'static str], file: &str| (options.to_vec(), folder.join(file));
    vec![
        extra(&["--poster"], "poster.jpg"),
        extra(&["--audio", "lang=de,label=Deutsch,role=dub"], "sound.de.m4a"),
        extra(&["--subtitles", "lang=en,label=English"], "subtitles.en.vtt"),
        extra(&["--subtitles", "lang=de,label=Deutsch"], "subtitles.de.vtt"),
        extra(&["--chapters"], "chapters.txt"),
    ]
}

/// Protects a film, unless the same files were protected here before.
fn protect(record: &mut Record, film: &Film, matinee: &dyn Fn(&[&str]) -> Command) -> Result<(), Error> {
    if record.has(film) {
        return Ok(());
    }
    println!("protecting “{}”", film.title);
    let mut package =
        matinee(&["package", "--movie", &film.movie.to_string(), "--title", &film.title, "--replace"]);
    for (options, file) in &film.extras {
        package.args(options.iter()).arg(file);
    }
    command::run(package.arg("--thumbnails").arg("--").args(&film.files))?;
    record.add(film)
}

/// The absolute path of a file that is there.
fn absolute(file: &Path) -> Result<PathBuf, Error> {
    file.canonicalize().map_err(Error::file(file))
}

/// The absolute path of a folder that need not be there.
fn absolute_new(folder: &Path) -> Result<PathBuf, Error> {
    std::path::absolute(folder).map_err(Error::file(folder))
}
