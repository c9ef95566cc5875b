//! Captions over the picture, and the choice of how they look.

use crate::around::{Around, AroundProps, label, one, place, rendered, until};
use gloo::utils::document;
use matinee::components::CaptionSettings;
use std::cell::RefCell;
use std::rc::Rc;
use wasm_bindgen::JsCast;
use wasm_bindgen_test::wasm_bindgen_test;
use web_player::captions::{CaptionStyle, Colour, Edge, Font, Layer};
use web_player::device_store;
use web_sys::{
    AlignSetting, DirectionSetting, DomRect, Element, Event, EventInit, HtmlElement, HtmlSelectElement,
    HtmlVideoElement, VttCue,
};
use yew::prelude::*;

/// A player's stage of 800 by 450 with the site's style sheet, until it is dropped.
struct Stage {
    around: Element,
    cues: HtmlElement,
    layer: Layer,
}

impl Stage {
    fn new() -> Self {
        let around = place();
        let make = |name: &str, class: &str| {
            let element: HtmlElement = document().create_element(name).unwrap().unchecked_into();
            element.set_class_name(class);
            element
        };
        let sheet = make("style", "");
        sheet.set_text_content(Some(include_str!("../../www/player.css")));
        around.append_child(&sheet).unwrap();
        let stage = make("div", "stage");
        for (name, value) in [("inset", "0 auto auto 0"), ("width", "800px"), ("height", "450px")] {
            stage.style().set_property(name, value).unwrap();
        }
        let video: HtmlVideoElement = make("video", "").unchecked_into();
        let cues = make("div", "cues");
        stage.append_child(&video).unwrap();
        stage.append_child(&cues).unwrap();
        around.append_child(&stage).unwrap();
        let layer = Layer::new(video, cues.clone());
        layer.style(&CaptionStyle::default());
        Self { around, cues, layer }
    }

    fn draw(&self, cues: &[&VttCue]) {
        self.layer.draw(cues.iter().map(|cue| (*cue).clone()).collect(), "en");
    }

    /// The words of the cue that has these, and where they are.
    fn cue(&self, words: &str) -> (Element, DomRect) {
        let found = self.cues.query_selector_all(".cue > span").unwrap();
        let span = (0..found.length())
            .map(|n| found.item(n).unwrap().unchecked_into::<Element>())
            .find(|span| span.text_content().unwrap().contains(words));
        let span = span.unwrap_or_else(|| panic!("no {words} in {}", self.cues.inner_html()));
        let rect = span.parent_element().unwrap().get_bounding_client_rect();
        (span, rect)
    }

    fn at(&self, words: &str) -> DomRect {
        self.cue(words).1
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.around.remove();
    }
}

fn cue(text: &str) -> VttCue {
    VttCue::new(0.0, 10.0, text).unwrap()
}

fn middle(rect: &DomRect) -> f64 {
    (rect.left() + rect.right()) / 2.0
}

/// A property as it comes to be.
fn computed(element: &Element, name: &str) -> String {
    let style = gloo::utils::window().get_computed_style(element).unwrap().unwrap();
    style.get_property_value(name).unwrap()
}

#[wasm_bindgen_test]
fn cues_stand_where_they_say_and_apart() {
    let stage = Stage::new();
    let (below, also, above, corner) = (cue("below"), cue("also"), cue("above"), cue("corner"));
    above.set_line_f64(0.0);
    corner.set_snap_to_lines(false);
    corner.set_line_f64(50.0);
    corner.set_position_f64(10.0);
    corner.set_align(AlignSetting::Start);
    stage.draw(&[&below, &also, &above, &corner]);
    let first = stage.at("below");
    assert!((middle(&first) - 400.0).abs() < 1.0, "{}", middle(&first));
    assert!(first.bottom() <= 450.0 && first.bottom() > 420.0, "{}", first.bottom());
    assert!(stage.at("also").bottom() <= first.top() + 0.1);
    assert!(stage.at("above").top() < 40.0);
    let rect = stage.at("corner");
    assert!((rect.left() - 80.0).abs() < 1.0 && (rect.top() - 225.0).abs() < 1.0);
    assert!((rect.height() - 450.0 * 0.05 * 1.35).abs() < 1.0, "one line: {}", rect.height());

    // What goes leaves the others where they are.
    stage.draw(&[&also, &corner]);
    assert!((stage.at("also").bottom() - first.top()).abs() < 1.0);
    assert_eq!(stage.cues.query_selector_all(".cue").unwrap().length(), 2);

    let down = cue("down");
    down.set_vertical(DirectionSetting::Rl);
    down.set_line_f64(0.0);
    stage.draw(&[&down]);
    let rect = stage.at("down");
    assert!(rect.right() > 760.0 && rect.height() > rect.width(), "{} {}", rect.right(), rect.width());
    stage.draw(&[]);
    assert_eq!(stage.cues.child_element_count(), 0);
}

