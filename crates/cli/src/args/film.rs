//! Commands that make films, look into them and publish them.

use super::values::{rotation, seconds, time};
use super::{Exchange, Json};
use clap::{Args, Subcommand, ValueEnum};
use packager::Rotation;
use server::LicenseMode;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

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
    /// Genre; may be given several times
    #[arg(long = "genre", value_name = "NAME")]
    pub(crate) genres: Vec<String>,
    /// Series that it is an episode of
    #[arg(long, value_name = "NAME", requires_all = ["season", "episode"])]
    pub(crate) series: Option<String>,
    /// Its season, 0 for specials
    #[arg(long, value_name = "NUMBER", requires = "series")]
    pub(crate) season: Option<u16>,
    /// Its number in the season
    #[arg(long, value_name = "NUMBER", requires = "series")]
    pub(crate) episode: Option<u16>,
    /// What it is about
    #[arg(long, value_name = "TEXT")]
    pub(crate) synopsis: Option<String>,
    /// Age rating
    #[arg(long)]
    pub(crate) rating: Option<String>,
    /// Policy of its licenses, see `matinee policy list` [a new film's: 24h]
    #[arg(long, value_name = "NAME")]
    pub(crate) policy: Option<String>,
    /// Where its licenses come from: server, or embedded (along with the film, for the domain all; or
    /// embedded-browser, embedded-box) [a new film's: server]
    #[arg(long, value_name = "MODE")]
    pub(crate) license: Option<LicenseMode>,
    /// Country from which it may be watched, like DE; may be given several times [a new film's: all that the
    /// site allows]
    #[arg(long = "region", value_name = "COUNTRY")]
    pub(crate) regions: Vec<String>,
    /// Plan that may play it; may be given several times [a new film's: every plan but none]
    #[arg(long = "plan", value_name = "PLAN")]
    pub(crate) plans: Vec<String>,
}

impl Details {
    /// Whether nothing is told.
    pub(crate) fn is_empty(&self) -> bool {
        let Self {
            title,
            year,
            cast,
            genres,
            series,
            season,
            episode,
            synopsis,
            rating,
            policy,
            license,
            regions,
            plans,
        } = self;
        let texts = [title, series, synopsis, rating, policy];
        let lists = [cast, genres, regions, plans];
        texts.iter().all(|text| text.is_none())
            && lists.iter().all(|list| list.is_empty())
            && year.is_none()
            && season.is_none()
            && episode.is_none()
            && license.is_none()
    }
}

#[derive(Debug, Args)]
pub(crate) struct Package {
    /// MP4, MOV, MKV or WebM with H.264, HEVC, VP9 or AV1 and AAC, Opus, AC-3, E-AC-3 or FLAC; several are
    /// the ladder of one film
    #[arg(required = true, value_name = "INPUT")]
    pub(crate) inputs: Vec<PathBuf>,
    /// Number of the movie [default: the next that is free]
    #[arg(long, value_name = "ID")]
    pub(crate) movie: Option<nccp::MovieId>,
    /// Take the place of the movie that has the number; what is not told of the film anew stays as it is
    #[arg(long, requires = "movie")]
    pub(crate) replace: bool,
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
    /// Keep the film's clear form, too, in sources/ID in the data folder: an origin encrypts it anew when it
    /// is asked for. It is for the owner of the data folder alone
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
    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Debug, Args)]
pub(crate) struct Add {
    /// The film, in anything that ffmpeg reads; more sound and subtitles, in files named like film.de.srt
    #[arg(required = true, value_name = "INPUT")]
    pub(crate) inputs: Vec<PathBuf>,
    /// Number of the movie [default: the next that is free]
    #[arg(long, value_name = "ID")]
    pub(crate) movie: Option<nccp::MovieId>,
    /// Take the place of the movie that has the number; what is not told of the film anew stays as it is
    #[arg(long, requires = "movie")]
    pub(crate) replace: bool,
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
    /// In what the HDR of a film is kept, beside its SDR in H.264 [default: hevc, else av1, as this ffmpeg
    /// has an encoder]
    #[arg(long, value_name = "CODEC", value_enum)]
    pub(crate) hdr: Option<Hdr>,
    /// Protection: cenc, cbcs or none
    #[arg(long, default_value = "cenc")]
    pub(crate) scheme: pack::Scheme,
    /// Keep the film's clear form, too, in sources/ID in the data folder: an origin encrypts it anew when it
    /// is asked for. It is for the owner of the data folder alone
    #[arg(long)]
    pub(crate) clear_source: bool,
    /// Say what would be done and why, and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Print one JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

/// In what HDR is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Hdr {
    Hevc,
    Av1,
    /// The film becomes SDR alone
    None,
}

