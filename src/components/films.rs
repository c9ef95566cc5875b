//! All films of the library: the one in front, a search, lanes, and the whole house in order.

use std::rc::Rc;

use gloo::{events::EventListener, utils::document};
use localization::say;
use nccp::json::{Library, LibraryMovie};
use wasm_bindgen::JsCast;
use web_player::device_store;
use web_sys::{Element, HtmlElement, HtmlInputElement, HtmlSelectElement};
use yew::prelude::*;

use crate::{
    browse::{self, Entry, Index, LANE, Order},
    components::{Billing, FilmCard, Grid, SeriesCard, lane_shift::LaneShift},
    route::{self, Route},
};

/// Properties of [`Films`].
#[derive(Properties, PartialEq)]
pub struct FilmsProps {
    /// The account's library.
    pub library: Rc<Library>,
}

/// The films. What is searched and how they are sorted is in the address: it is there again when one comes
/// back.
#[function_component]
pub fn Films(props: &FilmsProps) -> Html {
    let library = &props.library;
    let query = use_state_eq(|| asked().0);
    let order = use_state_eq(|| asked().1);
    let index = use_memo(Rc::clone(library), |library| Index::new(&library.movies));
    let (field, sort) = (use_node_ref(), use_node_ref());
    use_slash(&field);
    {
        // Once somebody has chosen, the attribute of an option says nothing any more.
        let sort = sort.clone();
        use_effect_with(*order, move |order| {
            if let Some(sort) = sort.cast::<HtmlSelectElement>() {
                sort.set_value(order.as_str());
            }
        });
    }
    use_effect_with(((*query).clone(), *order), |(query, order)| {
        if Route::current() == Route::Library {
            route::remember(&address(query, *order));
        }
    });
    {
        // The way to the library leads to all of it.
        let (query, order) = (query.setter(), order.setter());
        use_effect_with((), move |()| {
            let listener = EventListener::new(&gloo::utils::window(), "popstate", move |_| {
                if Route::current() == Route::Library {
                    let (words, sorted) = asked();
                    query.set(words);
                    order.set(sorted);
                }
            });
            move || drop(listener)
        });
    }
    if library.movies.is_empty() {
        return html! {
            <section class="empty">
                <h1>{ say::library_empty() }</h1>
                <p>{ say::library_empty_text() }</p>
            </section>
        };
    }
    let oninput = {
        let query = query.setter();
        move |event: InputEvent| query.set(event.target_unchecked_into::<HtmlInputElement>().value())
    };
    let onsubmit = |event: SubmitEvent| event.prevent_default();
    let onchange = {
        let order = order.setter();
        move |event: Event| {
            order.set(Order::parse(&event.target_unchecked_into::<HtmlSelectElement>().value()));
        }
    };
    let is_searched = !query.trim().is_empty();
    let mut films: Vec<&LibraryMovie> = match is_searched {
        true => index.find(&query).into_iter().filter_map(|at| library.movies.get(at)).collect(),
        false => library.movies.iter().collect(),
    };
    browse::sort(&mut films, *order);
    let found = match (is_searched, films.len()) {
        (false, _) => String::new(),
        (true, 0) => say::found_none(query.trim()),
        (true, count) => say::found_films(count as f64),
    };
    html! {
        <>
            <h1 class="sr">{ say::library() }</h1>
            <form class="finder" role="search" {onsubmit}>
                <label class="field">
                    <span class="sr">{ say::search_films() }</span>
                    <input type="search" ref={field} value={(*query).clone()} {oninput} dir="auto" autocomplete="off"
                        placeholder={say::search_films_hint()} enterkeyhint="search" aria-keyshortcuts="/" />
                </label>
                <label class="field order">
                    <span>{ say::sort_by() }</span>
                    <select ref={sort} {onchange}>
                        { for Order::ALL.iter().map(|of| html! {
                            <option value={of.as_str()} selected={of == &*order}>{ of.label() }</option>
                        }) }
                    </select>
                </label>
            </form>
            <p class={if is_searched { "found" } else { "sr" }} role="status">{ &found }</p>
            if !is_searched {
                { lanes(library) }
            }
            if !films.is_empty() {
                <section class="row">
                    <h2 class={is_searched.then_some("sr")}>{ if is_searched { say::found() } else { say::all_films() } }</h2>
                    // Another order begins at its head.
                    <Grid key={format!("{} {is_searched}", order.as_str())}
                        films={films.into_iter().cloned().collect::<Vec<_>>()} />
                </section>
            } else {
                <p class="empty-line">{ say::found_none_hint() }</p>
            }
        </>
    }
}

/// What the address asks for.
fn asked() -> (String, Order) {
    let order = route::query("sort").map_or(Order::default(), |order| Order::parse(&order));
    (route::query("q").unwrap_or_default(), order)
}

