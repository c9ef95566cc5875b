//! The elements of the cues that are shown.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use gloo::{
    events::EventListener,
    utils::{document, window},
};
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{DomRect, Element, HtmlElement, HtmlVideoElement, ResizeObserver, TextTrack, VttCue};

use super::{
    cue,
    layout::{Placement, Rect, Room, Words},
    style::CaptionStyle,
};

/// What of the picture stays free at each side: of its width, and of its height.
const MARGINS: (f64, f64) = (0.02, 0.03);

/// Draws cues into an element, until it is dropped.
///
/// The element lies over the video. Cues are drawn where it and the picture are: it can be made smaller, to
/// keep something else clear of them.
pub struct Layer {
    inner: Rc<Inner>,
    sizes: Option<ResizeObserver>,
    _resized: Closure<dyn FnMut()>,
    _picture: EventListener,
}

struct Inner {
    video: HtmlVideoElement,
    place: HtmlElement,
    /// Whose cues these are, and what hears of their changes.
    track: RefCell<Option<(TextTrack, EventListener)>>,
    drawn: RefCell<Vec<Drawn>>,
    /// More than one speaks.
    voices: Cell<bool>,
}

/// A cue on the screen.
struct Drawn {
    cue: VttCue,
    element: HtmlElement,
    placement: Placement,
    /// Where it is, once it was measured.
    at: Option<Rect>,
}

impl Layer {
    /// An empty layer over a video.
    pub fn new(video: HtmlVideoElement, place: HtmlElement) -> Self {
        let inner = Rc::new(Inner {
            video,
            place,
            track: RefCell::default(),
            drawn: RefCell::default(),
            voices: Cell::default(),
        });
        let again = {
            let inner = Rc::downgrade(&inner);
            move || {
                if let Some(inner) = inner.upgrade() {
                    inner.lay_out(true);
                }
            }
        };
        let picture = EventListener::new(&inner.video, "resize", {
            let again = again.clone();
            move |_| again()
        });
        let resized = Closure::<dyn FnMut()>::new(again);
        let sizes = ResizeObserver::new(resized.as_ref().unchecked_ref()).ok();
        if let Some(sizes) = &sizes {
            sizes.observe(&inner.place);
            sizes.observe(&inner.video);
        }
        Self { inner, sizes, _resized: resized, _picture: picture }
    }

    /// Draws the cues of a track, whenever others are shown; `None`: none. Its mode is the caller's to set:
    /// `hidden`, so that the browser does not draw them, too.
    pub fn show(&self, track: Option<TextTrack>) {
        let track = track.map(|track| {
            let inner = Rc::downgrade(&self.inner);
            let listener = EventListener::new(&track, "cuechange", move |_| {
                if let Some(inner) = inner.upgrade() {
                    inner.show_current();
                }
            });
            (track, listener)
        });
        self.inner.track.replace(track);
        self.inner.show_current();
    }

    /// Draws these cues, whose words are in this language (BCP 47), and removes all others.
    pub fn draw(&self, cues: Vec<VttCue>, language: &str) {
        self.inner.draw(cues, language);
    }

    /// Draws them so from now on.
    pub fn style(&self, style: &CaptionStyle) {
        style.apply(&self.inner.place);
        self.inner.lay_out(true);
    }
}

impl Drop for Layer {
    fn drop(&mut self) {
        if let Some(sizes) = &self.sizes {
            sizes.disconnect();
        }
        self.inner.track.take();
        self.inner.draw(Vec::new(), "");
    }
}

impl Inner {
    /// Looks at what the track shows now.
    fn show_current(&self) {
        let (cues, language) = match &*self.track.borrow() {
            Some((track, _)) => (cue::active(track), track.language()),
            None => (Vec::new(), String::new()),
        };
        self.draw(cues, &language);
    }

    /// What was there stays where it is.
    fn draw(&self, cues: Vec<VttCue>, language: &str) {
        let mut before = self.drawn.take();
        let drawn: Vec<Drawn> = cues
            .into_iter()
            .filter_map(|cue| match before.iter().position(|one| one.cue == cue) {
                Some(n) => Some(before.swap_remove(n)),
                None => Drawn::new(cue, language, &self.place),
            })
            .collect();
        before.iter().for_each(|gone| gone.element.remove());
        self.drawn.replace(drawn);
        let named = self.name_voices();
        self.lay_out(named);
    }

