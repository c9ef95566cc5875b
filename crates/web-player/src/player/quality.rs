//! What the viewer can know and choose of the picture.

use engine::{Engine, model::TrackKind};

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rungs_are_told_apart() {
        let rung = |id: &str, height, bandwidth| Rung { id: id.into(), height, bandwidth };
        let quality = Quality {
            rungs: vec![rung("a", 720, 3_100_000), rung("b", 720, 1_500_000), rung("c", 360, 600_000)],
            chosen: None,
            playing: Some("c".into()),
        };
        let labels: Vec<String> = quality.rungs.iter().map(|rung| quality.label(rung)).collect();
        assert_eq!(labels, ["720p, 3.1 Mb/s", "720p, 1.5 Mb/s", "360p"]);
        assert_eq!(quality.height(), Some(360));
    }
}
