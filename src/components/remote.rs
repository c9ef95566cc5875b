//! What a viewer can ask of the player, by button, key or finger.

use std::rc::Rc;

use gloo::utils::document;
use localization::say;
use nccp::Chapter;
use wasm_bindgen::JsValue;
use web_player::{device_store, player::chosen_speed};
use web_sys::HtmlVideoElement;
use yew::prelude::*;

use super::{settings::SPEEDS, skip::Skip};
use crate::browser::{call, get, tell};

/// Seconds that an arrow key, or a double tap, moves.
pub const STEP: f64 = 10.0;
const VOLUME_STEP: f64 = 0.1;

/// One wish.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Press {
    /// Play or pause.
    PlayPause,
    /// This many seconds on, or back.
    By(f64),
    /// To this second.
    To(f64),
    /// To this part of the film, 0 to 1.
    Part(f64),
    /// To this volume, 0 to 1.
    Volume(f64),
    /// A step louder.
    Louder,
    /// A step quieter.
    Quieter,
    /// Sound off, or on again.
    Mute,
    /// Subtitles on or off.
    Captions,
    /// The next faster speed.
    Faster,
    /// The next slower one.
    Slower,
    /// Full screen, or back.
    FullScreen,
    /// A small picture above all other windows, or back.
    PictureInPicture,
    /// Shows what the keys do, or hides it.
    Help,
    /// Shows the film's numbers, or hides them.
    Statistics,
    /// To the end of the intro, the recap or the credits, in which the film is.
    Skip,
    /// The next episode, or what is up next.
    Next,
    /// On wide screens: the film alone, or with what goes with it beside.
    Theatre,
}

/// Keys and what they do, as the help shows them.
pub fn keys() -> [(Vec<&'static str>, &'static str); 14] {
    [
        (vec![say::key_space(), "k"], say::keys_play()),
        (vec!["←", "j"], say::keys_back()),
        (vec!["→", "l"], say::keys_forward()),
        (vec!["↑", "↓"], say::keys_volume()),
        (vec!["m"], say::keys_mute()),
        (vec!["c"], say::captions()),
        (vec!["<", ">"], say::keys_speed()),
        (vec!["f"], say::full_screen()),
        (vec!["p"], say::picture_in_picture()),
        (vec!["0", "…", "9"], say::keys_tenth()),
        (vec![say::key_home(), say::key_end()], say::keys_ends()),
        (vec!["s"], say::keys_skip()),
        (vec!["i"], say::statistics()),
        (vec!["?"], say::keys_list()),
    ]
}

/// The same of keys that do something on the site's own page only.
pub fn keys_of_the_site() -> [(Vec<&'static str>, &'static str); 2] {
    [(vec!["n"], say::keys_next()), (vec!["t"], say::theatre())]
}

/// What a key asks for; `on_button` when a button or link has the focus, which takes the space bar for
/// itself.
pub fn press_of(key: &str, on_button: bool) -> Option<Press> {
    Some(match key {
        " " if on_button => return None,
        " " | "k" | "K" => Press::PlayPause,
        "ArrowLeft" | "j" | "J" => Press::By(-STEP),
        "ArrowRight" | "l" | "L" => Press::By(STEP),
        "ArrowUp" => Press::Louder,
        "ArrowDown" => Press::Quieter,
        "Home" => Press::To(0.0),
        "End" => Press::Part(1.0),
        "m" | "M" => Press::Mute,
        "f" | "F" => Press::FullScreen,
        "c" | "C" => Press::Captions,
        "p" | "P" => Press::PictureInPicture,
        "<" => Press::Slower,
        ">" => Press::Faster,
        "?" => Press::Help,
        "i" | "I" => Press::Statistics,
        "s" | "S" => Press::Skip,
        "n" | "N" => Press::Next,
        "t" | "T" => Press::Theatre,
        digit => Press::Part(f64::from(digit.parse::<u8>().ok().filter(|digit| *digit < 10)?) / 10.0),
    })
}

/// Whether a key is a letter, a digit or a sign: whoever speaks to the device, or hits keys by chance, can
/// turn these off (WCAG 2.2, 2.1.4).
pub fn is_character(key: &str) -> bool {
    key != " " && key.chars().count() == 1
}

/// Carries wishes out on the elements.
#[derive(Clone, PartialEq)]
pub struct Remote {
    /// The video element.
    pub video: NodeRef,
    /// Where the player is.
    pub stage: NodeRef,
    /// Where it ends, in seconds; 0 when not known yet.
    pub duration: f64,
    /// Where it begins, in seconds: of an event, of which no more than a window can be seen.
    pub begin: f64,
    /// Plays or pauses.
    pub on_toggle: Callback<()>,
    /// Turns subtitles on or off.
    pub on_captions: Callback<()>,
    /// Shows or hides the help.
    pub on_help: Callback<()>,
    /// Shows or hides the film's numbers.
    pub on_statistics: Callback<()>,
    /// Goes on to the next episode, or what is up next.
    pub on_next: Callback<()>,
    /// Shows the film alone, or with what goes with it.
    pub on_theatre: Callback<()>,
    /// Hears that the viewer goes elsewhere in the film.
    pub on_seek: Callback<()>,
    /// Chapters, ascending.
    pub chapters: Rc<[Chapter]>,
    /// Says for a moment what a key or finger has done.
    pub on_note: Callback<AttrValue>,
}

impl Remote {
    /// Does it.
    pub fn press(&self, press: Press) {
        match (press, self.video.cast::<HtmlVideoElement>()) {
            (Press::PlayPause, _) => self.on_toggle.emit(()),
            (Press::Help, _) => self.on_help.emit(()),
            (Press::Captions, _) => self.on_captions.emit(()),
            (Press::Statistics, _) => self.on_statistics.emit(()),
            (Press::Next, _) => self.on_next.emit(()),
            (Press::Theatre, _) => self.on_theatre.emit(()),
            (press, Some(video)) => self.press_on(press, video),
            (_, None) => {}
        }
    }

