//! What a viewer can set while a film plays.

use localization::say;
use web_player::player::{Limit, Quality, SAVING, Tracks};
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
    /// A small picture, by the player's choice.
    DataSaver,
    /// A sound by its id.
    Sound(String),
    /// Subtitles by their id; `None`: off.
    Text(Option<String>),
    /// How fast.
    Speed(f64),
    /// What is up next plays by itself, or not.
    PlaysNext(bool),
    /// The film's numbers are shown, or not any more.
    Statistics,
    /// Opens the choice of how captions look.
    CaptionStyle,
}

/// Properties of [`Settings`].
#[derive(Properties, PartialEq)]
pub struct SettingsProps {
    /// The sizes of the picture.
    pub quality: Quality,
    /// What keeps the picture from being a larger one.
    #[prop_or_default]
    pub limit: Option<Limit>,
    /// Sound and subtitles.
    pub tracks: Tracks,
    /// How fast it plays.
    pub speed: f64,
    /// Whether the film's numbers are shown.
    #[prop_or_default]
    pub statistics: bool,
    /// Whether what is up next plays by itself; `None` where nothing comes next.
    #[prop_or_default]
    pub plays_next: Option<bool>,
    /// Chooses.
    pub on_choose: Callback<Setting>,
}

/// The menu of all settings.
#[function_component]
pub fn Settings(props: &SettingsProps) -> Html {
    let SettingsProps { quality, limit, tracks, speed, statistics, plays_next, on_choose } = props;
    let group = |name, items| Group { name, items, hint: None };
    let groups = vec![
        group(say::audio(), sounds(tracks)),
        group(say::captions(), texts(tracks)),
        Group { hint: limit.map(why), ..group(say::quality(), qualities(quality)) },
        group(say::speed(), speeds(*speed)),
    ];
    let plays_next = plays_next.map(|on| Item {
        label: say::plays_next().to_owned(),
        checked: on,
        value: Setting::PlaysNext(!on),
    });
    let statistics =
        Item { label: say::statistics().to_owned(), checked: *statistics, value: Setting::Statistics };
    let switches: Vec<_> = plays_next.into_iter().chain([statistics]).collect();
    let has_texts = !(tracks.texts.is_empty() && tracks.forced.is_empty());
    let actions: Vec<(AttrValue, Setting)> =
        has_texts.then(|| (say::caption_style().into(), Setting::CaptionStyle)).into_iter().collect();
    html! {
        <Menu<Setting> name={say::settings()} icon={icons::gear()} {groups} {switches} {actions} {on_choose} />
    }
}

/// What keeps the picture from being a larger one, in words.
fn why(limit: Limit) -> &'static str {
    match limit {
        Limit::Policy => say::limit_policy(),
        Limit::DataSaver => say::limit_data_saver(),
        Limit::Decoder => say::limit_decoder(),
        Limit::Screen => say::limit_screen(),
        Limit::Network => say::limit_network(),
    }
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
    let off = Item {
        label: say::captions_off().to_owned(),
        checked: tracks.text.is_none(),
        value: Setting::Text(None),
    };
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
        Some(height) if quality.chosen.is_none() => say::automatic_now(&height.to_string()),
        _ => say::automatic().to_owned(),
    };
    let (chosen, saves) = (quality.chosen.is_some(), quality.saves_data);
    let automatic = Item { label, checked: !chosen && !saves, value: Setting::Quality(None) };
    let little = Item {
        label: say::data_saver(&SAVING.to_string()),
        checked: !chosen && saves,
        value: Setting::DataSaver,
    };
    let rungs = quality.rungs.iter().map(|rung| Item {
        label: quality.label(rung),
        checked: quality.chosen.as_ref() == Some(&rung.id),
        value: Setting::Quality(Some(rung.id.clone())),
    });
    [automatic, little].into_iter().chain(rungs).collect()
}

fn speeds(now: f64) -> Vec<Item<Setting>> {
    let label = |speed: f64| if speed == 1.0 { say::speed_normal().to_owned() } else { format!("{speed}×") };
    SPEEDS
        .iter()
        .map(|speed| Item { label: label(*speed), checked: *speed == now, value: Setting::Speed(*speed) })
        .collect()
}
