//! A film's picture, or what stands in for it.

use nccp::{Art, json::LibraryMovie};
use yew::prelude::*;

use crate::browse;

/// So wide in pixels the picture of a card is to be.
pub(super) const CARD: u32 = 640;
/// The same of a large one.
const LARGE: u32 = 1280;

/// The smallest picture of a film that is so wide, else the widest.
pub(super) fn art_for(film: &LibraryMovie, width: u32) -> Option<&Art> {
    let wide = film.art.iter().filter(|art| art.width >= width).min_by_key(|art| art.width);
    wide.or_else(|| film.art.iter().max_by_key(|art| art.width))
}

/// Properties of [`Poster`].
#[derive(Properties, PartialEq)]
pub struct PosterProps {
    /// The film.
    pub film: LibraryMovie,
    /// Shown large, and at once.
    #[prop_or_default]
    pub large: bool,
    /// What lies on it.
    #[prop_or_default]
    pub children: Html,
}

/// The picture, whole in its frame whatever its form, and how far the film was seen.
#[function_component]
pub fn Poster(props: &PosterProps) -> Html {
    let film = &props.film;
    let progress = use_node_ref();
    let seen = film.position.filter(|_| browse::is_begun(film) && film.runtime > 0.0);
    let fraction = seen.map_or(0.0, |position| (position / film.runtime).clamp(0.0, 1.0));
    {
        let progress = progress.clone();
        use_effect_with(fraction.to_bits(), move |_| {
            if let Some(bar) = progress.cast::<web_sys::HtmlElement>() {
                let _ = bar.style().set_property("--seen", &fraction.to_string());
            }
        });
    }
    let art = art_for(film, if props.large { LARGE } else { CARD });
    // A picture that is not as wide as the frame is shown whole, not cut to its middle.
    let is_tall = art.is_some_and(|art| u64::from(art.width) * 4 < u64::from(art.height) * 5);
    html! {
        <div class={classes!("poster", is_tall.then_some("tall"))}>
            if let Some(art) = art {
                <img src={art.url.clone()} alt="" width={art.width.to_string()} height={art.height.to_string()}
                    loading={if props.large { "eager" } else { "lazy" }} decoding="async" />
            } else {
                { stand_in(&film.title) }
            }
            { props.children.clone() }
            if seen.is_some() {
                <span class="seen" ref={progress} aria-hidden="true"><span /></span>
            }
        </div>
    }
}

/// What stands in for a film's picture: a ground and a pattern by its title, and its initials.
pub(super) fn stand_in(title: &str) -> Html {
    let (ground, pattern) = browse::look(title);
    html! {
        <span class={classes!("stand-in", format!("ground-{ground}"), format!("pattern-{pattern}"))} aria-hidden="true">
            <span>{ browse::initials(title) }</span>
        </span>
    }
}