    fn press_on(&self, press: Press, video: HtmlVideoElement) {
        match press {
            Press::PlayPause
            | Press::Help
            | Press::Captions
            | Press::Statistics
            | Press::Next
            | Press::Theatre => {}
            Press::Skip => {
                if let Some(skip) = Skip::at(&self.chapters, video.current_time(), self.duration) {
                    self.seek(&video, skip.to);
                }
            }
            Press::By(seconds) => {
                self.seek(&video, video.current_time() + seconds);
                let sign = if seconds < 0.0 { '−' } else { '+' };
                self.on_note.emit(say::seconds_signed(&format!("{sign}{:.0}", seconds.abs())).into());
            }
            Press::To(seconds) => self.seek(&video, seconds),
            Press::Part(part) => self.seek(&video, self.begin + part * (self.duration - self.begin)),
            Press::Volume(volume) => set_volume(&video, volume, volume == 0.0),
            Press::Louder => self.step_volume(&video, VOLUME_STEP),
            Press::Quieter => self.step_volume(&video, -VOLUME_STEP),
            Press::Mute => {
                let muted = video.muted() || video.volume() == 0.0;
                let volume = if muted && video.volume() == 0.0 { 0.5 } else { video.volume() };
                set_volume(&video, volume, !muted);
                self.on_note.emit(if muted { say::sound_on() } else { say::sound_off() }.into());
            }
            Press::Faster => self.change_speed(&video, |speed, now| speed > now, false),
            Press::Slower => self.change_speed(&video, |speed, now| speed < now, true),
            Press::FullScreen => toggle_full_screen(&video),
            Press::PictureInPicture => toggle_picture_in_picture(&video),
        }
    }

    fn seek(&self, video: &HtmlVideoElement, to: f64) {
        if self.duration > 0.0 {
            video.set_current_time(to.max(self.begin).min(self.duration));
            self.on_seek.emit(());
        }
    }

    /// To the nearest speed that differs in this way.
    fn change_speed(&self, video: &HtmlVideoElement, differs: fn(f64, f64) -> bool, slower: bool) {
        let now = chosen_speed(video);
        let mut speeds = SPEEDS.iter().filter(|speed| differs(**speed, now));
        let next = if slower { speeds.next_back() } else { speeds.next() };
        if let Some(speed) = next {
            video.set_playback_rate(*speed);
            self.on_note.emit(format!("{speed}×").into());
        }
    }

    fn step_volume(&self, video: &HtmlVideoElement, step: f64) {
        let volume = (if video.muted() { 0.0 } else { video.volume() } + step).clamp(0.0, 1.0);
        // Tenths do not add up to 0 and 1 by themselves.
        let volume = (volume * 100.0).round() / 100.0;
        set_volume(video, volume, volume == 0.0);
        self.on_note.emit(say::volume_at(&format!("{:.0}", volume * 100.0)).into());
    }
}

fn set_volume(video: &HtmlVideoElement, volume: f64, muted: bool) {
    let volume = volume.clamp(0.0, 1.0);
    video.set_volume(volume);
    video.set_muted(muted);
    device_store::save_volume(volume, muted);
}

fn toggle_full_screen(video: &HtmlVideoElement) {
    if document().fullscreen_element().is_some() {
        return document().exit_fullscreen();
    }
    // The page, which the stage fills, and not the stage: the next film has another one, and stays full
    // screen.
    let whole = document().document_element().filter(|page| get(page, "requestFullscreen").is_function());
    match whole {
        Some(page) => tell(&page, "requestFullscreen", &[]),
        // On phones from Apple only the video itself can.
        None => drop(call(video, "webkitEnterFullscreen", &[])),
    }
}

/// Whether the browser can show the film above all other windows.
pub fn has_picture_in_picture() -> bool {
    get(&document(), "pictureInPictureEnabled").is_truthy()
}

fn toggle_picture_in_picture(video: &HtmlVideoElement) {
    if !has_picture_in_picture() {
        return;
    }
    let (of, name): (&JsValue, _) = match get(&document(), "pictureInPictureElement").is_truthy() {
        true => (&document(), "exitPictureInPicture"),
        false => (video, "requestPictureInPicture"),
    };
    tell(of, name, &[]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_ask_for_what_the_help_says() {
        assert_eq!(press_of(" ", false), Some(Press::PlayPause));
        assert_eq!(press_of(" ", true), None);
        assert_eq!(press_of("k", true), Some(Press::PlayPause));
        assert_eq!(press_of("ArrowLeft", false), Some(Press::By(-10.0)));
        assert_eq!(press_of("7", false), Some(Press::Part(0.7)));
        assert_eq!(press_of("0", false), Some(Press::Part(0.0)));
        assert_eq!(press_of("?", false), Some(Press::Help));
        assert_eq!(press_of("c", true), Some(Press::Captions));
        assert_eq!(press_of("i", true), Some(Press::Statistics));
        assert_eq!(press_of("s", false), Some(Press::Skip));
        assert_eq!((press_of("n", true), press_of("T", false)), (Some(Press::Next), Some(Press::Theatre)));
        for (keys, expected) in
            [(["s", "7", "?", "/", "<"], true), ([" ", "ArrowUp", "Home", "F5", ""], false)]
        {
            assert!(keys.iter().all(|key| is_character(key) == expected), "{keys:?}");
        }
        for other in ["10", "Tab", "Enter", "Escape", "x", "F5", "-1", ""] {
            assert_eq!(press_of(other, false), None, "{other}");
        }
    }
}
