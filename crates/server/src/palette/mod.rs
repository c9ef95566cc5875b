//! The site's colours in one scheme: those that the operator names, the rest by them, and whether they can be
//! read.

mod colour;

pub use colour::Colour;

use serde::Deserialize;
use std::fmt::Write as _;

/// Text: WCAG 2.2, success criterion 1.4.3.
const TEXT: f64 = 4.5;
/// Large text, and what is no text but has to be seen: 1.4.3 and 1.4.11.
const SEEN: f64 = 3.0;
/// The player's menus, which are dark in both schemes.
const MENU: Colour = Colour::new(0x1c_0d13);
/// How much of the curtain's colour lies over the background at the top of a page.
const GLOW: f64 = 0.26;

/// Colours that an operator names for one scheme; what is left out follows from the others, or is the site's
/// own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BrandColours {
    /// The name, buttons, links that are on, the played part of a film.
    pub accent: Option<Colour>,
    /// Text on a button. Default: black or white.
    pub on_accent: Option<Colour>,
    /// The page.
    pub background: Option<Colour>,
    /// Cards and fields on the page.
    pub surface: Option<Colour>,
    /// Text.
    pub text: Option<Colour>,
    /// Text that stands back.
    pub muted: Option<Colour>,
    /// The curtain of the login page, the light from above, grounds of pictures. Default: the accent, darker.
    pub curtain: Option<Colour>,
}

/// One of the two sets of colours that a browser asks for (`prefers-color-scheme`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    Dark,
    Light,
}

/// All colours of a scheme.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Palette {
    scheme: Scheme,
    accent: Colour,
    on_accent: Colour,
    pub(crate) background: Colour,
    surface: Colour,
    text: Colour,
    muted: Colour,
    curtain: Colour,
}

impl Palette {
    /// The site's own, as `www/app.css` has it.
    pub(crate) const fn of_site(scheme: Scheme) -> Self {
        match scheme {
            Scheme::Dark => Self {
                scheme,
                accent: Colour::new(0xee_c27c),
                on_accent: Colour::new(0x2a_1608),
                background: Colour::new(0x15_0a0e),
                surface: Colour::new(0x22_121a),
                text: Colour::new(0xf7_ecdc),
                muted: Colour::new(0xc9_b3a7),
                curtain: Colour::new(0x8c_1a30),
            },
            Scheme::Light => Self {
                scheme,
                accent: Colour::new(0x8c_1a30),
                on_accent: Colour::new(0xff_f6e6),
                background: Colour::new(0xf5_ecdd),
                surface: Colour::new(0xff_faf0),
                text: Colour::new(0x2a_1419),
                muted: Colour::new(0x5f_453e),
                curtain: Colour::new(0x8c_1a30),
            },
        }
    }

    /// What the operator names, and what follows from it.
    ///
    /// # Errors
    /// The first pair that cannot be told apart well enough.
    pub(crate) fn new(scheme: Scheme, named: &BrandColours) -> Result<Self, String> {
        let own = Self::of_site(scheme);
        let accent = named.accent.unwrap_or(own.accent);
        let background = named.background.unwrap_or(own.background);
        let text = named.text.unwrap_or(own.text);
        let is_repainted = named.background.or(named.text).is_some();
        let surface = match (named.surface, is_repainted) {
            (Some(surface), _) => surface,
            (None, true) => background.mix(text, 0.06),
            (None, false) => own.surface,
        };
        let curtain = match (named.curtain, named.accent) {
            (Some(curtain), _) => curtain,
            (None, Some(accent)) => accent.mix(Colour::BLACK, 0.45),
            (None, None) => own.curtain,
        };
        let muted = match (named.muted, is_repainted || named.surface.is_some()) {
            (Some(muted), _) => muted,
            (None, true) => {
                let grounds = [background, surface, background.mix(curtain, GLOW)];
                text.mix(background, 0.25).until(text, &grounds, TEXT)
            }
            (None, false) => own.muted,
        };
        let on_accent = match (named.on_accent, named.accent) {
            (Some(on_accent), _) => on_accent,
            (None, Some(accent)) => accent.opposite(),
            (None, None) => own.on_accent,
        };
        let palette = Self { scheme, accent, on_accent, background, surface, text, muted, curtain };
        palette.check().map(|()| palette)
    }

