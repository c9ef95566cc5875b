//! What the viewer can know and choose of sound and subtitles.

use js_sys::{Array, Function, Object, Reflect};
use localization::say;
use nccp::{DownloadUrl, Downloadable, Manifest, MediaType, TextTrack};
use playback::media_type;
use wasm_bindgen::{JsCast, JsValue};

use crate::device_store;

/// The role of subtitles that are shown while no others are: signs, foreign speech.
const FORCED: &str = "forced";

/// A track of sound or of subtitles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Downloadable id, or the subtitles' id.
    pub id: String,
    /// Language (BCP 47); empty when not told.
    pub language: String,
    /// Role, like `description` or `caption`; empty when not told.
    pub role: String,
    /// What the service calls it.
    pub label: Option<String>,
}

impl Choice {
    /// What people call it: the service's name of it, or its language's in the viewer's own language.
    pub fn name(&self) -> String {
        if let Some(label) = &self.label {
            return label.clone();
        }
        let language = match &self.language[..] {
            "" | "und" => say::track_unknown().to_owned(),
            "zxx" => say::track_no_words().to_owned(),
            tag => language_name(tag).unwrap_or_else(|| tag.to_owned()),
        };
        match &self.role[..] {
            "description" => say::track_described(&language),
            "commentary" => say::track_commentary(&language),
            "caption" => say::track_captions(&language),
            _ => language,
        }
    }

    /// By what it is found again in another film.
    fn preference(&self) -> String {
        format!("{}/{}", self.language, self.role)
    }
}

/// Sound and subtitles: what there is, and what was chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tracks {
    /// Sound in the order of the manifest.
    pub sounds: Vec<Choice>,
    /// The sound that plays.
    pub sound: Option<String>,
    /// Subtitles in the order of the manifest, without forced ones.
    pub texts: Vec<Choice>,
    /// The subtitles that are shown; `None`: off.
    pub text: Option<String>,
    /// Forced subtitles: shown in the sound's language while no others are.
    pub forced: Vec<Choice>,
}

impl Tracks {
    /// What a manifest has of what the browser can decode, as the viewer chose it last time, by language and
    /// role; else as the manifest says.
    pub(super) fn of(manifest: &Manifest, supported: impl Fn(&str) -> bool) -> Self {
        let kept = |kind| device_store::track(kind).unwrap_or_default();
        Self::preferring(manifest, supported, &kept(device_store::SOUND), &kept(device_store::TEXT))
    }

    fn preferring(manifest: &Manifest, supported: impl Fn(&str) -> bool, sound: &str, text: &str) -> Self {
        let mut groups = Vec::new();
        let heard = |one: &&Downloadable| one.media_type == MediaType::Audio && supported(&media_type(one));
        // Alternatives of one track are one choice.
        let mut once = |one: &&Downloadable| {
            let new = !groups.contains(&one.group);
            groups.push(one.group.clone());
            new
        };
        let sounds: Vec<&Downloadable> =
            manifest.downloadables.iter().filter(heard).filter(|one| once(one)).collect();
        let default = sounds.iter().find(|one| one.default).or(sounds.first()).map(|one| one.id.clone());
        let sounds: Vec<Choice> = sounds.into_iter().map(Choice::from).collect();
        let (forced, texts): (Vec<_>, Vec<_>) =
            manifest.text_tracks.iter().partition(|track| track.role == FORCED);
        let shown = texts.iter().find(|track| track.default).map(|track| track.id.clone());
        let texts: Vec<Choice> = texts.into_iter().map(Choice::from).collect();
        let liked = |of: &[Choice], preference: &str| {
            of.iter().find(|choice| choice.preference() == preference).map(|choice| choice.id.clone())
        };
        Self {
            sound: liked(&sounds, sound).or(default),
            text: if text == device_store::OFF { None } else { liked(&texts, text).or(shown) },
            sounds,
            texts,
            forced: forced.into_iter().map(Choice::from).collect(),
        }
    }

    /// Notes which sound was chosen, for other films, too. Whether there is such a one.
    pub(super) fn choose_sound(&mut self, id: &str) -> bool {
        let Some(choice) = self.sounds.iter().find(|choice| choice.id == id) else { return false };
        device_store::save_track(device_store::SOUND, &choice.preference());
        self.sound = Some(id.to_owned());
        true
    }

    /// Notes which subtitles were chosen, for other films, too.
    pub(super) fn choose_text(&mut self, id: Option<&str>) {
        let choice = id.and_then(|id| self.texts.iter().find(|choice| choice.id == id));
        let preference = choice.map_or(device_store::OFF.to_owned(), Choice::preference);
        device_store::save_track(device_store::TEXT, &preference);
        self.text = choice.map(|choice| choice.id.clone());
    }

