//! How fast the film plays: as the viewer wants, or as what is live has to.

use std::cell::Cell;

use web_sys::HtmlVideoElement;

/// Rates that differ by less are the same.
const SAME: f64 = 0.001;
/// Who keeps the distance from the live edge changes the rate by this much at most.
const KEEPING: f64 = 0.031;

/// The speed that the viewer has chosen, whatever keeps the distance from the live edge.
pub fn chosen_speed(video: &HtmlVideoElement) -> f64 {
    let rate = video.playback_rate();
    if (rate - 1.0).abs() < KEEPING { 1.0 } else { rate }
}

/// Sets rates, and notes when somebody else has.
pub(super) struct Speed {
    /// What was set here last.
    own: Cell<f64>,
    /// The viewer's choice, as it was seen last.
    chosen: Cell<f64>,
}

impl Default for Speed {
    fn default() -> Self {
        Self { own: Cell::new(1.0), chosen: Cell::new(1.0) }
    }
}

impl Speed {
    /// What the viewer has chosen, where that is not what it was when this was asked last.
    pub(super) fn news(&self, video: &HtmlVideoElement) -> Option<f64> {
        let chosen = chosen_speed(video);
        ((self.chosen.replace(chosen) - chosen).abs() > SAME).then_some(chosen)
    }

    /// Plays at this rate, unless the viewer has chosen a speed.
    pub(super) fn keep(&self, video: &HtmlVideoElement, rate: f64) {
        let now = video.playback_rate();
        let is_chosen = (now - self.own.get()).abs() > SAME && (now - 1.0).abs() > SAME;
        if !is_chosen && (now - rate).abs() > SAME {
            self.own.set(rate);
            video.set_playback_rate(rate);
        }
    }
}
