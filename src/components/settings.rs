//! What a viewer can set while a film plays.

use web_player::player::{Quality, Tracks};
use yew::prelude::*;

use super::{
    icons,
    menu::{Group, Item, Menu},
};

/// How fast a film can play.
pub const SPEEDS: [f64; 7] = [0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0];

/// A choice.
#[derive(Clone, Debug, PartialEq)]
pub enum Setting {
    /// A representation of the picture by its id; `None` leaves it to the player.
    Quality(Option<String>),
    /// A sound by its id.
    Sound(String),
    /// Subtitles by their id; `None`: off.
    Text(Option<String>),
    /// How fast.
    Speed(f64),
}

/// Properties of [`Settings`].
#[derive(Properties, PartialEq)]
pub struct SettingsProps {
    /// The sizes of the picture.
    pub quality: Quality,
    /// Sound and subtitles.
    pub tracks: Tracks,
    /// How fast it plays.
    pub speed: f64,
    /// Chooses.
    pub on_choose: Callback<Setting>,
}

/// The menu of all settings.
#[function_component]
pub fn Settings(props: &SettingsProps) -> Html {
    let SettingsProps { quality, tracks, speed, on_choose } = props;
    let groups = vec![
        Group { name: "Audio", items: sounds(tracks) },
        Group { name: "Captions", items: texts(tracks) },
        Group { name: "Quality", items: qualities(quality) },
        Group { name: "Speed", items: speeds(*speed) },
    ];
    html! { <Menu<Setting> name="Settings" icon={icons::gear()} {groups} {on_choose} /> }
}

fn sounds(tracks: &Tracks) -> Vec<Item<Setting>> {
    let item = |choice: &web_player::player::Choice| Item {
        label: choice.name(),
        checked: tracks.sound.as_ref() == Some(&choice.id),
        value: Setting::Sound(choice.id.clone()),
    };
    tracks.sounds.iter().map(item).collect()
}

fn texts(tracks: &Tracks) -> Vec<Item<Setting>> {
    let off = Item { label: "Off".to_owned(), checked: tracks.text.is_none(), value: Setting::Text(None) };
    let item = |choice: &web_player::player::Choice| Item {
        label: choice.name(),
        checked: tracks.text.as_ref() == Some(&choice.id),
        value: Setting::Text(Some(choice.id.clone())),
    };
    std::iter::once(off).chain(tracks.texts.iter().map(item)).collect()
}

/// Nothing where there is one size only: the player's choice is that one.
fn qualities(quality: &Quality) -> Vec<Item<Setting>> {
    if quality.rungs.len() < 2 {
        return Vec::new();
    }
    let label = match quality.height() {
        Some(height) if quality.chosen.is_none() => format!("Automatic ({height}p)"),
        _ => "Automatic".to_owned(),
    };
    let automatic = Item { label, checked: quality.chosen.is_none(), value: Setting::Quality(None) };
    let rungs = quality.rungs.iter().map(|rung| Item {
        label: quality.label(rung),
        checked: quality.chosen.as_ref() == Some(&rung.id),
        value: Setting::Quality(Some(rung.id.clone())),
    });
    std::iter::once(automatic).chain(rungs).collect()
}

fn speeds(now: f64) -> Vec<Item<Setting>> {
    let label = |speed: f64| if speed == 1.0 { "Normal".to_owned() } else { format!("{speed}×") };
    SPEEDS
        .iter()
        .map(|speed| Item { label: label(*speed), checked: *speed == now, value: Setting::Speed(*speed) })
        .collect()
}
