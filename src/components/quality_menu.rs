//! The choice of the picture's size.

use gloo::{events::EventListener, utils::window};
use wasm_bindgen::JsCast;
use web_player::player::Quality;
use web_sys::{Element, HtmlElement, Node};
use yew::prelude::*;

use super::icons;

/// Properties of [`QualityMenu`].
#[derive(Properties, PartialEq)]
pub struct QualityMenuProps {
    /// What there is, what was chosen, what is shown.
    pub quality: Quality,
    /// Chooses; `None` leaves it to the player.
    pub on_choose: Callback<Option<String>>,
}

/// A button, and the menu that it opens.
#[function_component]
pub fn QualityMenu(props: &QualityMenuProps) -> Html {
    let QualityMenuProps { quality, on_choose } = props;
    let (root, menu) = (use_node_ref(), use_node_ref());
    let open = use_state_eq(|| false);

    // Opened, it has the focus; a press anywhere else closes it.
    {
        let (root, menu, setter) = (root.clone(), menu.clone(), open.setter());
        use_effect_with(*open, move |open| {
            let mut listener = None;
            if *open {
                let checked = menu.cast::<Element>().and_then(|menu| {
                    menu.query_selector("[aria-checked=true]").ok().flatten()?.dyn_into::<HtmlElement>().ok()
                });
                let _ = checked.map(|item| item.focus());
                listener = Some(EventListener::new(&window(), "pointerdown", move |event| {
                    let target = event.target().and_then(|target| target.dyn_into::<Node>().ok());
                    if !root.cast::<Node>().is_some_and(|root| root.contains(target.as_ref())) {
                        setter.set(false);
                    }
                }));
            }
            move || drop(listener)
        });
    }

    let close = {
        let (root, open) = (root.clone(), open.setter());
        move || {
            open.set(false);
            let button = root.cast::<Element>().and_then(|root| root.query_selector("button").ok().flatten());
            let _ =
                button.and_then(|button| button.dyn_into::<HtmlElement>().ok()).map(|button| button.focus());
        }
    };
    let choose = |representation: Option<String>| {
        let (on_choose, close) = (on_choose.clone(), close.clone());
        move |_: MouseEvent| {
            on_choose.emit(representation.clone());
            close();
        }
    };
    let onkeydown = {
        let (menu, close, open) = (menu.clone(), close.clone(), open.setter());
        move |event: KeyboardEvent| {
            let step = match event.key().as_str() {
                "Escape" => {
                    close();
                    None
                }
                "ArrowDown" => Some(Step::By(1)),
                "ArrowUp" => Some(Step::By(-1)),
                "Home" => Some(Step::First),
                "End" => Some(Step::Last),
                // The focus moves on, and leaves no menu behind.
                "Tab" => return open.set(false),
                _ => return,
            };
            // These keys are the menu's now, not the player's.
            event.prevent_default();
            event.stop_propagation();
            if let (Some(step), Some(menu)) = (step, menu.cast::<Element>()) {
                move_focus(&menu, step);
            }
        }
    };
    let toggle = {
        let open = open.clone();
        move |_: MouseEvent| open.set(!*open)
    };

    let shown = quality.height().map(|height| format!("{height}p"));
    let name = match (&quality.chosen, &shown) {
        (None, Some(shown)) => format!("Quality: automatic, {shown}"),
        (None, None) => "Quality: automatic".to_owned(),
        (Some(_), shown) => format!("Quality: {}", shown.as_deref().unwrap_or("chosen")),
    };
    let automatic = match &shown {
        Some(shown) if quality.chosen.is_none() => format!("Automatic ({shown})"),
        _ => "Automatic".to_owned(),
    };
    let item = |label: String, lines: String, checked: bool, representation: Option<String>| {
        let key = representation.clone().unwrap_or_default();
        html! {
            <button type="button" role="menuitemradio" aria-checked={checked.to_string()} tabindex="-1"
                data-quality={lines} {key} onclick={choose(representation)}>
                <span class="check" aria-hidden="true">{ if checked { icons::tick() } else { Html::default() } }</span>
                { label }
            </button>
        }
    };
    html! {
        <div class="quality" ref={root}>
            <button type="button" class="opens" aria-haspopup="menu" aria-expanded={open.to_string()}
                aria-label={name} title="Quality" onclick={toggle}>{ icons::gear() }</button>
            if *open {
                <div class="menu" role="menu" aria-label="Quality" ref={menu} {onkeydown}>
                    { item(automatic, "auto".to_owned(), quality.chosen.is_none(), None) }
                    { for quality.rungs.iter().map(|rung| {
                        let checked = quality.chosen.as_ref() == Some(&rung.id);
                        item(quality.label(rung), rung.height.to_string(), checked, Some(rung.id.clone()))
                    }) }
                </div>
            }
        </div>
    }
}

#[derive(Clone, Copy)]
enum Step {
    By(i32),
    First,
    Last,
}

fn move_focus(menu: &Element, step: Step) {
    let Ok(items) = menu.query_selector_all("[role=menuitemradio]") else { return };
    let count = items.length() as i32;
    let focused = gloo::utils::document().active_element();
    let at = (0..count).find(|n| {
        items
            .item(*n as u32)
            .is_some_and(|item| focused.as_ref().is_some_and(|focused| item.is_same_node(Some(focused))))
    });
    let next = match (step, at) {
        (Step::By(by), Some(at)) => (at + by).rem_euclid(count.max(1)),
        (Step::Last, _) => count - 1,
        (Step::First | Step::By(_), _) => 0,
    };
    let item = u32::try_from(next).ok().and_then(|next| items.item(next));
    let _ = item.and_then(|item| item.dyn_into::<HtmlElement>().ok()).map(|item| item.focus());
}
