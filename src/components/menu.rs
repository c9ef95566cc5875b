//! A button, and the menu of choices that it opens.

use gloo::{
    events::EventListener,
    utils::{document, window},
};
use localization::say;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, Node, NodeList};
use yew::prelude::*;

use super::icons;

/// One choice.
#[derive(Clone, PartialEq)]
pub struct Item<T> {
    /// What it is called.
    pub label: String,
    /// Whether it is chosen.
    pub checked: bool,
    /// What is chosen by it.
    pub value: T,
}

/// Choices of which one is chosen.
#[derive(Clone, PartialEq)]
pub struct Group<T> {
    /// What is chosen here.
    pub name: &'static str,
    /// The choices.
    pub items: Vec<Item<T>>,
    /// What is said about the first of them.
    pub hint: Option<&'static str>,
}

/// Properties of [`Menu`].
#[derive(Properties, PartialEq)]
pub struct MenuProps<T: PartialEq> {
    /// Name of button and menu.
    pub name: AttrValue,
    /// The button's picture.
    pub icon: Html,
    /// What there is to choose; groups of fewer than two choices are left out.
    pub groups: Vec<Group<T>>,
    /// What can be on or off, below the choices.
    #[prop_or_default]
    pub switches: Vec<Item<T>>,
    /// What opens something else, above the switches.
    #[prop_or_default]
    pub actions: Vec<(AttrValue, T)>,
    /// Chooses.
    pub on_choose: Callback<T>,
}

/// The button and its menu (WAI-ARIA's menu button): arrows, Home and End move, Escape closes.
#[function_component]
pub fn Menu<T: Clone + PartialEq + 'static>(props: &MenuProps<T>) -> Html {
    let MenuProps { name, icon, groups, switches, actions, on_choose } = props;
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
            let items = menu.cast::<Element>().and_then(|menu| menu.query_selector_all(ITEM).ok());
            if let (Some(step), Some(items)) = (step, items) {
                move_focus(&items, step);
            }
        }
    };
    let toggle = {
        let open = open.clone();
        move |_: MouseEvent| open.set(!*open)
    };
    let choose = |value: &T| {
        let (on_choose, close, value) = (on_choose.clone(), close.clone(), value.clone());
        move |_: MouseEvent| {
            // First, so that what is opened knows where the focus goes back to.
            close();
            on_choose.emit(value.clone());
        }
    };
    let item = |item: &Item<T>, role: &'static str, hint: Option<&'static str>| {
        let choose = choose(&item.value);
        html! {
            <button type="button" {role} aria-checked={item.checked.to_string()} tabindex="-1"
                aria-description={hint} onclick={choose}>
                <span class="check" aria-hidden="true">{ if item.checked { icons::tick() } else { Html::default() } }</span>
                <span dir="auto">{ &item.label }</span>
            </button>
        }
    };
    let groups = groups.iter().filter(|group| group.items.len() > 1);
    html! {
        <div class="opener" ref={root}>
            <button type="button" aria-haspopup="menu" aria-expanded={open.to_string()} aria-label={name.clone()}
                title={name.clone()} onclick={toggle}>{ icon.clone() }</button>
            if *open {
                <div class="menu" role="menu" aria-label={name.clone()} dir={say::direction()} ref={menu} {onkeydown}>
                    { for groups.map(|group| html! {
                        <div role="group" aria-label={group.name} key={group.name}>
                            <p aria-hidden="true">{ group.name }</p>
                            { for group.items.iter().enumerate().map(|(n, one)| {
                                let hint = group.hint.filter(|_| n == 0);
                                html! {
                                    <>
                                        { item(one, "menuitemradio", hint) }
                                        if let Some(hint) = hint {
                                            <p class="hint" aria-hidden="true">{ hint }</p>
                                        }
                                    </>
                                }
                            }) }
                        </div>
                    }) }
                    { for actions.iter().map(|(label, value)| html! {
                        <button type="button" role="menuitem" tabindex="-1" onclick={choose(value)}>
                            <span class="check" aria-hidden="true" />
                            <span dir="auto">{ label }</span>
                        </button>
                    }) }
                    { for switches.iter().map(|one| item(one, "menuitemcheckbox", None)) }
                </div>
            }
        </div>
    }
}

const ITEM: &str = "[role^=menuitem]";

#[derive(Clone, Copy)]
enum Step {
    By(i32),
    First,
    Last,
}

fn move_focus(items: &NodeList, step: Step) {
    let count = items.length() as i32;
    let focused = document().active_element();
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
