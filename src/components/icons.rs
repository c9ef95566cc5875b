//! Icons, drawn on a grid of 24.

use yew::prelude::*;

fn icon(path: &'static str) -> Html {
    html! {
        <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false"><path d={path} /></svg>
    }
}

/// The same around the ten seconds that a skip is.
fn ten(path: &'static str) -> Html {
    html! {
        <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
            <path d={path} /><text x="12" y="15.8" text-anchor="middle">{ "10" }</text>
        </svg>
    }
}

/// Ten seconds back.
pub fn back() -> Html {
    ten("M12 5V1.8L6.8 6.2 12 10.6V7a6 6 0 1 1-6 6H4a8 8 0 1 0 8-8z")
}

/// Ten seconds on.
pub fn forward() -> Html {
    ten("M12 5V1.8l5.2 4.4-5.2 4.4V7a6 6 0 1 0 6 6h2a8 8 0 1 1-8-8z")
}

macro_rules! icons {
    ($($(#[$doc:meta])* $name:ident $path:literal;)*) => {
        $($(#[$doc])* pub fn $name() -> Html { icon($path) })*
    };
}

icons! {
    /// A triangle.
    play "M7 4.5v15l12.5-7.5z";
    /// Two bars.
    pause "M6.5 4.5h4v15h-4zM13.5 4.5h4v15h-4z";
    /// A loudspeaker that sounds.
    sound "M4 9.2v5.6h3.6L12.4 19V5L7.6 9.2zM15 8.2v7.6a4.3 4.3 0 0 0 0-7.6zM15 4.1v2.1a6 6 0 0 1 0 11.6v2.1a8 8 0 0 0 0-15.8z";
    /// A loudspeaker that does not.
    silence "M4 9.2v5.6h3.6L12.4 19V5L7.6 9.2zM21.4 9.4 20 8l-2.6 2.6L14.8 8l-1.4 1.4L16 12l-2.6 2.6 1.4 1.4 2.6-2.6L20 16l1.4-1.4L18.8 12z";
    /// Four corners outwards.
    expand "M4 9.5V4h5.5v2H6v3.5zM14.5 4H20v5.5h-2V6h-3.5zM18 14.5h2V20h-5.5v-2H18zM4 14.5h2V18h3.5v2H4z";
    /// Four corners inwards.
    shrink "M9.5 4v5.5H4v-2h3.5V4zM14.5 4h2v3.5H20v2h-5.5zM14.5 14.5H20v2h-3.5V20h-2zM4 14.5h5.5V20h-2v-3.5H4z";
    /// Round again, from the beginning: a triangle in an arrow that closes a circle.
    again "M12 4V1l4.6 3.9L12 8.8V6a7 7 0 1 0 7 7h2a9 9 0 1 1-9-9zM9.8 9.3v7.4l6-3.7z";
    /// A cogwheel.
    gear "M10.3 2.5h3.4l.5 2.6 1.7.7 2.2-1.5 2.4 2.4-1.5 2.2.7 1.7 2.6.5v3.4l-2.6.5-.7 1.7 1.5 2.2-2.4 2.4-2.2-1.5-1.7.7-.5 2.6h-3.4l-.5-2.6-1.7-.7-2.2 1.5-2.4-2.4 1.5-2.2-.7-1.7-2.6-.5v-3.4l2.6-.5.7-1.7-1.5-2.2 2.4-2.4 2.2 1.5 1.7-.7zM12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6z";
    /// A line of text on a screen.
    captions "M3 5h18v14H3zm2 2v10h14V7zm2 4.2h6V13H7zm8 0h2V13h-2zM7 14.4h2v1.8H7zm4 0h6v1.8h-6z";
    /// A small screen on a large one.
    inset "M3 5h18v14H3zm2 2v10h14V7zm6 5h7v4h-7z";
    /// A keyboard.
    keys "M3 6h18v12H3zm2 2v8h14V8zm1.5 1.5h2v2h-2zm3.5 0h2v2h-2zm3.5 0h2v2h-2zm3.5 0h1.5v2H17zM8 13h8v1.8H8z";
    /// Lines with what they are called before them.
    list "M4 5h2.2v2.2H4zM8.5 5H20v2.2H8.5zM4 10.9h2.2v2.2H4zM8.5 10.9H20v2.2H8.5zM4 16.8h2.2V19H4zM8.5 16.8H20V19H8.5z";
    /// A triangle before a bar.
    next "M5.5 4.5v15l10-7.5zM16.5 4.5h2.5v15h-2.5z";
    /// A wide screen.
    theatre "M2.5 6h19v12h-19zm2 2v8h15V8z";
    /// A thumb up.
    thumb_up "M2.5 10.5h4V21h-4zM8 20.5V10.6L12.6 3c1.3.1 2.1 1.1 1.9 2.4L13.9 9.5H19a2 2 0 0 1 2 2.4l-1.4 7a2 2 0 0 1-2 1.6z";
    /// A thumb down.
    thumb_down "M21.5 13.5h-4V3h4zM16 3.5v9.9L11.4 21c-1.3-.1-2.1-1.1-1.9-2.4l.6-4.1H5a2 2 0 0 1-2-2.4l1.4-7a2 2 0 0 1 2-1.6z";
    /// A plus.
    plus "M11 4.5h2V11h6.5v2H13v6.5h-2V13H4.5v-2H11z";
    /// A tick.
    tick "M9.6 18.2 3.9 12.5l1.5-1.5 4.2 4.2 9-9 1.5 1.5z";
    /// A window of a browser.
    browser "M3 5h18v14H3zm2 4v8h14V9zm0.8-2.6v1.2H7V6.4zm2.4 0v1.2h1.2V6.4z";
    /// A television set.
    television "M3 4.5h18v12.5H3zm2 2V15h14V6.5zM8 18.5h8v2H8z";
    /// A corner to the right.
    chevron "M9 3.6 17.4 12 9 20.4l-1.5-1.5L14.4 12 7.5 5.1z";
    /// An arrow to the left.
    leave "M10.6 5.4 12 6.8 7.8 11H20v2H7.8l4.2 4.2-1.4 1.4L4 12z";
}