    /// The subtitles to show: the chosen ones, else the forced ones of the sound's language.
    pub(super) fn shown<'a>(&self, manifest: &'a Manifest) -> Option<&'a TextTrack> {
        let sound = self.sounds.iter().find(|choice| Some(&choice.id) == self.sound.as_ref());
        let forced = self.forced.iter().find(|choice| sound.is_some_and(|s| s.language == choice.language));
        let id = self.text.as_ref().or(forced.map(|choice| &choice.id))?;
        manifest.text_tracks.iter().find(|track| track.id == *id)
    }

    /// What the captions button turns on: the subtitles of the viewer's languages, or the first.
    pub fn usual_text(&self) -> Option<&str> {
        let languages = gloo::utils::window().navigator().languages();
        let own = languages.iter().filter_map(|tag| tag.as_string());
        let base = |tag: &str| tag.split('-').next().unwrap_or_default().to_ascii_lowercase();
        let of = |tag: String| self.texts.iter().find(|choice| base(&choice.language) == base(&tag));
        own.filter_map(of).next().or(self.texts.first()).map(|choice| &choice.id[..])
    }
}

impl From<&Downloadable> for Choice {
    fn from(sound: &Downloadable) -> Self {
        Self {
            id: sound.id.clone(),
            language: sound.language.clone().unwrap_or_default(),
            role: sound.role.clone().unwrap_or_default(),
            label: sound.label.clone(),
        }
    }
}

impl From<&TextTrack> for Choice {
    fn from(text: &TextTrack) -> Self {
        Self {
            id: text.id.clone(),
            language: text.language.clone(),
            role: text.role.clone(),
            label: text.label.clone(),
        }
    }
}

/// A language's name in the page's language (ECMA-402, `Intl.DisplayNames`), where the browser knows it.
pub fn language_name(tag: &str) -> Option<String> {
    display_name("language", tag)
}

/// The name of a code of this kind (`language`, `region`, …; ECMA-402, `Intl.DisplayNames`), in the site's
/// language. `None` where the browser cannot say or does not know the code.
pub fn display_name(kind: &str, code: &str) -> Option<String> {
    let get = |of: &JsValue, name: &str| Reflect::get(of, &name.into()).ok();
    let intl = get(&js_sys::global(), "Intl")?;
    let names: Function = get(&intl, "DisplayNames")?.dyn_into().ok()?;
    let options = Object::new();
    Reflect::set(&options, &"type".into(), &kind.into()).ok()?;
    let own = JsValue::from_str(localization::tag());
    let names = Reflect::construct(&names, &Array::of(&[own, options.into()])).ok()?;
    let of: Function = get(&names, "of")?.dyn_into().ok()?;
    of.call1(&names, &code.into()).ok()?.as_string()
}

/// Small pictures of the film, on sheets.
#[derive(Clone, Debug, PartialEq)]
pub struct Stills {
    /// Milliseconds from one to the next.
    interval: u32,
    /// How many there are.
    count: u32,
    /// Size of each.
    pub size: (u32, u32),
    /// Pictures in a row of a sheet, and rows.
    pub grid: (u32, u32),
    /// A URL for each sheet.
    sheets: Vec<String>,
}

impl Stills {
    /// What a manifest has of them; `None` without sheets.
    pub(super) fn of(manifest: &Manifest) -> Option<Self> {
        let pictures = manifest.trick_play.as_ref()?;
        let first = |urls: &Vec<DownloadUrl>| urls.first().map(|url| url.url.clone());
        let sheets: Vec<String> = pictures.sheets.iter().filter_map(first).collect();
        let grid = (pictures.columns, pictures.rows);
        let whole = !sheets.is_empty() && sheets.len() == pictures.sheets.len() && grid.0 > 0 && grid.1 > 0;
        (whole && pictures.interval > 0 && pictures.count > 0).then_some(Self {
            interval: pictures.interval,
            count: pictures.count,
            size: (pictures.resolution.width, pictures.resolution.height),
            grid,
            sheets,
        })
    }

    /// The picture of a time: the sheet's URL, and column and row there.
    pub fn at(&self, seconds: f64) -> Option<(&str, u32, u32)> {
        let number = ((seconds * 1000.0 / f64::from(self.interval)).max(0.0) as u32).min(self.count - 1);
        let (columns, rows) = self.grid;
        let (sheet, cell) = (number / (columns * rows), number % (columns * rows));
        Some((self.sheets.get(sheet as usize)?, cell % columns, cell / columns))
    }
}
