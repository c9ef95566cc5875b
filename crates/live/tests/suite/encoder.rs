//! Encoders, for these tests and the server's: the demo film as endless fragmented MP4.

use cmaf::{FragmentMaker, Position, Sample, Track};
use isobmff::{BoxRef, BoxWriter, Boxes, InitSegment, MediaHeader, SampleTable};
use std::path::Path;

/// A track of the demo film: its samples with their bytes.
#[derive(Debug, Clone)]
pub(crate) struct Tape {
    pub(crate) timescale: u32,
    entry: Vec<u8>,
    pub(crate) config: Option<Vec<u8>>,
    size: (u32, u32),
    matrix: [u8; 36],
    pub(crate) samples: Vec<(Sample, Vec<u8>)>,
}

fn stbl(moov: &[u8], track: usize) -> BoxRef<'_> {
    let moov = Boxes::new(moov).first(b"moov").unwrap().unwrap();
    let traks = moov.children(0).map(Result::unwrap).filter(|child| child.kind == b"trak");
    let trak = traks.clone().nth(track).unwrap();
    trak.required(b"mdia").unwrap().required(b"minf").unwrap().required(b"stbl").unwrap()
}

impl Tape {
    /// Pictures or sound of the demo film in a height, its first `seconds`.
    pub(crate) fn demo(height: u32, handler: &[u8; 4], seconds: u32) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../media/demo/{height}p.mp4"));
        let file = std::fs::read(path).unwrap();
        let init = InitSegment::parse(&file).unwrap();
        let at = init.tracks.iter().position(|track| track.handler == handler).unwrap();
        let track = &init.tracks[at];
        let table = SampleTable::parse(&stbl(&file, at), file.len() as u64, 1 << 20).unwrap();
        let entry = Boxes::new(&file[track.entries[0].offset..]).next().unwrap().unwrap();
        let entry_bytes = file[track.entries[0].offset..][..entry.size()].to_vec();
        let config = (handler == b"vide")
            .then(|| entry.children(78).first(b"avcC").unwrap().unwrap().payload.to_vec());
        let end = u64::from(seconds) * u64::from(track.timescale);
        let samples = table.samples.iter().filter(|sample| sample.decode_time < end).map(|sample| {
            let time = sample.decode_time as i64 + i64::from(sample.composition_offset);
            let data = file[sample.offset as usize..][..sample.size as usize].to_vec();
            (Sample { size: sample.size, duration: sample.duration, time, sync: sample.sync }, data)
        });
        Self {
            timescale: track.timescale,
            entry: entry_bytes,
            config,
            size: (track.width, track.height),
            matrix: track.matrix,
            samples: samples.collect(),
        }
    }

    pub(crate) fn video(seconds: u32) -> Self {
        Self::demo(240, b"vide", seconds)
    }

    pub(crate) fn audio(seconds: u32) -> Self {
        Self::demo(240, b"soun", seconds)
    }

    fn track(&self) -> Track<'_> {
        let media = match &self.config {
            Some(_) => MediaHeader::Video { width: self.size.0, height: self.size.1, matrix: self.matrix },
            None => MediaHeader::Audio,
        };
        Track {
            timescale: self.timescale,
            language: *b"und",
            media,
            entry: &self.entry,
            video: self.config.as_deref().map(cmaf::VideoConfig::Avc),
            priming: 0,
        }
    }

    /// `ftyp` and `moov`.
    pub(crate) fn header(&self) -> Vec<u8> {
        self.track().header(0, None)
    }

    /// The stream in fragments of so many samples; times begin at `from` seconds.
    pub(crate) fn fragments(&self, count: usize, from: f64) -> Vec<Vec<u8>> {
        let shift = (from * f64::from(self.timescale)) as i64;
        let first = self.samples[0].0.time + shift;
        let mut maker = FragmentMaker::new(self.track(), None, Position::first(first)).unwrap();
        let pieces = self.samples.chunks(count).map(|chunk| {
            let samples: Vec<_> =
                chunk.iter().map(|(sample, _)| Sample { time: sample.time + shift, ..*sample }).collect();
            let media: Vec<u8> = chunk.iter().flat_map(|(_, data)| data.clone()).collect();
            // What encoders send besides.
            let mut out = BoxWriter::new();
            out.full_box(b"prft", 1, 0, |out| out.zeros(20));
            let mut bytes = out.into_bytes();
            bytes.extend(maker.make(0, &samples, &media, false).unwrap());
            bytes
        });
        pieces.collect()
    }

    /// The endless stream.
    pub(crate) fn stream(&self, from: f64) -> Vec<u8> {
        let mut all = self.header();
        all.extend(self.fragments(12, from).concat());
        all
    }
}
