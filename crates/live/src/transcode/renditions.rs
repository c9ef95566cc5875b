//! What ffmpeg writes to its standard output.

use super::ORIGIN;
use crate::ingest::{Ingest, IngestError, Input, InputSample};
use crate::source::{Kind, Source};

/// What came.
#[derive(Debug, Clone, PartialEq)]
pub enum Rendition {
    /// The tracks, in the order of the steps.
    Tracks(Vec<Source>),
    /// Pictures of a track, with their times in the session.
    Samples {
        /// The track's id.
        track: u32,
        /// At least one, in decoding order.
        samples: Vec<InputSample>,
    },
}

/// Reads what ffmpeg makes of a source.
#[derive(Debug)]
pub struct Renditions {
    ingest: Ingest,
    tracks: Vec<Source>,
    matrix: [u8; 36],
}

impl Renditions {
    /// What is made of a source is shown as that is.
    pub fn new(source: &Source) -> Self {
        let matrix = match &source.kind {
            Kind::Video { display: (_, _, matrix), .. } => *matrix,
            Kind::Audio { .. } => [0; 36],
        };
        Self { ingest: Ingest::new(None), tracks: Vec::new(), matrix }
    }

    /// Takes the next piece.
    ///
    /// # Errors
    /// [`IngestError`]: it is not what was asked for.
    pub fn push(&mut self, piece: &[u8]) -> Result<Vec<Rendition>, IngestError> {
        let mut made = Vec::new();
        for input in self.ingest.push(piece)? {
            match input {
                Input::Header(header) => {
                    self.tracks.clone_from(&header.sources);
                    for track in &mut self.tracks {
                        if let Kind::Video { display, .. } = &mut track.kind {
                            display.2 = self.matrix;
                        }
                    }
                    made.push(Rendition::Tracks(self.tracks.clone()));
                }
                Input::Samples { track, mut samples } => {
                    let source = self.tracks.iter().find(|source| source.track_id == track);
                    let origin = source.map_or(0, |source| ORIGIN * i64::from(source.timescale));
                    for sample in &mut samples {
                        sample.time = sample.time.saturating_sub(origin);
                        sample.decode_time = sample.decode_time.saturating_sub(origin);
                    }
                    made.push(Rendition::Samples { track, samples });
                }
                Input::Damaged(error) => return Err(error.into()),
            }
        }
        Ok(made)
    }
}