/// Text that runs from right to left begins at the right, whatever the page does.
#[wasm_bindgen_test]
fn cues_begin_where_their_text_does() {
    let stage = Stage::new();
    let (arabic, english) = (cue("مساء الخير"), cue("good evening"));
    for cue in [&arabic, &english] {
        cue.set_align(AlignSetting::Start);
        cue.set_position_f64(50.0);
    }
    stage.draw(&[&arabic, &english]);
    let (right, left) = (stage.at("مساء"), stage.at("good"));
    assert!((right.right() - 400.0).abs() < 1.0 && (left.left() - 400.0).abs() < 1.0);
    assert!((right.top() - left.top()).abs() < 1.0, "side by side");
}

/// A cue that is shown stays clear of what its layer leaves out: the controls.
#[wasm_bindgen_test]
async fn cues_keep_clear_of_the_controls() {
    let stage = Stage::new();
    let below = cue("below");
    stage.draw(&[&below]);
    assert!(stage.at("below").bottom() > 420.0);
    let controls = document().create_element("div").unwrap();
    controls.set_class_name("controls");
    let parent = stage.cues.parent_element().unwrap();
    parent.append_child(&controls).unwrap();
    until(|| stage.at("below").bottom() <= 450.0 - 88.0).await;
    controls.set_class_name("controls idle");
    until(|| stage.at("below").bottom() > 420.0).await;
}

/// What WebVTT has is drawn; other classes do not reach the page.
#[wasm_bindgen_test]
fn cues_have_their_elements_and_colours() {
    let stage = Stage::new();
    let text = "<v Ada>One <b>two</b> <i>three</i> <u>four</u> <c.yellow.bg_blue.stage>five</c> \
                <ruby>six<rt>seven</rt></ruby> <lang fr>huit</lang> <img src=x> &lt;nine&gt;";
    let rich = cue(text);
    stage.draw(&[&rich]);
    let (span, _) = stage.cue("One");
    for (selector, words) in [
        ("b", "two"),
        ("i", "three"),
        ("u", "four"),
        (".cue-yellow.cue-bg_blue", "five"),
        ("ruby > rt", "seven"),
        ("[lang=fr]", "huit"),
    ] {
        assert_eq!(one(&span, selector).text_content().unwrap(), words);
    }
    assert!(span.query_selector("img, .stage, [style]").unwrap().is_none(), "{}", span.inner_html());
    assert!(span.text_content().unwrap().ends_with("<nine>"));
    let five: Element = one(&span, ".cue-yellow").into();
    assert_eq!(computed(&five, "color"), "rgb(255, 255, 0)");

    // Who speaks is said where it is more than one.
    assert!(!stage.cues.has_attribute("data-voices"));
    let other = cue("<v Grace>ten");
    stage.draw(&[&rich, &other]);
    assert!(stage.cues.has_attribute("data-voices"));
    stage.draw(&[&other]);
    assert!(!stage.cues.has_attribute("data-voices"));
}

#[wasm_bindgen_test]
fn cues_look_as_the_viewer_wants() {
    let stage = Stage::new();
    let one_line = cue("<c.lime>words</c>");
    stage.draw(&[&one_line]);
    let before = stage.at("words").height();
    stage.layer.style(&CaptionStyle {
        size: 200,
        words: Some(Colour::Black),
        ground: Colour::White,
        opacity: 50,
        edge: Edge::Outline,
        font: Font::Mono,
    });
    let (span, rect) = stage.cue("words");
    assert!((rect.height() - 2.0 * before).abs() < 1.0);
    assert!(rect.bottom() <= 450.0, "placed anew");
    assert_eq!(computed(&span, "background-color"), "rgba(255, 255, 255, 0.5)");
    let green: Element = one(&span, ".cue-lime").into();
    assert_eq!(computed(&green, "color"), "rgb(0, 0, 0)", "the viewer's colour, not the film's");
    assert!(computed(&span, "text-shadow").contains("rgb(255, 255, 255)"));
    assert!(computed(&span, "font-family").contains("monospace"));
}

