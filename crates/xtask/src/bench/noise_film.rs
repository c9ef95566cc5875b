//! Clear films of noise: their rate is what it should be, since no encoder can make less of them.

use std::path::{Path, PathBuf};

use crate::command;
use crate::error::Error;
use crate::project::Project;

/// A film to make; rates as ffmpeg takes them.
pub(super) struct NoiseFilm<'a> {
    /// `{width}x{height}`; there are 24 pictures a second.
    pub(super) size: &'a str,
    /// How strong the noise is, of 100.
    pub(super) noise: u32,
    /// Of the pictures.
    pub(super) rate: &'a str,
    /// Pictures from one key frame to the next.
    pub(super) key_frames: u32,
    /// Of the sound, AAC in stereo.
    pub(super) sound: &'a str,
    /// More options of the pictures' encoder.
    pub(super) options: &'a [&'a str],
    pub(super) seconds: u64,
}

impl<'a> NoiseFilm<'a> {
    /// 720 lines, with a key frame every 4 s.
    pub(super) const fn of_720_lines(rate: &'a str, seconds: u64) -> Self {
        Self { size: "1280x720", noise: 60, rate, key_frames: 96, sound: "128k", options: &[], seconds }
    }

    /// Makes it, once: `file` in a folder that is there.
    ///
    /// # Errors
    /// Of ffmpeg.
    pub(super) fn make(&self, project: &Project, folder: &Path, file: &str) -> Result<PathBuf, Error> {
        let (file, making) = (folder.join(file), folder.join("making.mp4"));
        if file.is_file() {
            return Ok(file);
        }
        let Self { size, noise, rate, key_frames, sound, options, seconds } = *self;
        let (key_frames, seconds) = (key_frames.to_string(), seconds.to_string());
        let mut ffmpeg = command::command(project, "ffmpeg");
        ffmpeg.args(["-v", "error", "-y", "-f", "lavfi", "-i"]);
        ffmpeg.arg(format!("testsrc2=size={size}:rate=24,noise=alls={noise}:allf=t"));
        ffmpeg.args(["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000", "-t", &seconds]);
        ffmpeg.args(["-c:v", "libx264", "-preset", "ultrafast"]).args(options).args(["-pix_fmt", "yuv420p"]);
        ffmpeg.args(["-b:v", rate, "-maxrate", rate, "-bufsize", rate]);
        ffmpeg.args(["-g", &key_frames, "-keyint_min", &key_frames, "-sc_threshold", "0"]);
        ffmpeg.args(["-c:a", "aac", "-ac", "2", "-b:a", sound]).arg(&making);
        command::output(&mut ffmpeg)?;
        std::fs::rename(&making, &file).map_err(Error::file(&making))?;
        Ok(file)
    }
}
