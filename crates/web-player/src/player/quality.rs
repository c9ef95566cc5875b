//! What the viewer can know and choose of the picture.

use engine::{Engine, Event, model::TrackKind};
use nccp::{Manifest, MediaType};
use playback::media_type;

/// Lines of the largest picture that is taken without being asked for by who saves data.
pub const SAVING: u32 = 480;

/// One size of the picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rung {
    /// Downloadable id.
    pub id: String,
    /// Lines.
    pub height: u32,
    /// bit/s.
    pub bandwidth: u64,
}

/// The sizes there are, and which is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Quality {
    /// What may be chosen now, largest first.
    pub rungs: Vec<Rung>,
    /// The viewer's choice; `None` while the player chooses.
    pub chosen: Option<String>,
    /// What is on the screen.
    pub playing: Option<String>,
    /// The viewer saves data: the player chooses no more than [`SAVING`] lines.
    pub saves_data: bool,
}

impl Quality {
    pub(super) fn of(engine: &Engine) -> Self {
        let mut rungs: Vec<Rung> = engine
            .selectable()
            .map(|representation| Rung {
                id: representation.id.clone(),
                height: representation.size.map_or(0, |(_, height)| height),
                bandwidth: representation.bandwidth,
            })
            .collect();
        rungs.sort_by_key(|rung| std::cmp::Reverse((rung.height, rung.bandwidth)));
        Self {
            rungs,
            chosen: engine.chosen().map(str::to_owned),
            playing: engine.playing(TrackKind::Video).map(str::to_owned),
            saves_data: engine.saves_data(),
        }
    }

    /// Lines of what is on the screen.
    pub fn height(&self) -> Option<u32> {
        let playing = self.playing.as_ref()?;
        self.rungs.iter().find(|rung| rung.id == *playing).map(|rung| rung.height)
    }

    /// `720p`, or `720p, 3.1 Mb/s` where another rung has as many lines.
    pub fn label(&self, rung: &Rung) -> String {
        let twins = self.rungs.iter().filter(|other| other.height == rung.height).count();
        if twins > 1 {
            format!("{}p, {:.1} Mb/s", rung.height, rung.bandwidth as f64 / 1e6)
        } else {
            format!("{}p", rung.height)
        }
    }
}

/// What the viewer wants of the picture, for other films, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// What the player chooses.
    Automatic,
    /// What the player chooses, and little.
    DataSaver,
    /// So many lines.
    Height(u32),
}

impl Wish {
    /// As it is kept.
    pub(super) fn to_text(self) -> String {
        match self {
            Self::Automatic => "auto".to_owned(),
            Self::DataSaver => "data-saver".to_owned(),
            Self::Height(height) => height.to_string(),
        }
    }

    /// What was kept; `None`: it does not read as one.
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text {
            "auto" => Some(Self::Automatic),
            "data-saver" => Some(Self::DataSaver),
            height => height.parse().ok().map(Self::Height),
        }
    }

    /// What the engine is to be told before the film's first manifest.
    pub(super) fn events(self, manifest: &Manifest, supported: impl Fn(&str) -> bool) -> Vec<Event> {
        match self {
            Self::Automatic => Vec::new(),
            Self::DataSaver => vec![Event::DataSaver { height: Some(SAVING) }],
            Self::Height(height) => {
                let pictures = manifest
                    .downloadables
                    .iter()
                    .filter(|file| file.media_type == MediaType::Video && supported(&media_type(file)));
                let rungs = pictures.map(|file| Rung {
                    id: file.id.clone(),
                    height: file.resolution.as_ref().map_or(0, |size| size.height),
                    bandwidth: file.bitrate.into(),
                });
                let id = at_most(rungs.collect(), height);
                id.into_iter().map(|id| Event::Quality { representation: Some(id) }).collect()
            }
        }
    }
}

/// The best of at most so many lines, else the smallest.
fn at_most(mut rungs: Vec<Rung>, height: u32) -> Option<String> {
    rungs.sort_by_key(|rung| (rung.height, rung.bandwidth));
    let best = rungs.iter().rfind(|rung| rung.height <= height).or(rungs.first())?;
    Some(best.id.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_is_kept_and_found_again() {
        for wish in [Wish::Automatic, Wish::DataSaver, Wish::Height(720)] {
            assert_eq!(Wish::parse(&wish.to_text()), Some(wish));
        }
        assert_eq!(Wish::parse("everything"), None);
        let rung = |id: &str, height, bandwidth| Rung { id: id.into(), height, bandwidth };
        let film = || vec![rung("c", 720, 3), rung("a", 240, 1), rung("b", 720, 2)];
        for (height, id) in [(1080, "c"), (720, "c"), (719, "a"), (100, "a")] {
            assert_eq!(at_most(film(), height).as_deref(), Some(id), "{height}");
        }
        assert_eq!(at_most(vec![], 720), None);
    }

    #[test]
    fn rungs_are_told_apart() {
        let rung = |id: &str, height, bandwidth| Rung { id: id.into(), height, bandwidth };
        let quality = Quality {
            rungs: vec![rung("a", 720, 3_100_000), rung("b", 720, 1_500_000), rung("c", 360, 600_000)],
            chosen: None,
            playing: Some("c".into()),
            saves_data: false,
        };
        let labels: Vec<String> = quality.rungs.iter().map(|rung| quality.label(rung)).collect();
        assert_eq!(labels, ["720p, 3.1 Mb/s", "720p, 1.5 Mb/s", "360p"]);
        assert_eq!(quality.height(), Some(360));
    }
}
