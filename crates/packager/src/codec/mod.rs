//! Codecs of the sources: their properties, and the clear sample entry that is written.

mod audio;
mod dolby;
mod sound;
mod video;

use isobmff::{BoxRef, Boxes, FourCc, SampleEntry};

pub(crate) use audio::AudioCodec;
pub(crate) use video::{Picture, VideoCodec};

fn entry_box<'a>(moov: &'a [u8], entry: &SampleEntry) -> Result<BoxRef<'a>, isobmff::Error> {
    let missing = isobmff::Error::Missing { kind: entry.kind, parent: FourCc(*b"stsd") };
    Boxes::new(moov.get(entry.offset..).unwrap_or_default()).next().transpose()?.ok_or(missing)
}

/// What a code in `stsd` stands for, for people.
fn codec_name(code: FourCc) -> String {
    let name = match &code.0 {
        b"vp08" => "VP8",
        b"mp4v" => "MPEG-4 Visual",
        b"apch" | b"apcn" | b"apcs" | b"apco" | b"ap4h" => "ProRes",
        b"dvh1" | b"dvhe" => "Dolby Vision",
        b"ac-4" => "Dolby AC-4",
        b".mp3" => "MP3",
        b"alac" => "ALAC",
        b"sowt" | b"twos" | b"lpcm" | b"ipcm" | b"fpcm" | b"in24" | b"fl32" => "PCM",
        _ => return code.to_string(),
    };
    format!("{code} ({name})")
}
