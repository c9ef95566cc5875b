use std::path::Path;

use cmaf::{VideoConfig, VideoStream};
use isobmff::{BoxWriter, FourCc, SampleEntry};

use super::{codec_name, entry_box};
use crate::Error;

/// What is said to be supported where something is not.
const SUPPORTED: &str = "H.264, HEVC, VP9 or AV1";

/// What is known about a video track beyond its samples.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct VideoCodec {
    pub(crate) codecs: String,
    config: ConfigBox,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) sar: [u32; 2],
    pub(crate) video_range: &'static str,
    /// The clear sample entry, a whole box.
    pub(crate) entry: Vec<u8>,
}

/// The box with a codec's configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
struct ConfigBox {
    kind: [u8; 4],
    payload: Vec<u8>,
}

/// What a sample entry says of the pictures.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Picture {
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// Sample aspect ratio: `pasp`.
    pub(crate) sar: Option<[u32; 2]>,
    /// Transfer characteristics: `colr`.
    pub(crate) transfer: Option<u8>,
}

/// The configuration's box of each kind of sample entry.
fn config_kind(entry: FourCc) -> Option<[u8; 4]> {
    Some(match &entry.0 {
        b"avc1" | b"avc3" => *b"avcC",
        b"hvc1" | b"hev1" => *b"hvcC",
        b"vp09" => *b"vpcC",
        b"av01" => *b"av1C",
        _ => return None,
    })
}

impl VideoCodec {
    /// Reads a video sample entry.
    ///
    /// # Errors
    /// [`Error::Codec`] for a codec that is not supported, [`Error::Boxes`] and [`Error::Unsupported`] if it
    /// is malformed.
    pub(crate) fn read(path: &Path, moov: &[u8], entry: &SampleEntry) -> Result<Self, Error> {
        if entry.kind == b"encv" {
            return Err(Error::Encrypted { path: path.into() });
        }
        let kind = config_kind(entry.kind).ok_or_else(|| Self::unsupported(path, codec_name(entry.kind)))?;
        let (picture, payload, clear) = read_entry(moov, entry, kind).map_err(Error::boxes(path))?;
        Self::with_config(path, entry.kind.0, kind, payload, picture, clear)
    }

    /// The error for another codec.
    pub(crate) fn unsupported(path: &Path, codec: String) -> Error {
        Error::Codec { path: path.into(), media: "video", codec, supported: SUPPORTED }
    }

    /// A codec by its configuration: the box `kind` with its payload in the sample entry `entry`, whose type
    /// is `code`.
    pub(crate) fn with_config(
        path: &Path,
        code: [u8; 4],
        kind: [u8; 4],
        payload: Vec<u8>,
        picture: Picture,
        entry: Vec<u8>,
    ) -> Result<Self, Error> {
        let config = ConfigBox { kind, payload };
        let refuse = |what| Error::unsupported(path, what);
        let parsed = VideoConfig::of_box(config.kind, &config.payload)
            .ok_or_else(|| refuse(format!("no configuration of `{}`", FourCc(code))))?;
        let appearance = VideoStream::new(parsed).map_err(refuse)?.appearance();
        if picture.width == 0 || picture.height == 0 {
            return Err(refuse("the video has no width or height".to_owned()));
        }
        let sar = picture.sar.or(appearance.sar).filter(|sar| sar[0] > 0 && sar[1] > 0);
        Ok(Self {
            codecs: parsed.codec_string(code).map_err(refuse)?,
            width: picture.width,
            height: picture.height,
            sar: sar.unwrap_or([1, 1]),
            // Transfer characteristics of ITU-T H.273; 2: not known.
            video_range: match appearance.transfer.filter(|known| *known != 2).or(picture.transfer) {
                Some(16) => "PQ",
                Some(18) => "HLG",
                _ => "SDR",
            },
            entry,
            config,
        })
    }

    /// The decoder configuration.
    pub(crate) fn config(&self) -> Option<VideoConfig<'_>> {
        VideoConfig::of_box(self.config.kind, &self.config.payload)
    }
}

/// What a sample entry says of the pictures, the codec's configuration, and the entry that is written: what
/// describes the pictures stays; bitrates and tool notes go.
fn read_entry(
    moov: &[u8],
    entry: &SampleEntry,
    config: [u8; 4],
) -> Result<(Picture, Vec<u8>, Vec<u8>), isobmff::Error> {
    let found = entry_box(moov, entry)?;
    let fixed = found.cursor().take(78)?;
    let [width, height] = [24, 26].map(|at| u32::from(fixed[at]) << 8 | u32::from(fixed[at + 1]));
    let mut picture = Picture { width, height, sar: None, transfer: None };
    let missing = isobmff::Error::Missing { kind: FourCc(config), parent: entry.kind };
    let payload = found.children(78).first(&config)?.ok_or(missing)?.payload.to_vec();
    let mut out = BoxWriter::new();
    let mut kept = Ok(());
    out.boxed(&entry.kind.0, |out| {
        out.bytes(fixed);
        kept = found.children(78).try_for_each(|child| {
            let child = child?;
            let describes =
                matches!(&child.kind.0, b"pasp" | b"colr" | b"clap" | b"mdcv" | b"clli" | b"SmDm" | b"CoLL");
            if describes || child.kind.0 == config {
                out.boxed(&child.kind.0, |out| out.bytes(child.payload));
            }
            let mut cursor = child.cursor();
            match &child.kind.0 {
                b"pasp" => picture.sar = Some([cursor.u32()?, cursor.u32()?]),
                b"colr" if matches!(&cursor.four_cc()?.0, b"nclx" | b"nclc") => {
                    cursor.u16()?;
                    picture.transfer = u8::try_from(cursor.u16()?).ok();
                }
                _ => {}
            }
            Ok(())
        });
    });
    kept?;
    Ok((picture, payload, out.into_bytes()))
}
