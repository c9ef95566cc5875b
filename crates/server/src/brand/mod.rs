//! The operator's name, pictures and colours, and how they get into the site's pages.
//!
//! The pages are built once, for everybody, as they are without a brand. Where there is one, the server
//! writes it into copies of them when it starts; each page still is the same for all who ask.

mod dress;
mod picture;

pub(crate) use dress::Dress;

use crate::config::Brand;
use crate::palette::Palette;
use crate::{Config, Error};
use picture::Picture;

/// A brand with its files.
#[derive(Debug)]
pub(crate) struct Look<'a> {
    brand: &'a Brand,
    logo: Option<Picture>,
    /// As wide as high.
    icon: Option<Picture>,
    dark: Option<Palette>,
    light: Option<Palette>,
}

impl<'a> Look<'a> {
    /// Reads the files of a brand; `None` where the operator says nothing.
    ///
    /// # Errors
    /// [`Error::Setting`], [`Error::Io`].
    pub(crate) fn load(config: &'a Config) -> Result<Option<Self>, Error> {
        let brand = &config.brand;
        if brand.is_plain() {
            return Ok(None);
        }
        let logo = brand.logo.as_deref().map(|path| Picture::open("brand.logo", path)).transpose()?;
        let icon = brand.icon.as_deref().map(|path| Picture::open("brand.icon", path)).transpose()?;
        if icon.as_ref().is_some_and(|icon| !icon.is_square()) {
            let reason =
                "the picture must be as wide as high (an SVG says so by width and height, or viewBox)";
            return Err(Error::Setting { name: "brand.icon", reason: reason.to_owned() });
        }
        let icon = icon.or_else(|| logo.clone().filter(Picture::is_square));
        let (dark, light) = brand.palettes()?;
        Ok(Some(Self { brand, logo, icon, dark, light }))
    }

    /// What is probably not meant so.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        let has_own = self.brand.name.is_some() || self.logo.is_some();
        if has_own && self.icon.is_none() {
            warnings.push(
                "brand: there is no icon, and the logo is not as wide as high: tabs and home screens show Matinee's \
                 (brand.icon)"
                    .to_owned(),
            );
        }
        if self.icon.as_ref().is_some_and(|icon| !icon.is_png()) {
            warnings.push(
                "brand.icon: the home screens of iPhones and iPads take PNG alone; a PNG of 512 × 512 pixels works everywhere"
                    .to_owned(),
            );
        }
        warnings
    }
}
