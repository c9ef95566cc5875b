//! The command line, as `matinee --help` shows it.

mod exchange;

pub(crate) use exchange::Exchange;

use clap::{Args, Parser, Subcommand};
use packager::Rotation;
use server::keys::KeyKind;
use server::{LicenseMode, Role};
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

/// Matinee: protected streaming of your own films.
#[derive(Debug, Parser)]
#[command(name = "matinee", version, propagate_version = true)]
pub(crate) struct Arguments {
    /// Configuration file [default: matinee.toml, where there is one]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Folder for database, keys and library [default: matinee-data]
    #[arg(long, global = true, value_name = "DIR", env = "MATINEE_DATA")]
    pub(crate) data: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the service
    Serve(Serve),
    /// Make a film of whatever there is: look into it, transcode what players do not take, package, publish
    Add(Box<Add>),
    /// Turn finished files into an encrypted film and publish it
    Package(Box<Package>),
    /// Show what is in a packaged file
    Inspect(Inspect),
    /// Check that a packaged film is whole, and that nothing in it contradicts itself
    Check(Check),
    /// Decrypt a packaged file
    Decrypt(Decrypt),
    /// The site's keys
    #[command(subcommand)]
    Keys(Keys),
    /// Accounts
    #[command(subcommand)]
    User(User),
    /// TV devices
    #[command(subcommand)]
    Box(BoxCommand),
    /// Devices of accounts
    #[command(subcommand)]
    Device(Device),
    /// The catalogue
    #[command(subcommand)]
    Movie(Movie),
    /// Rules that licenses carry
    #[command(subcommand)]
    Policy(Policy),
    /// Show who did what: logins, registrations, removals, licenses, refusals, commands
    Audit(Audit),
}

