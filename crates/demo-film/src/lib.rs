//! The demo film: what is in its pictures and where, and how to read it back.
//!
//! The committed film (`media/demo/{240p,360p,720p}.mp4`) is 60 s at 24 frames a second, 1440 frames, H.264
//! High with three B-frames and a closed GOP of 48 frames, with AAC-LC stereo at 48 kHz. `cargo xtask film`
//! makes it anew. Beside it are subtitles in two languages (`subtitles.{en,de}.vtt`), chapters
//! (`chapters.txt`) and the same sound with a voice that says the German subtitles ([`LINES`],
//! `sound.de.m4a`).
//!
//! # Geometry
//!
//! All positions are fractions of the picture's width `W` and height `H`, so that they hold at every size.
//!
//! A black strip, the film's edge, fills the lowest eighth (`7/8·H` to `H`). Its middle line is at
//! [`STRIP_Y`]` = 15/16·H`. The width is divided into [`COLUMNS`]` = 24` columns of `W/24`; the middle of
//! column `c` is at `(c + 0.5)/24·W`. Around each middle a square of `0.75·W/24` is painted (with slightly
//! rounded corners), white or black:
//!
//! | columns | content |
//! |---|---|
//! | 0 | dark |
//! | 1 | lamp, left: round, white in the frames of a flash, otherwise dark |
//! | 2, 3 | guard: white, black |
//! | 4 to 19 | frame number, 16 bits, most significant first, white = 1 |
//! | 20, 21 | guard: black, white |
//! | 22 | lamp, right |
//! | 23 | dark |
//!
//! To read it, average the luma over a box of `W/96` by `W/96` around each middle; white is above 150, black
//! below 90. In frame 0 as drawn, white is 235 and black 16 (BT.709, limited range); on a canvas 255 and 0.
//!
//! The flash is on in frames `24·k` and `24·k + 1` for each second `k` in 0..60, and a bell ([`BELL_HZ`],
//! attack within 1 ms, fading over about 0.1 s) starts in both channels at sample `48000·k`, together with
//! the frame's presentation time. The chords under it have nothing above 1.2 kHz.

mod lines;

pub use lines::{LINE_SECONDS, LINES};

/// Frames per second.
pub const FPS: u32 = 24;
/// Length in seconds.
pub const SECONDS: u32 = 60;
/// Number of frames.
pub const FRAMES: u32 = FPS * SECONDS;
/// Audio samples per second and channel.
pub const SAMPLE_RATE: u32 = 48_000;
/// Columns into which the strip is divided.
pub const COLUMNS: u32 = 24;
/// The strip's middle line, as a fraction of the height.
pub const STRIP_Y: f32 = 15.0 / 16.0;
/// The strip's upper edge, as a fraction of the height.
pub const STRIP_TOP: f32 = 7.0 / 8.0;
/// First column of the frame number's bits.
pub const FIRST_BIT: u32 = 4;
/// Bits of the frame number.
pub const BITS: u32 = 16;
/// The two columns with lamps.
pub const LAMPS: [u32; 2] = [1, 22];
/// Frames for which a flash lasts.
pub const FLASH_FRAMES: u32 = 2;
/// The bell's frequency.
pub const BELL_HZ: f32 = 1760.0;

/// One size of the film.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// File name without its ending: `240p`.
    pub name: &'static str,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
}

/// The sizes in which the film is committed, smallest first.
pub const SIZES: [Size; 3] = [
    Size { name: "240p", width: 426, height: 240 },
    Size { name: "360p", width: 640, height: 360 },
    Size { name: "720p", width: 1280, height: 720 },
];

/// What the strip says in one picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// The frame's number, from 0.
    pub frame: u16,
    /// Whether both lamps are lit.
    pub flash: bool,
}

impl Mark {
    /// What the strip of frame `frame` must say.
    #[must_use]
    pub fn of(frame: u16) -> Self {
        Self { frame, flash: u32::from(frame) % FPS < FLASH_FRAMES }
    }

    /// Whether column `column` of the strip is white.
    #[must_use]
    pub fn white(self, column: u32) -> bool {
        match column {
            2 | 21 => true,
            c if LAMPS.contains(&c) => self.flash,
            c if (FIRST_BIT..FIRST_BIT + BITS).contains(&c) => {
                self.frame >> (BITS - 1 - (c - FIRST_BIT)) & 1 == 1
            }
            _ => false,
        }
    }

    /// Reads the strip from a plane of luma (8 bits a pixel, `width` bytes a row).
    ///
    /// `None` where the plane is too small, a cell is neither black nor white, a guard is wrong or the lamps
    /// differ.
    #[must_use]
    pub fn read(luma: &[u8], width: usize, height: usize) -> Option<Self> {
        if width < 96 || height < 32 || luma.len() < width.checked_mul(height)? {
            return None;
        }
        let mut frame = 0_u16;
        for column in 0..COLUMNS {
            let white = cell(luma, width, height, column)?;
            match column {
                c if (FIRST_BIT..FIRST_BIT + BITS).contains(&c) => {
                    frame = frame << 1 | u16::from(white);
                }
                c if LAMPS.contains(&c) => {}
                c if white != Self::of(0).white(c) => return None,
                _ => {}
            }
        }
        let [left, right] = LAMPS.map(|column| cell(luma, width, height, column));
        (left? == right?).then_some(Self { frame, flash: left? })
    }
}

/// Whether the middle of a column is white (`Some(true)`), black (`Some(false)`) or neither.
fn cell(luma: &[u8], width: usize, height: usize, column: u32) -> Option<bool> {
    let side = (width / 96).max(2);
    let middle_x = (2 * column as usize + 1) * width / (2 * COLUMNS as usize);
    let middle_y = height * 15 / 16;
    let (x, y) = (middle_x - side / 2, middle_y - side / 2);
    let sum: usize = (y..y + side)
        .flat_map(|row| luma.get(row * width + x..row * width + x + side).unwrap_or_default())
        .map(|&value| usize::from(value))
        .sum();
    match sum / (side * side) {
        mean if mean > 150 => Some(true),
        mean if mean < 90 => Some(false),
        _ => None,
    }
}
