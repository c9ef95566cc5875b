//! How captions look, for the viewer to choose.

use localization::say;
use web_player::captions::{CaptionStyle, Colour, Edge, Font, OPACITIES, SIZES};
use web_sys::{HtmlDialogElement, HtmlElement, HtmlSelectElement};
use yew::prelude::*;

/// Properties of [`CaptionSettings`].
#[derive(Properties, PartialEq)]
pub struct CaptionSettingsProps {
    /// How they look; `None`: the dialog is closed.
    pub style: Option<CaptionStyle>,
    /// How they are to look from now on; `None`: the dialog was closed.
    pub on_style: Callback<Option<CaptionStyle>>,
}

/// One choice, as the page has it: value, name, and whether it is chosen.
type Choice = (String, String, bool);

/// A dialog with a line that looks as captions will. Each choice holds at once.
#[function_component]
pub fn CaptionSettings(props: &CaptionSettingsProps) -> Html {
    let CaptionSettingsProps { style, on_style } = props;
    let (dialog, preview) = (use_node_ref(), use_node_ref());
    // A list that was chosen from keeps to that: after a reset there are new ones.
    let resets = use_state(|| 0_u32);
    {
        let dialog = dialog.clone();
        use_effect_with(style.is_some(), move |open| {
            if let Some(dialog) = dialog.cast::<HtmlDialogElement>() {
                match (*open, dialog.open()) {
                    (true, false) => drop(dialog.show_modal()),
                    (false, true) => dialog.close(),
                    _ => {}
                }
            }
        });
    }
    {
        let preview = preview.clone();
        use_effect_with(*style, move |style| {
            if let (Some(style), Some(preview)) = (style, preview.cast::<HtmlElement>()) {
                style.apply(&preview);
            }
        });
    }
    let onclose = on_style.reform(|_: Event| None);
    let reset = {
        let (on_style, resets) = (on_style.clone(), resets.clone());
        move |_: MouseEvent| {
            resets.set(resets.wrapping_add(1));
            on_style.emit(Some(CaptionStyle::default()));
        }
    };
    let choice = |name: &'static str, of: Vec<Choice>, changed: fn(CaptionStyle, &str) -> CaptionStyle| {
        let (on_style, now) = (on_style.clone(), style.unwrap_or_default());
        let onchange = move |event: Event| {
            let chosen = event.target_unchecked_into::<HtmlSelectElement>().value();
            on_style.emit(Some(changed(now, &chosen)));
        };
        let option = |(value, name, selected): Choice| html! { <option {value} {selected}>{ name }</option> };
        html! {
            <label class="field">
                <span>{ name }</span>
                <select {onchange}>{ for of.into_iter().map(option) }</select>
            </label>
        }
    };
    let content = style.map(|style| {
        html! {
            <form method="dialog">
                <h2 id="caption-style-title">{ say::caption_style() }</h2>
                <p class="caption-preview" ref={preview}>
                    <span class="cue" dir="auto"><span>{ say::caption_preview() }</span></span>
                </p>
                <div class="choices" key={*resets}>
                    { choice(say::caption_size(), percents(&SIZES, style.size), |style, chosen| CaptionStyle {
                        size: chosen.parse().unwrap_or(style.size),
                        ..style
                    }) }
                    { choice(say::caption_words(), words(style.words), |style, chosen| CaptionStyle {
                        words: Colour::named(chosen),
                        ..style
                    }) }
                    { choice(say::caption_ground(), colours(Some(style.ground)), |style, chosen| CaptionStyle {
                        ground: Colour::named(chosen).unwrap_or(style.ground),
                        ..style
                    }) }
                    { choice(say::caption_opacity(), percents(&OPACITIES, style.opacity), |style, chosen| CaptionStyle {
                        opacity: chosen.parse().unwrap_or(style.opacity),
                        ..style
                    }) }
                    { choice(say::caption_edge(), edges(style.edge), |style, chosen| CaptionStyle {
                        edge: Edge::named(chosen).unwrap_or(style.edge),
                        ..style
                    }) }
                    { choice(say::caption_font(), fonts(style.font), |style, chosen| CaptionStyle {
                        font: Font::named(chosen).unwrap_or(style.font),
                        ..style
                    }) }
                </div>
                <div class="actions">
                    <button class="button">{ say::close() }</button>
                    <button type="button" class="button secondary" onclick={reset}>{ say::caption_reset() }</button>
                </div>
            </form>
        }
    });
    html! {
        <dialog class="caption-style" aria-labelledby="caption-style-title" ref={dialog} {onclose}>
            { content.unwrap_or_default() }
        </dialog>
    }
}

fn percents(of: &[u16], now: u16) -> Vec<Choice> {
    let choice = |number: &u16| (number.to_string(), say::percent(&number.to_string()), *number == now);
    of.iter().map(choice).collect()
}

/// The film's own colours, and all others.
fn words(now: Option<Colour>) -> Vec<Choice> {
    let film = (String::new(), say::caption_words_film().to_owned(), now.is_none());
    std::iter::once(film).chain(colours(now)).collect()
}

fn colours(now: Option<Colour>) -> Vec<Choice> {
    let name = |colour| match colour {
        Colour::White => say::colour_white(),
        Colour::Yellow => say::colour_yellow(),
        Colour::Green => say::colour_green(),
        Colour::Cyan => say::colour_cyan(),
        Colour::Blue => say::colour_blue(),
        Colour::Magenta => say::colour_magenta(),
        Colour::Red => say::colour_red(),
        Colour::Black => say::colour_black(),
    };
    let choice = |one: &Colour| (one.as_str().to_owned(), name(*one).to_owned(), now == Some(*one));
    Colour::ALL.iter().map(choice).collect()
}

fn edges(now: Edge) -> Vec<Choice> {
    let name = |edge| match edge {
        Edge::None => say::edge_none(),
        Edge::Shadow => say::edge_shadow(),
        Edge::Raised => say::edge_raised(),
        Edge::Depressed => say::edge_depressed(),
        Edge::Outline => say::edge_outline(),
    };
    let choice = |one: &Edge| (one.as_str().to_owned(), name(*one).to_owned(), now == *one);
    Edge::ALL.iter().map(choice).collect()
}

fn fonts(now: Font) -> Vec<Choice> {
    let name = |font| match font {
        Font::Sans => say::font_sans(),
        Font::Serif => say::font_serif(),
        Font::Mono => say::font_mono(),
        Font::Casual => say::font_casual(),
        Font::Cursive => say::font_cursive(),
        Font::SmallCaps => say::font_small_caps(),
    };
    let choice = |one: &Font| (one.as_str().to_owned(), name(*one).to_owned(), now == *one);
    Font::ALL.iter().map(choice).collect()
}