    /// Where several speak at once, each is named. Whether that is new.
    fn name_voices(&self) -> bool {
        let found = self.place.query_selector_all("[data-voice]");
        let mut voices: Vec<String> = Vec::new();
        if let Ok(found) = found {
            for node in (0..found.length()).filter_map(|n| found.item(n)) {
                let voice = node.unchecked_ref::<Element>().get_attribute("data-voice").unwrap_or_default();
                if !voices.contains(&voice) {
                    voices.push(voice);
                }
            }
        }
        let several = voices.len() > 1;
        let _ = self.place.toggle_attribute_with_force("data-voices", several);
        self.voices.replace(several) != several
    }

    /// Puts those that have no place yet beside the others, or all anew.
    fn lay_out(&self, all: bool) {
        let mut drawn = self.drawn.borrow_mut();
        if drawn.is_empty() {
            return;
        }
        let room = self.room();
        let height = format!("{:.2}px", room.picture.height);
        let _ = self.place.style().set_property("--picture-height", &height);
        if all {
            drawn.iter_mut().for_each(|one| one.at = None);
        }
        let mut taken: Vec<Rect> = drawn.iter().filter_map(|one| one.at).collect();
        for one in drawn.iter_mut().filter(|one| one.at.is_none()) {
            let at = one.put(room, &taken);
            taken.push(at);
            one.at = Some(at);
        }
    }

    /// Where cues can be, from the element's corner. Where nothing of the picture is left to them, they cover
    /// what is there.
    fn room(&self) -> Room {
        let place = rect(&self.place.get_bounding_client_rect());
        let video = rect(&self.video.get_bounding_client_rect());
        let size = (f64::from(self.video.video_width()), f64::from(self.video.video_height()));
        let whole = Rect { x: 0.0, y: 0.0, ..place };
        let picture = Rect { x: video.x - place.x, y: video.y - place.y, ..video }.contained(size);
        let inside = picture.inside(MARGINS.0, MARGINS.1);
        Room { picture, free: inside.common(whole).unwrap_or(inside) }
    }
}

impl Drawn {
    fn new(cue: VttCue, language: &str, place: &HtmlElement) -> Option<Self> {
        let element: HtmlElement = document().create_element("div").ok()?.unchecked_into();
        let placement = cue::placement(&cue);
        element.set_class_name("cue");
        element.set_attribute("dir", "auto").ok()?;
        if !language.is_empty() {
            element.set_attribute("lang", language).ok()?;
        }
        let style = element.style();
        style.set_property("writing-mode", cue::writing_mode(placement.writing)).ok()?;
        style.set_property("text-align", cue::align(&cue).1).ok()?;
        let words = document().create_element("span").ok()?;
        words.append_child(&cue::words(&cue)).ok()?;
        element.append_child(&words).ok()?;
        place.append_child(&element).ok()?;
        Some(Self { cue, element, placement, at: None })
    }

    /// Moves it beside what is there already.
    fn put(&self, room: Room, taken: &[Rect]) -> Rect {
        let style = self.element.style();
        let right_to_left = computed(&self.element, "direction").is_some_and(|direction| direction == "rtl");
        let longest = format!("{:.2}px", self.placement.longest(right_to_left, room));
        let _ = style.set_property("max-inline-size", &longest);
        let Rect { width, height, .. } = rect(&self.element.get_bounding_client_rect());
        let line = line_height(&self.element).unwrap_or(height);
        let at = self.placement.place(Words { width, height, line, right_to_left }, room, taken);
        let _ = style.set_property("transform", &format!("translate({:.2}px, {:.2}px)", at.x, at.y));
        at
    }
}

fn rect(of: &DomRect) -> Rect {
    Rect { x: of.x(), y: of.y(), width: of.width(), height: of.height() }
}

/// From one line to the next, in pixels; `None` where the style sheet gives no length.
fn line_height(element: &Element) -> Option<f64> {
    computed(element, "line-height")?.strip_suffix("px")?.parse().ok()
}

/// What holds of a property of style.
fn computed(element: &Element, property: &str) -> Option<String> {
    window().get_computed_style(element).ok()??.get_property_value(property).ok()
}