#[wasm_bindgen_test]
fn looks_are_kept_for_each_account() {
    let style = CaptionStyle { size: 150, edge: Edge::Shadow, ..CaptionStyle::default() };
    device_store::save_caption_style("ada", &style.to_string());
    let kept = |account| device_store::caption_style(account).and_then(|kept| CaptionStyle::parse(&kept));
    assert_eq!(kept("ada"), Some(style));
    assert_eq!(kept("grace"), None);
}

#[derive(Properties, PartialEq)]
struct HolderProps {
    told: Callback<Option<CaptionStyle>>,
}

/// The dialog, and what has been chosen in it.
#[function_component]
fn Holder(props: &HolderProps) -> Html {
    let style = use_state(|| Some(CaptionStyle::default()));
    let on_style = {
        let (setter, told) = (style.setter(), props.told.clone());
        Callback::from(move |style: Option<CaptionStyle>| {
            told.emit(style);
            setter.set(style);
        })
    };
    html! { <CaptionSettings style={*style} {on_style} /> }
}

#[wasm_bindgen_test]
async fn looks_are_chosen_with_a_preview_and_reset() {
    let (opener, root) = (place(), place());
    opener.set_inner_html("<button type=button>Settings</button>");
    one(&opener, "button").focus().unwrap();
    let chosen = Rc::new(RefCell::new(Vec::new()));
    let told = {
        let chosen = Rc::clone(&chosen);
        Callback::from(move |style: Option<CaptionStyle>| chosen.borrow_mut().push(style))
    };
    let children = html! { <Holder {told} /> };
    let app = yew::Renderer::<Around>::with_root_and_props(root.clone(), AroundProps { children }).render();
    rendered().await;
    until(|| root.query_selector("dialog[open]").unwrap().is_some()).await;
    let focused = document().active_element().unwrap();
    assert!(focused.closest("dialog:modal").unwrap().is_some(), "the keyboard is in the dialog");
    assert_eq!(focused.tag_name(), "SELECT", "in its first field");
    let selects = || {
        let found = root.query_selector_all("select").unwrap();
        (0..found.length())
            .map(|n| found.item(n).unwrap().unchecked_into::<HtmlSelectElement>())
            .collect::<Vec<_>>()
    };
    let values = || selects().iter().map(HtmlSelectElement::value).collect::<Vec<_>>();
    let usual = ["100", "", "black", "75", "none", "sans"];
    assert_eq!(values(), usual);
    for (n, value) in ["200", "yellow", "blue", "25", "raised", "serif"].into_iter().enumerate() {
        let select = selects().swap_remove(n);
        assert!(
            label(&select)
                .starts_with(["Size", "Text", "Background", "Opacity of the background", "Edge", "Font"][n])
        );
        select.set_value(value);
        let init = EventInit::new();
        init.set_bubbles(true);
        select.dispatch_event(&Event::new_with_event_init_dict("change", &init).unwrap()).unwrap();
        rendered().await;
    }
    let all = CaptionStyle {
        size: 200,
        words: Some(Colour::Yellow),
        ground: Colour::Blue,
        opacity: 25,
        edge: Edge::Raised,
        font: Font::Serif,
    };
    assert_eq!(chosen.borrow().last(), Some(&Some(all)));
    let preview = one(&root, ".caption-preview");
    until(|| preview.get_attribute("data-font").as_deref() == Some("serif")).await;
    assert_eq!(preview.style().get_property_value("--cue-scale").unwrap(), "2");
    one(&root, "button[type=button]").click();
    rendered().await;
    assert_eq!(chosen.borrow().last(), Some(&Some(CaptionStyle::default())));
    assert_eq!(values(), usual);
    one(&root, "form button:not([type])").click();
    until(|| chosen.borrow().last() == Some(&None)).await;
    let back = one(&opener, "button");
    assert!(document().active_element().unwrap().is_same_node(Some(&back)), "where it was before");
    app.destroy();
    opener.remove();
}
