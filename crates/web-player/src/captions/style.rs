//! How a viewer wants captions to look.

use std::fmt::{self, Display, Formatter};

use web_sys::HtmlElement;

nccp::named! {
    /// A colour of words or of their ground: the eight that viewers know from television (CEA-708).
    Colour {
        /// White.
        White = "white",
        /// Yellow.
        Yellow = "yellow",
        /// Green.
        Green = "green",
        /// Cyan.
        Cyan = "cyan",
        /// Blue.
        Blue = "blue",
        /// Magenta.
        Magenta = "magenta",
        /// Red.
        Red = "red",
        /// Black.
        Black = "black",
    }
}

nccp::named! {
    /// What sets letters off from the picture.
    Edge {
        /// Nothing.
        None = "none",
        /// A shadow to one side.
        Shadow = "shadow",
        /// As if they stood out.
        Raised = "raised",
        /// As if they were pressed in.
        Depressed = "depressed",
        /// A line around each.
        Outline = "outline",
    }
}

nccp::named! {
    /// A kind of letters.
    Font {
        /// Without serifs.
        Sans = "sans",
        /// With serifs.
        Serif = "serif",
        /// All equally wide.
        Mono = "mono",
        /// As if written by hand.
        Casual = "casual",
        /// Joined.
        Cursive = "cursive",
        /// Small capitals.
        SmallCaps = "small-caps",
    }
}

impl Colour {
    /// Red, green and blue. Blue, red and magenta are a little lighter than the pure ones, to be read on
    /// black.
    const fn rgb(self) -> &'static str {
        match self {
            Self::White => "255 255 255",
            Self::Yellow => "255 255 0",
            Self::Green => "0 255 0",
            Self::Cyan => "0 255 255",
            Self::Blue => "110 139 255",
            Self::Magenta => "255 92 255",
            Self::Red => "255 92 92",
            Self::Black => "0 0 0",
        }
    }
}

/// Sizes to choose from, in percent of the usual one.
pub const SIZES: [u16; 6] = [50, 75, 100, 125, 150, 200];
/// How opaque the ground can be, in percent.
pub const OPACITIES: [u16; 5] = [0, 25, 50, 75, 100];

/// How captions look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CaptionStyle {
    /// One of [`SIZES`].
    pub size: u16,
    /// Colour of the words; `None` leaves colours to the film: white, and what its cues have.
    pub words: Option<Colour>,
    /// Colour behind the words.
    pub ground: Colour,
    /// One of [`OPACITIES`].
    pub opacity: u16,
    /// What sets letters off.
    pub edge: Edge,
    /// The letters.
    pub font: Font,
}

impl Default for CaptionStyle {
    fn default() -> Self {
        Self {
            size: 100,
            words: None,
            ground: Colour::Black,
            opacity: 75,
            edge: Edge::None,
            font: Font::Sans,
        }
    }
}

/// In place of a colour: the film's.
const FILM: &str = "film";

impl Display for CaptionStyle {
    /// As it is kept: size, words, ground, opacity, edge and font, with spaces between.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let words = self.words.map_or(FILM, Colour::as_str);
        let (ground, edge, font) = (self.ground.as_str(), self.edge.as_str(), self.font.as_str());
        write!(f, "{} {words} {ground} {} {edge} {font}", self.size, self.opacity)
    }
}

impl CaptionStyle {
    /// Reads what was kept. `None`: nothing of the kind.
    pub fn parse(kept: &str) -> Option<Self> {
        let parts: Vec<&str> = kept.split(' ').collect();
        let [size, words, ground, opacity, edge, font] = parts[..] else { return None };
        let one_of = |all: &[u16], text: &str| text.parse().ok().filter(|number| all.contains(number));
        Some(Self {
            size: one_of(&SIZES, size)?,
            words: if words == FILM { None } else { Some(Colour::named(words)?) },
            ground: Colour::named(ground)?,
            opacity: one_of(&OPACITIES, opacity)?,
            edge: Edge::named(edge)?,
            font: Font::named(font)?,
        })
    }

    /// Has an element with cues in it look so: the properties `--cue-scale`, `--cue-words`, `--cue-ground`,
    /// `--cue-edge`, and the attributes `data-edge`, `data-font`, and `data-colours`, which is `film` or
    /// `viewer`.
    pub fn apply(&self, element: &HtmlElement) {
        let words = self.words.unwrap_or(Colour::White);
        // What sets letters off differs from them.
        let edge = if matches!(words, Colour::Black) { Colour::White } else { Colour::Black };
        let (size, opacity) = (f64::from(self.size) / 100.0, self.opacity);
        for (name, value) in [
            ("--cue-scale", size.to_string()),
            ("--cue-words", format!("rgb({})", words.rgb())),
            ("--cue-ground", format!("rgb({} / {opacity}%)", self.ground.rgb())),
            ("--cue-edge", format!("rgb({})", edge.rgb())),
        ] {
            let _ = element.style().set_property(name, &value);
        }
        let colours = if self.words.is_none() { FILM } else { "viewer" };
        for (name, value) in
            [("data-edge", self.edge.as_str()), ("data-font", self.font.as_str()), ("data-colours", colours)]
        {
            let _ = element.set_attribute(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_reads_as_it_was() {
        for &edge in Edge::ALL {
            for &font in Font::ALL {
                for words in Colour::ALL.iter().copied().map(Some).chain([None]) {
                    for (size, opacity) in SIZES.into_iter().zip(OPACITIES.into_iter().cycle()) {
                        let style = CaptionStyle { size, words, ground: Colour::Blue, opacity, edge, font };
                        assert_eq!(CaptionStyle::parse(&style.to_string()), Some(style));
                    }
                }
            }
        }
        assert_eq!(CaptionStyle::default().to_string(), "100 film black 75 none sans");
    }

    #[test]
    fn what_is_no_style_is_none() {
        for kept in [
            "",
            "100",
            "100 film black 75 none",
            "100 film black 75 none sans more",
            "101 film black 75 none sans",
            "100 pink black 75 none sans",
            "100 film film 75 none sans",
            "100 film black -1 none sans",
            "100 film black 75  sans",
        ] {
            assert_eq!(CaptionStyle::parse(kept), None, "{kept}");
        }
    }
}