fn address(query: &str, order: Order) -> String {
    let mut parts = Vec::new();
    if !query.trim().is_empty() {
        parts.push(format!("q={}", String::from(js_sys::encode_uri_component(query.trim()))));
    }
    if order != Order::default() {
        parts.push(format!("sort={}", order.as_str()));
    }
    let question = if parts.is_empty() { "" } else { "?" };
    format!("{}{question}{}", Route::Library.address(), parts.join("&"))
}

/// `/` leads to the search, wherever the focus is but in a field, unless such keys are turned off.
#[hook]
fn use_slash(field: &NodeRef) {
    let field = field.clone();
    use_effect_with((), move |()| {
        let listener = EventListener::new_with_options(
            &document(),
            "keydown",
            gloo::events::EventListenerOptions::enable_prevent_default(),
            move |event| {
                let Some(key) = event.dyn_ref::<KeyboardEvent>() else { return };
                let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
                let is_typed = target.is_some_and(|target| {
                    matches!(target.tag_name().as_str(), "INPUT" | "SELECT" | "TEXTAREA" | "DIALOG")
                });
                let is_plain = key.key() == "/" && !key.ctrl_key() && !key.meta_key() && !key.alt_key();
                let is_wanted = is_plain && !is_typed && device_store::character_keys();
                if let Some(field) = field.cast::<HtmlElement>().filter(|_| is_wanted) {
                    event.prevent_default();
                    let _ = field.focus();
                }
            },
        );
        move || drop(listener)
    });
}

fn lanes(library: &Library) -> Html {
    let Some(front) = browse::featured(&library.movies) else { return Html::default() };
    let others = || library.movies.iter().filter(|film| film.movie_id != front.movie_id);
    let films: Vec<&LibraryMovie> = library.movies.iter().filter(|film| !browse::is_event(film)).collect();
    let mut begun = browse::keep_watching(&library.movies);
    begun.retain(|film| film.movie_id != front.movie_id);
    let mut new: Vec<_> =
        others().filter(|film| !browse::is_begun(film) && !browse::is_event(film)).collect();
    browse::sort(&mut new, Order::Newest);
    let list = others().filter(|film| film.queued && !browse::is_begun(film) && !browse::is_event(film));
    let mine = match library.boxes {
        0 => String::new(),
        boxes => say::lane_list_on_boxes(boxes as f64),
    };
    let nothing = String::new;
    let events: Vec<&LibraryMovie> = others().filter(|film| browse::is_event(film)).collect();
    // What was begun, or put on the list, is an episode; elsewhere its series has one card.
    let each = |films: Vec<&LibraryMovie>| films.into_iter().take(LANE).map(Entry::from).collect::<Vec<_>>();
    let by_series = |films: &[&LibraryMovie]| browse::by_series(films, &library.movies, LANE);
    let fixed: [(&str, String, Vec<Entry>); 4] = [
        (say::lane_events(), nothing(), each(events)),
        (say::lane_begun(), nothing(), each(begun)),
        (say::lane_list(), mine, each(list.collect())),
        (say::lane_new(), nothing(), by_series(&new)),
    ];
    let genres = browse::genres(&films);
    let genres = genres.iter().map(|(genre, films)| (*genre, nothing(), by_series(films)));
    // A genre may be called as another lane is: what tells their cards apart is the lane's number.
    let lane = |(number, (name, note, films)): (usize, (&str, String, Vec<Entry>))| {
        html! { <Lane key={number} name={name.to_owned()} {note} {films} place={format!("lane-{number}")} /> }
    };
    html! {
        <>
            <section class="now-showing" aria-label={say::now_showing()}>
                <Billing film={front.clone()} />
            </section>
            { for fixed.into_iter().chain(genres).enumerate().map(lane) }
        </>
    }
}

/// Properties of [`Lane`].
#[derive(Properties, PartialEq)]
pub struct LaneProps {
    /// What the films have in common.
    pub name: AttrValue,
    /// What else there is to say of it.
    #[prop_or_default]
    pub note: AttrValue,
    /// What tells its cards from others of the same films on the page.
    #[prop_or_default]
    pub place: AttrValue,
    /// The films and series; without any there is no lane.
    pub films: Vec<Entry>,
}

/// A row of films, as wide as it needs to be.
#[function_component]
pub fn Lane(props: &LaneProps) -> Html {
    let LaneProps { name, note, place, films } = props;
    let row = use_node_ref();
    if films.is_empty() {
        return Html::default();
    }
    html! {
        <section class="row">
            <h2 dir="auto">{ name }</h2>
            if !note.is_empty() { <p class="facts">{ note }</p> }
            <div class="lane-frame">
                <div class="films lane" ref={row.clone()}>
                    { for films.iter().map(|entry| card(entry, place)) }
                </div>
                <LaneShift {row} count={films.len()} />
            </div>
        </section>
    }
}

fn card(entry: &Entry, place: &AttrValue) -> Html {
    let film = entry.film.clone();
    let key = film.movie_id.get();
    match entry.episodes {
        Some(episodes) => html! { <SeriesCard {key} {film} {episodes} /> },
        None => html! { <FilmCard {key} {film} place={place.clone()} /> },
    }
}