    fn check(&self) -> Result<(), String> {
        let glow = self.background.mix(self.curtain, GLOW);
        let lit = "background where the curtain's light falls on it";
        let mut pairs = vec![
            ("text", self.text, "background", self.background, TEXT),
            ("text", self.text, "surface", self.surface, TEXT),
            ("text", self.text, lit, glow, TEXT),
            ("muted", self.muted, "background", self.background, TEXT),
            ("muted", self.muted, "surface", self.surface, TEXT),
            ("muted", self.muted, lit, glow, TEXT),
            ("accent", self.accent, "background", self.background, TEXT),
            ("accent", self.accent, "surface", self.surface, TEXT),
            ("accent", self.accent, lit, glow, SEEN),
            ("on_accent", self.on_accent, "accent", self.accent, TEXT),
        ];
        if self.scheme == Scheme::Dark {
            pairs.push(("accent", self.accent, "the player's menus", MENU, TEXT));
            pairs.push(("accent", self.accent, "the curtain's shade", self.shade(), SEEN));
        }
        for (front, colour, behind, ground, wanted) in pairs {
            let found = colour.contrast(ground);
            if found < wanted {
                // Rounded down: a ratio that is missed must not read as one that is met.
                let found = (found * 100.0).floor() / 100.0;
                return Err(format!(
                    "{front} ({colour}) on {behind} ({ground}) has a contrast of {found:.2}:1, and WCAG 2.2 AA asks for {wanted}:1"
                ));
            }
        }
        Ok(())
    }

    /// The curtain where it lies in the dark.
    fn shade(&self) -> Colour {
        self.curtain.mix(Colour::BLACK, 0.45)
    }

    /// Custom properties of the pages (`www/app.css`).
    fn page(&self, out: &mut String) {
        let grounds = [self.background, self.surface];
        let seen = |share| self.surface.mix(self.text, share).until(self.text, &grounds, SEEN);
        let alarm = match self.scheme {
            Scheme::Dark => (Colour::new(0xff_b4a6), Colour::new(0xff_9c8a)),
            Scheme::Light => (Colour::new(0x9c_1f12), Colour::new(0x9c_1f12)),
        };
        let read = |colour: Colour| colour.until(self.text, &grounds, TEXT);
        declare(
            out,
            &[
                ("house", self.background),
                ("velvet", self.curtain),
                ("velvet-deep", self.shade()),
                ("field-line", seen(0.4)),
                ("alarm", read(alarm.0)),
                ("danger", read(alarm.1)),
            ],
        );
        self.shared(out);
    }

    /// Those that the player has of its own (`www/player.css`), because it is dark in both schemes.
    fn shared(&self, out: &mut String) {
        declare(
            out,
            &[
                ("panel", self.surface),
                ("panel-raised", self.surface),
                ("line", self.surface.mix(self.text, 0.22)),
                ("text", self.text),
                ("text-soft", self.muted),
                ("brass", self.accent),
                ("brass-deep", self.accent),
                ("on-brass", self.on_accent),
                ("focus", self.accent),
            ],
        );
    }

    /// What lies over pictures, and the curtain: the same in both schemes.
    fn over_pictures(&self, out: &mut String) {
        let curtain = |share| self.curtain.mix(Colour::BLACK, share);
        let bright = self.accent.mix(Colour::WHITE, 0.2);
        declare(
            out,
            &[
                ("over", self.accent),
                ("over-bright", bright),
                ("over-warm", bright),
                ("on-over", bright.opposite()),
                ("rail", self.accent),
                ("curtain-top", self.curtain.mix(Colour::WHITE, 0.1)),
                ("curtain-middle", curtain(0.25)),
                ("curtain-low", curtain(0.6)),
                ("curtain-floor", curtain(0.75)),
                ("pelmet", curtain(0.15)),
                ("pelmet-deep", self.shade()),
                ("curtain-call", self.shade()),
                ("curtain-call-low", curtain(0.8)),
            ],
        );
    }
}

fn declare(out: &mut String, colours: &[(&str, Colour)]) {
    for (name, colour) in colours {
        let _ = write!(out, "--{name}:{colour};");
    }
}

