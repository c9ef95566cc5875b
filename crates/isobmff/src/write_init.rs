use crate::protection::write_entry;
use crate::{BoxWriter, FourCc, Pssh, TrackEncryption};

/// The kind of media of a track that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaHeader {
    /// Pictures.
    Video {
        /// Width of the presentation as 16.16 fixed point.
        width: u32,
        /// Height of the presentation as 16.16 fixed point.
        height: u32,
        /// Transformation matrix, as in `tkhd`.
        matrix: [u8; 36],
    },
    /// Sound.
    Audio,
}

/// Protection of a track that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProtectionSpec {
    /// The scheme, such as `cenc`.
    pub scheme: FourCc,
    /// The track's default.
    pub encryption: TrackEncryption,
}

/// A `moov` with one track, whose samples are all in fragments.
#[derive(Debug, Clone, Copy)]
pub struct InitSpec<'a> {
    /// Track id, from 1.
    pub track_id: u32,
    /// Ticks a second, of the track and of the movie.
    pub timescale: u32,
    /// Duration in these ticks, for `mehd`.
    pub duration: u64,
    /// ISO 639-2 code.
    pub language: [u8; 3],
    /// Pictures or sound.
    pub media: MediaHeader,
    /// The clear sample entry, a whole box.
    pub sample_entry: &'a [u8],
    /// Protection to add to it.
    pub protection: Option<ProtectionSpec>,
    /// Whether the clear sample entry follows the protected one, as the second, for fragments with clear
    /// samples.
    pub clear_entry: bool,
    /// Flags of samples whose fragment says nothing else.
    pub default_sample_flags: u32,
    /// Where presentation begins in the media (audio priming): an edit list of one entry; 0: none.
    pub media_time: u64,
    /// Protection system data.
    pub pssh: &'a [Pssh],
}

const IDENTITY: [u32; 9] = [0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000];

/// Writes `ftyp`.
pub fn write_file_type(out: &mut BoxWriter, major: &[u8; 4], compatible: &[&[u8; 4]]) {
    out.boxed(b"ftyp", |out| {
        out.bytes(major);
        out.u32(0);
        compatible.iter().for_each(|brand| out.bytes(&brand[..]));
    });
}

/// Writes `moov`. No field depends on clock or chance.
pub fn write_init(out: &mut BoxWriter, spec: &InitSpec<'_>) {
    out.boxed(b"moov", |out| {
        out.full_box(b"mvhd", 0, 0, |out| {
            out.zeros(8); // creation, modification
            out.u32(spec.timescale);
            out.u32(0); // duration: the fragments'
            out.u32(0x1_0000); // rate 1
            out.u16(0x100); // volume 1
            out.zeros(10);
            IDENTITY.iter().for_each(|&value| out.u32(value));
            out.zeros(24);
            out.u32(spec.track_id + 1);
        });
        write_trak(out, spec);
        out.boxed(b"mvex", |out| {
            out.full_box(b"mehd", 1, 0, |out| out.u64(spec.duration));
            out.full_box(b"trex", 0, 0, |out| {
                out.u32(spec.track_id);
                out.u32(1); // sample description index
                out.zeros(8); // duration, size
                out.u32(spec.default_sample_flags);
            });
        });
        spec.pssh.iter().for_each(|pssh| pssh.write(out));
    });
}

fn write_trak(out: &mut BoxWriter, spec: &InitSpec<'_>) {
    let video = matches!(spec.media, MediaHeader::Video { .. });
    out.boxed(b"trak", |out| {
        out.full_box(b"tkhd", 0, 0x07, |out| {
            out.zeros(8); // creation, modification
            out.u32(spec.track_id);
            out.zeros(4 + 4 + 8 + 2); // reserved, duration, reserved, layer
            out.u16(u16::from(!video)); // alternate group
            out.u16(if video { 0 } else { 0x100 }); // volume
            out.zeros(2);
            match spec.media {
                MediaHeader::Video { width, height, matrix } => {
                    out.bytes(&matrix);
                    out.u32(width);
                    out.u32(height);
                }
                MediaHeader::Audio => {
                    IDENTITY.iter().for_each(|&value| out.u32(value));
                    out.zeros(8);
                }
            }
        });
        if spec.media_time > 0 {
            out.boxed(b"edts", |out| {
                out.full_box(b"elst", 1, 0, |out| {
                    out.u32(1);
                    out.u64(0); // to the end
                    out.u64(spec.media_time);
                    out.u32(0x1_0000); // rate 1
                });
            });
        }
        out.boxed(b"mdia", |out| {
            out.full_box(b"mdhd", 0, 0, |out| {
                out.zeros(8);
                out.u32(spec.timescale);
                out.u32(0);
                let [a, b, c] = spec.language.map(|letter| u16::from(letter.wrapping_sub(0x60) & 0x1f));
                out.u16(a << 10 | b << 5 | c);
                out.u16(0);
            });
            out.full_box(b"hdlr", 0, 0, |out| {
                out.u32(0);
                out.bytes(if video { b"vide" } else { b"soun" });
                out.zeros(12);
                out.u8(0); // no name
            });
            write_minf(out, spec, video);
        });
    });
}

fn write_minf(out: &mut BoxWriter, spec: &InitSpec<'_>, video: bool) {
    out.boxed(b"minf", |out| {
        if video {
            out.full_box(b"vmhd", 0, 1, |out| out.zeros(8));
        } else {
            out.full_box(b"smhd", 0, 0, |out| out.zeros(4));
        }
        out.boxed(b"dinf", |out| {
            out.full_box(b"dref", 0, 0, |out| {
                out.u32(1);
                out.full_box(b"url ", 0, 1, |_| {}); // in this file
            });
        });
        out.boxed(b"stbl", |out| {
            out.full_box(b"stsd", 0, 0, |out| match &spec.protection {
                None => {
                    out.u32(1);
                    out.bytes(spec.sample_entry);
                }
                Some(protection) => {
                    out.u32(1 + u32::from(spec.clear_entry));
                    write_protected_entry(out, spec.sample_entry, protection, video);
                    if spec.clear_entry {
                        out.bytes(spec.sample_entry);
                    }
                }
            });
            out.full_box(b"stts", 0, 0, |out| out.u32(0));
            out.full_box(b"stsc", 0, 0, |out| out.u32(0));
            out.full_box(b"stsz", 0, 0, |out| out.zeros(8));
            out.full_box(b"stco", 0, 0, |out| out.u32(0));
        });
    });
}

/// Writes a clear sample entry as `encv` or `enca`, its format in `sinf`.
fn write_protected_entry(out: &mut BoxWriter, clear: &[u8], protection: &ProtectionSpec, video: bool) {
    let (header, body) = clear.split_at(clear.len().min(8));
    out.boxed(if video { b"encv" } else { b"enca" }, |out| {
        out.bytes(body);
        out.boxed(b"sinf", |out| {
            out.boxed(b"frma", |out| out.bytes(header.get(4..).unwrap_or_default()));
            out.full_box(b"schm", 0, 0, |out| {
                out.bytes(&protection.scheme.0);
                out.u32(0x1_0000); // 1.0
            });
            out.boxed(b"schi", |out| write_tenc(out, &protection.encryption));
        });
    });
}

fn write_tenc(out: &mut BoxWriter, encryption: &TrackEncryption) {
    let version = u8::from(encryption.crypt_blocks > 0 || !encryption.constant_iv().is_empty());
    out.full_box(b"tenc", version, 0, |out| write_entry(encryption, out));
}
