//! `[brand]`: what the site is called and looks like.

use super::setting;
use crate::Error;
use crate::palette::{BrandColours, Palette, Scheme};
use serde::Deserialize;
use std::path::PathBuf;

/// What the site is called where nobody says.
const NAME: &str = "Matinee";
/// Characters of a name at most: it stands in the header of a phone.
const LONGEST_NAME: usize = 40;
/// Characters under an icon.
const LONGEST_SHORT_NAME: usize = 16;
/// Characters of an address at most.
const LONGEST_SUPPORT: usize = 500;

/// The operator's name, pictures and colours.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Brand {
    /// What the site is called; default: Matinee.
    pub name: Option<String>,
    /// The same under an icon; default: the name.
    pub short_name: Option<String>,
    /// A file, SVG or PNG: in place of the name in the header.
    pub logo: Option<PathBuf>,
    /// A file, SVG or PNG, as wide as high: for tabs and home screens; default: the logo, where it is so.
    pub icon: Option<PathBuf>,
    /// Where viewers find help: `mailto:…` or `https://…`.
    pub support: Option<String>,
    /// Colours where the browser asks for dark ones, and the player's.
    pub dark: BrandColours,
    /// Colours where it asks for light ones.
    pub light: BrandColours,
}

impl Brand {
    /// What the site is called.
    pub fn name(&self) -> &str {
        self.name.as_deref().unwrap_or(NAME)
    }

    /// What stands under its icon.
    pub fn short_name(&self) -> &str {
        self.short_name.as_deref().unwrap_or_else(|| self.name())
    }

    /// The files that are named.
    pub(crate) fn pictures(&self) -> impl Iterator<Item = &PathBuf> {
        [&self.logo, &self.icon].into_iter().flatten()
    }

    /// Whether nothing is said.
    pub(crate) fn is_plain(&self) -> bool {
        *self == Self::default()
    }

    /// The colours that are named; `None` for a scheme that stays as it is.
    pub(crate) fn palettes(&self) -> Result<(Option<Palette>, Option<Palette>), Error> {
        let palette = |name, scheme, colours: &BrandColours| {
            if *colours == BrandColours::default() {
                return Ok(None);
            }
            Palette::new(scheme, colours).map(Some).map_err(|reason| Error::Setting { name, reason })
        };
        let dark = palette("brand.dark", Scheme::Dark, &self.dark)?;
        Ok((dark, palette("brand.light", Scheme::Light, &self.light)?))
    }

    /// All but the files.
    pub(super) fn check(&self) -> Result<(), Error> {
        let names = [
            ("brand.name", &self.name, LONGEST_NAME),
            ("brand.short_name", &self.short_name, LONGEST_SHORT_NAME),
        ];
        for (name, text, longest) in names {
            let Some(text) = text else { continue };
            let length = text.chars().count();
            if text.trim() != text || length == 0 || length > longest || text.chars().any(is_no_text) {
                let reason =
                    format!("must have 1 to {longest} characters, no spaces around it and no line breaks");
                return Err(Error::Setting { name, reason });
            }
        }
        if self.support.as_deref().is_some_and(|support| !is_support(support)) {
            let reason = "must be like mailto:help@example.org or https://example.org/help";
            return Err(setting("brand.support", reason));
        }
        self.palettes().map(drop)
    }
}

/// Control characters, and those that turn the direction of what follows.
fn is_no_text(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn is_support(text: &str) -> bool {
    let plain = text.len() <= LONGEST_SUPPORT
        && text.bytes().all(|b| b.is_ascii_graphic() && !b"\"'<>\\`".contains(&b));
    let leads = text
        .strip_prefix("https://")
        .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphanumeric()))
        || text.strip_prefix("mailto:").and_then(|rest| rest.split_once('@')).is_some_and(|(name, host)| {
            !name.is_empty() && host.starts_with(|c: char| c.is_ascii_alphanumeric())
        });
    plain && leads
}

#[cfg(test)]
mod tests {
    use crate::Config;

    #[test]
    fn a_brand_is_read() {
        let config = Config::parse(
            "[brand]\nname = \"Kino Süd\"\nsupport = \"mailto:help@example.org?subject=Kino\"\n\
             [brand.dark]\naccent = \"#7fd1ff\"\n",
        )
        .unwrap();
        assert_eq!((config.brand.name(), config.brand.short_name()), ("Kino Süd", "Kino Süd"));
        let (dark, light) = config.brand.palettes().unwrap();
        assert!(dark.is_some() && light.is_none());
        let plain = Config::parse("").unwrap().brand;
        assert!(plain.is_plain() && plain.name() == "Matinee");
    }

    #[test]
    fn what_cannot_be_is_said_in_words() {
        for (text, word) in [
            ("name = \"\"", "brand.name"),
            ("name = \" a\"", "brand.name"),
            ("name = \"a\\nb\"", "brand.name"),
            ("name = \"a\\u202eb\"", "brand.name"),
            ("name = \"12345678901234567890123456789012345678901\"", "1 to 40"),
            ("short_name = \"12345678901234567\"", "brand.short_name"),
            ("support = \"javascript:alert(1)\"", "brand.support"),
            ("support = \"http://example.org\"", "brand.support"),
            ("support = \"mailto:nobody\"", "brand.support"),
            ("support = \"https://a\\\"b\"", "brand.support"),
            ("colour = \"#fff\"", "colour"),
            ("[brand.dark]\naccent = \"red\"", "expected a colour like"),
            ("[brand.dark]\naccent = \"#804040\"", "brand.dark: accent (#804040) on background"),
            ("[brand.light]\ntext = \"#bbb\"", "brand.light: text (#bbbbbb) on background"),
        ] {
            let error = Config::parse(&format!("[brand]\n{text}")).unwrap_err().to_string();
            assert!(error.contains(word) && !error.contains('\n'), "{text}: {error}");
        }
    }
}
