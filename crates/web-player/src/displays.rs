//! The displays: what a page can see of them, and what the DRM worker has been told.

use std::cell::RefCell;

use drm_api::cdm::Display;
use js_sys::Reflect;

/// What the page can see of the displays now. The worker has no `screen`.
fn display_state() -> Display {
    let screen = Reflect::get(&js_sys::global(), &"screen".into());
    match screen.and_then(|screen| Reflect::get(&screen, &"isExtended".into())).map(|value| value.as_bool()) {
        Ok(Some(true)) => Display::Extended,
        Ok(Some(false)) => Display::Single,
        _ => Display::Unknown,
    }
}

/// The displays, and what the worker may believe of them.
#[derive(Debug, Default)]
pub struct Displays {
    watch: RefCell<DisplayWatch>,
}

impl Displays {
    /// The state that a request to the worker claims. Once the worker has answered it,
    /// [`claimed`](Self::claimed).
    pub fn claim(&self) -> Display {
        display_state()
    }

    /// The worker has answered a request that claimed this state.
    pub fn claimed(&self, display: Display) {
        self.watch.borrow_mut().claimed(display);
    }

    /// Looks at the displays: the state that the worker is to be told, where it may believe another.
    pub fn changed(&self) -> Option<Display> {
        self.watch.borrow_mut().changed(display_state())
    }
}

/// What the worker may believe of the displays, and what follows from it.
///
/// A session of the worker's judges by the state that was claimed with its challenge (or with the license
/// that it opened), until the worker is told of a change, which counts for all sessions. The worker hears of
/// a change at once and carries out the claims that wait there afterwards; so a claim counts from the
/// worker's answer on, whatever was told in between, and until the next change is told the worker may believe
/// several states.
#[derive(Debug, Default)]
struct DisplayWatch {
    believed: Vec<Display>,
}

impl DisplayWatch {
    fn claimed(&mut self, display: Display) {
        if !self.believed.contains(&display) {
            self.believed.push(display);
        }
    }

    fn changed(&mut self, display: Display) -> Option<Display> {
        if self.believed.iter().all(|believed| *believed == display) {
            return None;
        }
        self.believed = vec![display];
        Some(display)
    }
}

#[cfg(test)]
mod tests {
    use drm_api::cdm::Display::{Extended, Single, Unknown};

    use super::*;

    #[test]
    fn nothing_is_told_before_anything_was_claimed() {
        assert_eq!(DisplayWatch::default().changed(Extended), None);
    }

    #[test]
    fn b60_the_first_look_is_compared_with_what_the_challenge_claimed() {
        for (claimed, now, told) in [
            (Single, Extended, Some(Extended)),
            (Extended, Single, Some(Single)),
            (Unknown, Single, Some(Single)),
            (Single, Single, None),
            (Extended, Extended, None),
        ] {
            let mut watch = DisplayWatch::default();
            watch.claimed(claimed);
            assert_eq!(watch.changed(now), told, "{claimed:?}, then {now:?}");
        }
    }

    #[test]
    fn each_change_is_told_once() {
        let mut watch = DisplayWatch::default();
        watch.claimed(Single);
        let looks = [Single, Extended, Extended, Single, Single, Unknown, Unknown];
        let told: Vec<Display> = looks.into_iter().filter_map(|look| watch.changed(look)).collect();
        assert_eq!(told, [Extended, Single, Unknown]);
    }

    #[test]
    fn a_claim_that_is_answered_after_a_change_was_told_counts_again() {
        let mut watch = DisplayWatch::default();
        watch.claimed(Single);
        assert_eq!(watch.changed(Extended), Some(Extended));
        // The challenge of a renewal, made before the change: the worker judges by it now.
        watch.claimed(Single);
        assert_eq!(watch.changed(Extended), Some(Extended));
        assert_eq!(watch.changed(Extended), None);
    }

    #[test]
    fn a_claim_that_is_over_already_does_not_hide_the_present() {
        let mut watch = DisplayWatch::default();
        watch.claimed(Single);
        // A renewal claimed a second display that was there for a moment, and nobody looked meanwhile.
        watch.claimed(Extended);
        assert_eq!(watch.changed(Single), Some(Single));
    }
}
