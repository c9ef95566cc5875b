//! The films that are packaged: made by ffmpeg once, and kept in the target.

use std::path::{Path, PathBuf};

use crate::command;
use crate::error::Error;
use crate::project::Project;

/// A film: a moving test picture under noise, so that the encoder needs the bit rate that it may have, and
/// noise to hear; H.264 with a key frame every 4 s, and AAC.
#[derive(Debug, Clone, Copy)]
pub(super) struct Film {
    name: &'static str,
    /// Width and height.
    size: (u32, u32),
    /// Bits per second of the pictures, in thousands.
    kilobits: u32,
    /// Length of what is encoded, in seconds.
    seconds: u32,
    /// How many times that stands in the film.
    times: u32,
}

impl Film {
    /// About 107 MB.
    pub(super) const SHORT: Self =
        Self { name: "720p-120s.mp4", size: (1280, 720), kilobits: 7000, seconds: 120, times: 1 };
    /// About 2 GB: the short one again and again.
    pub(super) const LARGE: Self = Self { name: "720p-2280s.mp4", times: 19, ..Self::SHORT };
    /// Ten minutes that `matinee add` takes as they are: no more bits than are sane for their size.
    pub(super) const FIT: Self =
        Self { name: "1080p-600s.mp4", size: (1920, 1080), kilobits: 6000, seconds: 60, times: 10 };

    /// What a reader is told.
    pub(super) fn words(&self) -> String {
        let ((_, height), length) = (self.size, self.seconds * self.times);
        format!("{height}p, {length} s of H.264 ({} kbit/s) and AAC", self.kilobits)
    }

    /// The film's file, which is made if it is not there.
    ///
    /// # Errors
    /// Of ffmpeg, and where the folder cannot be written.
    pub(super) fn file(&self, project: &Project, folder: &Path) -> Result<PathBuf, Error> {
        let file = folder.join(self.name);
        if file.is_file() {
            return Ok(file);
        }
        println!("making {} (once)", file.display());
        std::fs::create_dir_all(folder).map_err(Error::file(folder))?;
        // A film that was not finished is not taken for one.
        let unfinished = folder.join("unfinished.mp4");
        if self.times == 1 {
            self.encode(project, &unfinished)?;
        } else {
            let part = folder.join("part.mp4");
            self.encode(project, &part)?;
            let mut repeat = command::command(project, "ffmpeg");
            repeat
                .args(["-v", "error", "-y", "-stream_loop", &(self.times - 1).to_string(), "-i"])
                .arg(&part);
            repeat.args(["-c", "copy", "-movflags", "+faststart"]).arg(&unfinished);
            command::output(&mut repeat)?;
            std::fs::remove_file(&part).map_err(Error::file(&part))?;
        }
        std::fs::rename(&unfinished, &file).map_err(Error::file(&file))?;
        Ok(file)
    }

    fn encode(&self, project: &Project, to: &Path) -> Result<(), Error> {
        let Self { size: (width, height), kilobits, seconds, .. } = self;
        let rate = format!("{kilobits}k");
        let mut encode = command::command(project, "ffmpeg");
        encode.args(["-v", "error", "-y", "-f", "lavfi", "-i"]);
        encode.arg(format!("testsrc2=size={width}x{height}:rate=24,noise=alls=40:allf=t"));
        encode.args(["-f", "lavfi", "-i", "anoisesrc=color=pink:amplitude=0.3:sample_rate=48000:seed=1"]);
        encode.args(["-t", &seconds.to_string(), "-map", "0:v", "-map", "1:a"]);
        encode.args(["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"]);
        encode.args(["-g", "96", "-keyint_min", "96", "-sc_threshold", "0"]);
        encode.args(["-b:v", &rate, "-minrate", &rate, "-maxrate", &rate, "-bufsize", &rate]);
        encode.args(["-c:a", "aac", "-ac", "2", "-b:a", "128k", "-movflags", "+faststart"]).arg(to);
        command::output(&mut encode).map(drop)
    }
}