/// The style that puts the operator's colours over the site's own, to be loaded behind `app.css` and
/// `player.css`.
pub(crate) fn style(dark: Option<&Palette>, light: Option<&Palette>) -> String {
    let mut css = String::new();
    if let Some(dark) = dark {
        css += ":root{";
        dark.over_pictures(&mut css);
        css += "}\n@media (prefers-color-scheme: dark){:root{";
        dark.page(&mut css);
        css += "}}\n.stage{";
        dark.shared(&mut css);
        css += "}\n";
    }
    if let Some(light) = light {
        css += "@media (prefers-color-scheme: light){:root{";
        light.page(&mut css);
        css += "}}\n";
    }
    css
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn colours(text: &str) -> BrandColours {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn the_sites_own_colours_can_be_read_and_are_those_of_its_style() {
        let css = include_str!("../../../../www/app.css");
        for scheme in [Scheme::Dark, Scheme::Light] {
            let own = Palette::new(scheme, &BrandColours::default()).unwrap();
            assert_eq!(own, Palette::of_site(scheme));
            for (name, colour) in [
                ("house", own.background),
                ("panel", own.surface),
                ("text", own.text),
                ("text-soft", own.muted),
                ("brass", own.accent),
                ("on-brass", own.on_accent),
                ("velvet", own.curtain),
            ] {
                assert!(css.contains(&format!("  --{name}: {colour};")), "{scheme:?}: {name}");
            }
        }
    }

    /// Each property that is set is one that the styles use.
    #[test]
    fn what_is_declared_is_used() {
        let styles =
            [include_str!("../../../../www/app.css"), include_str!("../../../../www/player.css")].concat();
        let dark = Palette::of_site(Scheme::Dark);
        let css = style(Some(&dark), Some(&Palette::of_site(Scheme::Light)));
        assert_eq!(css.matches('{').count(), css.matches('}').count());
        for name in css.split("--").skip(1).filter_map(|rest| rest.split_once(':')).map(|(name, _)| name) {
            assert!(styles.contains(&format!("var(--{name})")), "{name}");
        }
        assert!(style(None, None).is_empty());
    }

    #[test]
    fn a_pair_that_cannot_be_read_is_named() {
        for (scheme, text, pair) in [
            (Scheme::Dark, "accent = \"#804040\"", "accent (#804040) on background"),
            (
                Scheme::Dark,
                "background = \"#222\"\ntext = \"#777\"",
                "text (#777777) on background (#222222)",
            ),
            (Scheme::Dark, "accent = \"#ffcc00\"\non_accent = \"#fff\"", "on_accent (#ffffff) on accent"),
            (Scheme::Dark, "muted = \"#555\"", "muted (#555555) on background"),
            (
                Scheme::Dark,
                "background = \"#fff\"\ntext = \"#000\"\naccent = \"#003366\"",
                "on the player's menus",
            ),
            (Scheme::Light, "accent = \"#ffcc00\"", "accent (#ffcc00) on background (#f5ecdd)"),
            (Scheme::Light, "surface = \"#444\"", "text (#2a1419) on surface (#444444)"),
            (
                Scheme::Light,
                "curtain = \"#000\"\nbackground = \"#fff\"\nsurface = \"#fff\"\nmuted = \"#707070\"",
                "curtain's light",
            ),
        ] {
            let error = Palette::new(scheme, &colours(text)).unwrap_err();
            assert!(error.contains(pair) && error.contains(":1, and WCAG 2.2 AA"), "{text}: {error}");
        }
    }

    #[test]
    fn what_is_left_out_follows() {
        let teal = Palette::new(Scheme::Dark, &colours("accent = \"#3ad6c0\"")).unwrap();
        assert_eq!(teal.on_accent, Colour::BLACK);
        assert_eq!(teal.background, Palette::of_site(Scheme::Dark).background);
        assert_ne!(teal.curtain, Palette::of_site(Scheme::Dark).curtain);
        let night = "background = \"#0b1020\"\ntext = \"#e8ecf8\"\naccent = \"#7aa2ff\"";
        let night = Palette::new(Scheme::Dark, &colours(night)).unwrap();
        let css = style(Some(&night), None);
        assert!(css.contains("--house:#0b1020;") && css.contains(".stage{--panel:"), "{css}");
        assert!(!css.contains("light"), "{css}");
    }

    proptest! {
        /// Whatever is accepted, its borders and alarms can be seen, too.
        #[test]
        fn what_follows_can_be_told_apart(accent in 0u32..0x0100_0000, background in 0u32..0x0100_0000) {
            for scheme in [Scheme::Dark, Scheme::Light] {
                let named = BrandColours {
                    accent: Some(Colour::new(accent)),
                    background: Some(Colour::new(background)),
                    text: Some(Colour::new(background).opposite()),
                    ..BrandColours::default()
                };
                let Ok(palette) = Palette::new(scheme, &named) else { continue };
                let mut css = String::new();
                palette.page(&mut css);
                let value = |name: &str| -> Colour {
                    let (_, rest) = css.split_once(&format!("--{name}:")).unwrap();
                    rest[..7].parse().unwrap()
                };
                for ground in ["house", "panel"] {
                    prop_assert!(value("field-line").contrast(value(ground)) >= SEEN);
                    prop_assert!(value("alarm").contrast(value(ground)) >= TEXT);
                    prop_assert!(value("text-soft").contrast(value(ground)) >= TEXT);
                }
            }
        }
    }
}