/// Tracks from files of their own, and chapters.
#[derive(Debug, Args)]
pub(crate) struct Tracks {
    /// A track of sound from a file, and what is told of it, like lang=de,label="Deutsch",role=main: lang
    /// (BCP 47), label, role (main, alternate, dub, commentary, description, supplementary), default, track
    /// (from 1, where the file has several); may be given several times
    #[arg(long, num_args = 2, value_names = ["TRACK", "FILE"])]
    pub(crate) audio: Vec<OsString>,
    /// Subtitles from a WebVTT, SubRip or TTML file, and what is told of them, like lang=de,role=caption:
    /// lang, label, role (subtitle, caption, forced), default; may be given several times
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
    /// CPIX document with such keys, that nobody else can read, and what each of them is for; - is standard
    /// input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["keys", "key_files"])]
    pub(crate) cpix: Option<PathBuf>,
    /// Private key (RSA, PEM) that nobody else can read, to open a CPIX document with whose keys are
    /// encrypted; - is standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["keys", "key_files"])]
    pub(crate) cpix_key: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Inspect {
    /// A file, a film's folder, or the number of a movie in the catalogue
    #[arg(value_name = "FILE|DIR|MOVIE")]
    pub(crate) place: PathBuf,
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
    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Debug, Args)]
pub(crate) struct AddMovie {
    /// The folder with pack.json
    #[arg(required_unless_present = "content", conflicts_with = "content")]
    pub(crate) folder: Option<PathBuf>,
    /// In place of a folder: a content of the origin's sources, by its path below them
    #[arg(long, value_name = "PATH", conflicts_with_all = ["keys", "key_files", "cpix", "cpix_key"])]
    pub(crate) content: Option<String>,
    /// For the clients of this set [default: vod]
    #[arg(long, value_name = "NAME", requires = "content")]
    pub(crate) set: Option<String>,
    /// Number of the movie [default: the one it was packaged with]
    #[arg(long, value_name = "NUMBER", requires = "content")]
    pub(crate) movie: Option<nccp::MovieId>,
    /// Take the place of the movie that has the number; what is not told of the film anew stays as it is
    #[arg(long)]
    pub(crate) replace: bool,
    #[command(flatten)]
    pub(crate) keys: FilmKeys,
    #[command(flatten)]
    pub(crate) details: Details,
    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Debug, Args)]
pub(crate) struct EditMovie {
    /// Its number
    pub(crate) movie: nccp::MovieId,
    #[command(flatten)]
    pub(crate) details: Details,
    /// Tell this no more; may be given several times
    #[arg(long, value_name = "FIELD", value_enum)]
    pub(crate) clear: Vec<ClearField>,
    #[command(flatten)]
    pub(crate) json: Json,
}

/// What need not be told of a movie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ClearField {
    Year,
    Cast,
    #[value(alias = "genre")]
    Genres,
    /// And season and episode
    Series,
    Synopsis,
    Rating,
    #[value(alias = "plan")]
    Plans,
    #[value(alias = "region")]
    Regions,
}

#[derive(Debug, Args)]
pub(crate) struct MoviePoster {
    /// Its number
    pub(crate) movie: nccp::MovieId,
    /// The picture (JPEG)
    #[arg(required_unless_present_any = ["from_film", "remove"], conflicts_with_all = ["from_film", "remove"])]
    pub(crate) file: Option<PathBuf>,
    /// The film's picture at this time, like 90s or 12m; ffmpeg is needed for it
    #[arg(long, value_name = "TIME", value_parser = time, conflicts_with = "remove")]
    pub(crate) from_film: Option<Duration>,
    /// Take the poster away again: the one is shown that the film was packaged with, if it was with one
    #[arg(long)]
    pub(crate) remove: bool,
    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Movie {
    /// Publish a packaged film
    Add(Box<AddMovie>),
    /// List the movies
    List(Json),
    /// Change what is told of a movie: what is named here, and nothing else
    Edit(Box<EditMovie>),
    /// Give a movie a poster, or another one; the film's files stay as they are
    Poster(MoviePoster),
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
