//! What the screen and the decoder do not want, and what is said of it.

use crate::ladder::Rung;

/// What keeps the picture from being a larger one, while the player chooses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// The license allows no larger one.
    Policy,
    /// The viewer wants to save data.
    DataSaver,
    /// The device does not decode a larger one, or not fast enough.
    Decoder,
    /// A larger one would be scaled down to the element.
    Screen,
    /// The network does not carry a larger one, as far as is known.
    Network,
}

/// Lines of the smallest picture that covers an element of `viewport` device pixels; `None` when none does or
/// the size is unknown. A picture covers the element when it need not be enlarged to fit into it.
pub fn covering_height(sizes: impl Iterator<Item = (u32, u32)>, viewport: (u32, u32)) -> Option<u32> {
    if viewport.0 == 0 || viewport.1 == 0 {
        return None;
    }
    sizes
        .filter(|(width, height)| *width >= viewport.0 || *height >= viewport.1)
        .map(|(_, height)| height)
        .min()
}

/// Share of frames that may come too late.
const MOST_DROPPED: f64 = 0.15;
/// Frames over which the share is taken: 5 s at 30 a second.
const WINDOW: u64 = 150;

/// Watches for a decoder that does not keep up.
#[derive(Clone, Copy, Debug, Default)]
pub struct DropWatch {
    window: Option<(Rung, u64, u64)>,
}

impl DropWatch {
    /// Takes the counts since the film was loaded (`decoded` with the dropped ones), while `playing` is on
    /// the screen. True when more than 15 % of at least 150 frames of that rung were dropped.
    pub fn overloaded(&mut self, playing: Rung, decoded: u64, dropped: u64) -> bool {
        let Some((rung, decoded_before, dropped_before)) = self.window else {
            self.window = Some((playing, decoded, dropped));
            return false;
        };
        if rung != playing || decoded < decoded_before || dropped < dropped_before {
            self.window = Some((playing, decoded, dropped));
            return false;
        }
        let frames = decoded - decoded_before;
        if frames < WINDOW {
            return false;
        }
        self.window = Some((playing, decoded, dropped));
        (dropped - dropped_before) as f64 > MOST_DROPPED * frames as f64
    }

    /// Begins a new window: after a seek the decoder has to catch up.
    pub fn reset(&mut self) {
        self.window = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_picture_that_covers_the_element() {
        let sizes = [(426, 240), (640, 360), (1280, 720), (1920, 1080)];
        let cap = |width, height| covering_height(sizes.into_iter(), (width, height));
        assert_eq!(cap(640, 360), Some(360));
        assert_eq!(cap(641, 361), Some(720));
        assert_eq!(cap(2000, 720), Some(720), "black bars at the sides");
        assert_eq!(cap(3840, 2160), None, "nothing covers it: no cap");
        assert_eq!(cap(0, 0), None);
    }

    #[test]
    fn drops_count_over_a_window_of_one_rung() {
        let (low, high) = (Rung::new(0), Rung::new(3));
        let mut watch = DropWatch::default();
        assert!(!watch.overloaded(high, 1000, 0));
        assert!(!watch.overloaded(high, 1100, 90), "too few frames");
        assert!(watch.overloaded(high, 1200, 90));
        assert!(!watch.overloaded(high, 1400, 119), "14.5 %");
        assert!(!watch.overloaded(low, 1500, 219), "another rung");
        assert!(!watch.overloaded(low, 1700, 219));
        watch.reset();
        assert!(!watch.overloaded(low, 1900, 400));
    }
}