#[derive(Debug, Args)]
pub(crate) struct Audit {
    /// Only this account's: its email address
    #[arg(long, value_name = "EMAIL")]
    pub(crate) account: Option<String>,
    /// Only this device's: its id
    #[arg(long, value_name = "DEVICE")]
    pub(crate) device: Option<nccp::DeviceId>,
    /// Only this movie's: its number
    #[arg(long, value_name = "MOVIE")]
    pub(crate) movie: Option<nccp::MovieId>,
    /// Not before: 2026-11-28, 2026-11-28T20:00:00Z (UTC), or an age such as 12h or 7d
    #[arg(long, value_name = "TIME", value_parser = since)]
    pub(crate) since: Option<SystemTime>,
    /// Print one JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

/// A day, a moment, or how long ago.
fn since(text: &str) -> Result<SystemTime, String> {
    let day = || humantime::parse_rfc3339(&format!("{text}T00:00:00Z")).ok();
    let ago = || SystemTime::now().checked_sub(humantime::parse_duration(text).ok()?);
    let moment = humantime::parse_rfc3339(text).ok();
    moment.or_else(day).or_else(ago).ok_or_else(|| {
        "must be a day (2026-11-28), a moment (2026-11-28T20:00:00Z), or an age (12h, 7d)".to_owned()
    })
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Parts to run: site, control, individualize, edge [default: all]
    #[arg(long, value_delimiter = ',', value_name = "ROLES", env = "MATINEE_ROLES")]
    pub(crate) roles: Option<Vec<Role>>,
    /// Address to listen on [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS:PORT", env = "MATINEE_LISTEN")]
    pub(crate) listen: Option<SocketAddr>,
    /// The origin by which browsers know the site [default: http://localhost:PORT]
    #[arg(long, value_name = "URL", env = "MATINEE_PUBLIC_URL")]
    pub(crate) public_url: Option<String>,
    /// Folder with the built site [default: the one in the binary]
    #[arg(long, value_name = "DIR", env = "MATINEE_SITE_DIR")]
    pub(crate) site: Option<PathBuf>,
}

/// What is told of a film.
#[derive(Debug, Args)]
pub(crate) struct Details {
    /// Title
    #[arg(long)]
    pub(crate) title: Option<String>,
    /// Year of release
    #[arg(long)]
    pub(crate) year: Option<u16>,
    /// Cast member; may be given several times
    #[arg(long, value_name = "NAME")]
    pub(crate) cast: Vec<String>,
    /// What it is about
    #[arg(long, value_name = "TEXT")]
    pub(crate) synopsis: Option<String>,
    /// Age rating
    #[arg(long)]
    pub(crate) rating: Option<String>,
    /// Policy of its licenses, see `matinee policy list` [default: 24h]
    #[arg(long, value_name = "NAME")]
    pub(crate) policy: Option<String>,
    /// Where its licenses come from: server, or embedded (along with the film, for the domain all; or
    /// embedded-browser, embedded-box)
    #[arg(long, value_name = "MODE", default_value = "server")]
    pub(crate) license: LicenseMode,
    /// Country from which it may be watched, like DE; may be given several times [default: all that the site
    /// allows]
    #[arg(long = "region", value_name = "COUNTRY")]
    pub(crate) regions: Vec<String>,
    /// Plan that may play it; may be given several times [default: every plan but none]
    #[arg(long = "plan", value_name = "PLAN")]
    pub(crate) plans: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Json {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Package {
    /// MP4, MOV, MKV or WebM with H.264, HEVC, VP9 or AV1 and AAC, Opus, AC-3, E-AC-3 or FLAC; several are the
    /// ladder of one film
    #[arg(required = true, value_name = "INPUT")]
    pub(crate) inputs: Vec<PathBuf>,
    /// Number of the movie
    #[arg(long, value_name = "ID")]
    pub(crate) movie: nccp::MovieId,
    #[command(flatten)]
    pub(crate) details: Details,
    #[command(flatten)]
    pub(crate) tracks: Tracks,
    /// Picture for the library (JPEG)
    #[arg(long, value_name = "FILE")]
    pub(crate) poster: Option<PathBuf>,
    /// Make thumbnails of the film, for which ffmpeg is needed; where there is none the film goes on without
    #[arg(long)]
    pub(crate) thumbnails: bool,
    /// Write files and pack.json to this new folder instead of publishing them; with --scheme none also
    /// source.json, which makes it a source for an origin
    #[arg(long, value_name = "DIR")]
    pub(crate) output: Option<PathBuf>,
    /// Keep the film's clear form, too, in sources/ID in the data folder: an origin encrypts it anew when it is asked
    /// for. It is for the owner of the data folder alone
    #[arg(long, conflicts_with = "output")]
    pub(crate) clear_source: bool,
    /// Protection: cenc, cbcs or none
    #[arg(long, default_value = "cenc")]
    pub(crate) scheme: pack::Scheme,
    /// Which pictures to encrypt: high (all), medium (those that others are made from) or low (sync samples);
    /// sound always is
    #[arg(long, default_value = "high")]
    pub(crate) level: pack::Level,
    /// Length of segments, in seconds
    #[arg(long, default_value = "4s", value_parser = seconds)]
    pub(crate) segment: f64,
    /// Give each height of the picture a key of its own, so that licenses bring those only that the policy's
    /// max_height allows; sound has the film's
    #[arg(long, conflicts_with_all = ["keys", "key_files", "cpix"])]
    pub(crate) label_by_height: bool,
    /// Change the key after so many segments (like 10) or so much time (like 60s, 5m or 1h), in whole
    /// segments [default: never]
    #[arg(long, value_name = "PERIOD", value_parser = rotation)]
    pub(crate) rotate: Option<Rotation>,
    /// Leave the beginning clear, in whole segments that cover this time (like 8s) [default: nothing]
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) clear_lead: Option<Duration>,
    /// Accept a film without sound
    #[arg(long)]
    pub(crate) no_audio: bool,
    #[command(flatten)]
    pub(crate) keys: FilmKeys,
    #[command(flatten)]
    pub(crate) exchange: Exchange,
}

#[derive(Debug, Args)]
pub(crate) struct Add {
    /// The film, in anything that ffmpeg reads; more sound and subtitles, in files named like film.de.srt
    #[arg(required = true, value_name = "INPUT")]
    pub(crate) inputs: Vec<PathBuf>,
    /// Number of the movie [default: the next that is free]
    #[arg(long, value_name = "ID")]
    pub(crate) movie: Option<nccp::MovieId>,
    #[command(flatten)]
    pub(crate) details: Details,
    #[command(flatten)]
    pub(crate) tracks: Tracks,
    /// Picture for the library (JPEG) [default: one of the film's first tenth]
    #[arg(long, value_name = "FILE")]
    pub(crate) poster: Option<PathBuf>,
    /// Transcode to the steps in this file (TOML, [[rung]] tables with height and max_kbps)
    #[arg(long, value_name = "FILE")]
    pub(crate) ladder: Option<PathBuf>,
    /// Protection: cenc, cbcs or none
    #[arg(long, default_value = "cenc")]
    pub(crate) scheme: pack::Scheme,
    /// Keep the film's clear form, too, in sources/ID in the data folder: an origin encrypts it anew when it is asked
    /// for. It is for the owner of the data folder alone
    #[arg(long)]
    pub(crate) clear_source: bool,
    /// Say what would be done and why, and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Print one JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

/// Tracks from files of their own, and chapters.
#[derive(Debug, Args)]
pub(crate) struct Tracks {
    /// A track of sound from a file, and what is told of it, like lang=de,label="Deutsch",role=main: lang (BCP
    /// 47), label, role (main, alternate, dub, commentary, description, supplementary), default, track (from 1,
    /// where the file has several); may be given several times
    #[arg(long, num_args = 2, value_names = ["TRACK", "FILE"])]
    pub(crate) audio: Vec<OsString>,
    /// Subtitles from a WebVTT or SubRip file, and what is told of them, like lang=de,role=caption: lang,
    /// label, role (subtitle, caption, forced), default; may be given several times
    #[arg(long, num_args = 2, value_names = ["TRACK", "FILE"])]
    pub(crate) subtitles: Vec<OsString>,
    /// Chapters: WebVTT, or lines like 00:12:30 The wedding
    #[arg(long, value_name = "FILE")]
    pub(crate) chapters: Option<PathBuf>,
}

/// A film's own keys.
#[derive(Debug, Args)]
pub(crate) struct FilmKeys {
    /// A key of the film's own, instead of one that follows from the common key; may be given several times
    /// (with --rotate, once for each period). Others on this machine can see it in the list of processes:
    /// --key-file keeps it to yourself
    #[arg(long = "key", value_name = "KID:KEY")]
    pub(crate) keys: Vec<String>,
    /// File with such keys, one a line, that nobody else can read; - is standard input. May be given several
    /// times
    #[arg(long = "key-file", value_name = "FILE")]
    pub(crate) key_files: Vec<PathBuf>,
    /// CPIX document with such keys, that nobody else can read: plain keys, and what each of them is for; - is
    /// standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["keys", "key_files"])]
    pub(crate) cpix: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Inspect {
    /// The file
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// A film's folder, or the number of a movie in the catalogue
    #[arg(value_name = "DIR|MOVIE")]
    pub(crate) film: PathBuf,
    /// Keys with which ffmpeg, where it is installed, decodes the film; clear films it decodes without
    #[command(flatten)]
    pub(crate) keys: FilmKeys,
    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Debug, Args)]
pub(crate) struct Decrypt {
    /// The file
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) keys: FilmKeys,
    /// Where to write [default: FILE with -clear before its ending]
    #[arg(long, value_name = "OUT")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Keys {
    /// Make missing keys, and renew signers' certificates that end soon
    Generate(Json),
    /// List the keys
    List(Json),
    /// Export the keys for a server to a new folder, without the CAs' secrets
    Export {
        /// The new folder
        folder: PathBuf,
        #[command(flatten)]
        json: Json,
    },
    /// Change a key in two steps: make the next one; then, when every server has read it, make it the active
    /// one
    Rotate {
        /// site-ca, signer, ticket, common, media or factory-ca
        #[arg(value_parser = key_kind)]
        kind: KeyKind,
        /// Signers: what it signs, as `keys list` shows it
        #[arg(long, value_name = "TYPE")]
        signs: Option<String>,
        /// Both steps at once: for one server, or a key that leaked
        #[arg(long)]
        now: bool,
        #[command(flatten)]
        json: Json,
    },
    /// Forget a key that only verifies
    Retire {
        /// site-ca, signer, ticket, common, media or factory-ca
        #[arg(value_parser = key_kind)]
        kind: KeyKind,
        /// Its id, as `keys list` shows it
        id: String,
        #[command(flatten)]
        json: Json,
    },
}

fn key_kind(text: &str) -> Result<KeyKind, String> {
    KeyKind::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or_else(|| {
        let names: Vec<_> = KeyKind::ALL.iter().map(|kind| kind.as_str()).collect();
        format!("must be one of {}", names.join(", "))
    })
}

#[derive(Debug, Subcommand)]
pub(crate) enum BoxCommand {
    /// Give a box its keys and certificate, as the factory does
    Provision {
        /// Its model
        #[arg(long)]
        model: String,
        /// Its serial number
        #[arg(long)]
        serial: String,
        /// The new file with its identity
        #[arg(long, value_name = "FILE")]
        output: PathBuf,
        #[command(flatten)]
        json: Json,
    },
    /// Be a TV device: show a code, then play the account's films. Keys: p pauses, n takes the next film, q
    /// ends (each with Enter)
    Run(BoxRun),
}

#[derive(Debug, Args)]
pub(crate) struct BoxRun {
    /// The file that `matinee box provision` wrote
    #[arg(long, value_name = "FILE")]
    pub(crate) box_file: PathBuf,
    /// Folder for what the box keeps [default: the box file's name with the ending .state]
    #[arg(long, value_name = "DIR")]
    pub(crate) state: Option<PathBuf>,
    /// Who gets the film: mpv or ffplay; null decrypts, counts and forgets; auto is the first of them that is
    /// installed
    #[arg(long, default_value = "auto")]
    pub(crate) sink: SinkName,
    /// With --sink null: so many times faster than time
    #[arg(long, value_name = "N", value_parser = speed)]
    pub(crate) speed: Option<f64>,
    /// Play this movie first
    #[arg(long, value_name = "MOVIE")]
    pub(crate) play: Option<nccp::MovieId>,
    /// End after one film
    #[arg(long)]
    pub(crate) once: bool,
    /// Print one JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

/// Who gets the film.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum SinkName {
    Null,
    Ffplay,
    Mpv,
    Auto,
}

/// From 0.1 to 10,000.
fn speed(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok();
    number.filter(|n| (0.1..=10_000.0).contains(n)).ok_or_else(|| "must be 0.1 to 10000".to_owned())
}

#[derive(Debug, Args)]
pub(crate) struct Password {
    /// The password; others on this machine can see it
    #[arg(long, conflicts_with = "password_stdin", env = "MATINEE_PASSWORD", hide_env_values = true)]
    pub(crate) password: Option<String>,
    /// Read the password from standard input
    #[arg(long)]
    pub(crate) password_stdin: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum User {
    /// Make an account
    Add {
        /// Email address
        email: String,
        /// What it may play: unlimited, none, or a plan that movies name
        #[arg(long, default_value = "unlimited")]
        plan: String,
        #[command(flatten)]
        password: Password,
        #[command(flatten)]
        json: Json,
    },
    /// Set another password; the account is signed out everywhere, and its devices register again
    #[command(visible_alias = "password")]
    Passwd {
        /// Email address
        email: String,
        /// Let TV boxes go on: they have no sessions, and would need a new code
        #[arg(long)]
        keep_boxes: bool,
        #[command(flatten)]
        password: Password,
        #[command(flatten)]
        json: Json,
    },
    /// List the accounts
    List(Json),
    /// Stop an account with all its devices at once: sessions end, nothing is licensed or renewed
    #[command(alias = "disable")]
    Block {
        /// Email address
        email: String,
        /// Let it in again
        #[arg(long, hide = true)]
        undo: bool,
        #[command(flatten)]
        json: Json,
    },
    /// Let a blocked account in again
    Unblock {
        /// Email address
        email: String,
        #[command(flatten)]
        json: Json,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Device {
    /// List the devices
    List {
        /// Email address of an account [default: all accounts]
        email: Option<String>,
        #[command(flatten)]
        json: Json,
    },
    /// Free a device's slot; it plays on until its ticket ends
    Remove {
        /// Id of the device, as `device list` shows it
        device: nccp::DeviceId,
        /// End its playback at once
        #[arg(long)]
        now: bool,
        #[command(flatten)]
        json: Json,
    },
    /// No longer trust a device's keys: it is removed from every account, and its keys get no certificate,
    /// registration, ticket or license
    Revoke {
        /// Id of the device, as `device list` shows it, or of its DRM component (32 hexadecimal digits)
        device: String,
        /// Why, for the list
        #[arg(long, default_value = "")]
        note: String,
        #[command(flatten)]
        json: Json,
    },
    /// Trust a revoked device's keys again
    Reinstate {
        /// Id of the device or component
        device: String,
        #[command(flatten)]
        json: Json,
    },
    /// List what is revoked
    Revoked(Json),
}

#[derive(Debug, Args)]
pub(crate) struct AddMovie {
    /// The folder with pack.json
    pub(crate) folder: PathBuf,
    #[command(flatten)]
    pub(crate) keys: FilmKeys,
    #[command(flatten)]
    pub(crate) details: Details,
    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Movie {
    /// Publish a packaged film
    Add(Box<AddMovie>),
    /// List the movies
    List(Json),
    /// Remove a movie and its files
    Remove {
        /// Its number
        movie: nccp::MovieId,
        #[command(flatten)]
        json: Json,
    },
    /// Show a movie
    Show {
        /// Its number
        movie: nccp::MovieId,
        #[command(flatten)]
        json: Json,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Policy {
    /// List the policies
    List(Json),
}

/// `90s`, `5m`, `1h 30m` or `0`; at most a day.
fn time(text: &str) -> Result<Duration, String> {
    let time =
        humantime::parse_duration(text).map_err(|_| "must be a time, like 90s, 5m or 1h".to_owned())?;
    match time <= Duration::from_hours(24) {
        true => Ok(time),
        false => Err("must be a time of at most 24h, like 90s or 5m".to_owned()),
    }
}

/// A number of segments, or a time.
fn rotation(text: &str) -> Result<Rotation, String> {
    match text.parse::<u32>() {
        Ok(0) => Err("must be at least one segment".to_owned()),
        Ok(segments) => Ok(Rotation::Segments(segments)),
        Err(_) => time(text).map(Rotation::Time).map_err(|_| {
            "must be a number of segments, like 10, or a time of at most 24h, like 60s or 5m".to_owned()
        }),
    }
}

/// `4s`, `4` or `2.5s`.
fn seconds(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix('s').unwrap_or(text).parse::<f64>().ok();
    number.filter(|n| n.is_finite() && (1.0..=60.0).contains(n)).ok_or_else(|| "must be 1s to 60s".to_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn times_have_a_unit_and_a_limit() {
        let seconds = |text| time(text).map(|time| time.as_secs());
        assert_eq!(
            ["0", "90s", "5m", "1h 30m", "24h"].map(|text| seconds(text).unwrap()),
            [0, 90, 300, 5400, 86_400]
        );
        for wrong in ["", "5", "-5s", "s", "25h", "99999999999999999999s", "five minutes"] {
            assert!(seconds(wrong).unwrap_err().starts_with("must be a time"), "{wrong}");
        }
    }

    #[test]
    fn since_is_a_day_a_moment_or_a_while_ago() {
        let unix = |text| since(text).unwrap().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        assert_eq!(unix("2026-09-21"), 1_789_948_800);
        assert_eq!(unix("2026-09-21T14:13:20Z"), 1_790_000_000);
        assert!(since("7d").unwrap() < since("12h").unwrap());
        for wrong in ["", "yesterday", "2026-13-01", "21.9.2026"] {
            assert!(since(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn rotation_is_by_segments_or_by_time() {
        assert!(matches!(rotation("10"), Ok(Rotation::Segments(10))));
        assert!(matches!(rotation("60s"), Ok(Rotation::Time(time)) if time.as_secs() == 60));
        assert!(rotation("0").is_err() && rotation("ten").is_err());
    }
}
