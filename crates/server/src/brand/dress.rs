//! The brand in copies of the site's pages and web manifests.

use super::{Look, Picture};
use crate::palette::{Palette, Scheme, style};
use crate::secret::sha256;
use crate::site::{Asset, Site};
use axum::body::Bytes;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::fmt::Write as _;

/// The name in the pages as they are built.
const NAME: &str = "Matinee";
/// Around the lines of a page's head that a brand has of its own.
const HEAD: (&str, &str) = ("<!-- brand -->", "<!-- /brand -->");
/// Around the way to the operator's help, in pages without the app.
const SUPPORT: (&str, &str) = ("<!-- support ", " -->");
const HTML: &str = "text/html; charset=utf-8";
const MANIFEST: &str = "application/manifest+json";

/// Files that are served in place of the site's own, and beside them. By URL path.
#[derive(Debug, Default)]
pub(crate) struct Dress(HashMap<String, Asset>);

impl Dress {
    /// The pages, manifests, pictures and style of a brand.
    pub(crate) fn of(site: &Site, look: &Look<'_>) -> Self {
        let mut assets = HashMap::new();
        for picture in [&look.logo, &look.icon].into_iter().flatten() {
            let asset = asset(picture.content_type(), picture.octets.clone(), true);
            assets.insert(picture.path(), asset);
        }
        let style = style(look.dark.as_ref(), look.light.as_ref());
        let style = (!style.is_empty()).then(|| add(&mut assets, "css", "text/css; charset=utf-8", style));
        let mut renamed = Vec::new();
        for (path, manifest) in site.files().filter(|(_, asset)| asset.content_type == MANIFEST) {
            if let Some(manifest) = look.manifest(&manifest.bytes) {
                renamed.push((path.to_owned(), add(&mut assets, "webmanifest", MANIFEST, manifest)));
            }
        }
        for (path, page) in site.files().filter(|(_, asset)| asset.content_type == HTML) {
            let Ok(html) = std::str::from_utf8(&page.bytes) else { continue };
            let html = look.page(html, style.as_deref(), &renamed);
            assets.insert(path.to_owned(), asset(HTML, html.into(), page.immutable));
        }
        Self(assets)
    }

    /// The file at a URL path, where it is another than the site's own.
    pub(crate) fn asset(&self, path: &str) -> Option<&Asset> {
        self.0.get(path)
    }
}

fn asset(content_type: &str, bytes: Bytes, immutable: bool) -> Asset {
    let etag = format!("\"{}\"", &hex::encode(sha256(&bytes))[..32]);
    Asset { content_type: content_type.to_owned(), bytes, brotli: None, etag, immutable }
}

/// Adds a file under a name that changes with what is in it; its path.
fn add(assets: &mut HashMap<String, Asset>, ending: &str, content_type: &str, text: String) -> String {
    let path = format!("/assets/brand-{}.{ending}", &hex::encode(sha256(text.as_bytes()))[..16]);
    assets.insert(path.clone(), asset(content_type, text.into(), true));
    path
}

impl Look<'_> {
    /// A page with the brand in it. `renamed`: paths of manifests, and those of the brand's.
    fn page(&self, html: &str, style: Option<&str>, renamed: &[(String, String)]) -> String {
        let name = escaped(self.brand.name());
        let mut html = html.replace(NAME, &name);
        for (old, new) in renamed {
            html = html.replace(old, new);
        }
        if let Some(logo) = &self.logo {
            let image = format!("<img class=\"logo\" src=\"{}\" alt=\"{name}\">", logo.path());
            html = html.replace(&format!("<span class=\"wordmark\">{name}</span>"), &image);
        }
        if let Some(support) = &self.brand.support
            && let Some((before, rest)) = html.split_once(SUPPORT.0)
            && let Some((link, after)) = rest.split_once(SUPPORT.1)
        {
            let link = link.replace("href=\"\"", &format!("href=\"{}\"", escaped(support)));
            html = format!("{before}{link}{after}");
        }
        let found = html.split_once(HEAD.0).and_then(|(before, rest)| {
            let (head, after) = rest.split_once(HEAD.1)?;
            Some(format!("{before}{}{after}", self.head(head, style, &name)))
        });
        found.unwrap_or(html)
    }

    /// The lines of a page's head.
    fn head(&self, own: &str, style: Option<&str>, name: &str) -> String {
        let mut head = String::new();
        for line in own.lines().filter(|line| !line.trim().is_empty()) {
            if line.contains("rel=\"icon\"") {
                match &self.icon {
                    Some(icon) => head += &link("icon", icon),
                    None => head += line,
                }
            } else if line.contains("rel=\"apple-touch-icon\"") {
                match &self.icon {
                    Some(icon) if icon.is_png() => head += &link("apple-touch-icon", icon),
                    Some(_) => continue,
                    None => head += line,
                }
            } else {
                head += &self.with_theme(line);
            }
            head.push('\n');
        }
        let mut meta = |what: &str, content: &str| {
            let _ = writeln!(head, "  <meta name=\"matinee-{what}\" content=\"{content}\">");
        };
        meta("brand", name);
        if let Some(logo) = &self.logo {
            meta("logo", &logo.path());
        }
        if let Some(support) = &self.brand.support {
            meta("support", &escaped(support));
        }
        if let Some(style) = style {
            let _ = writeln!(head, "  <link rel=\"stylesheet\" href=\"{style}\">");
        }
        head.trim().to_owned()
    }

    /// A line of a page or a colour, in which the colour of the browser's own parts is the brand's. It has
    /// that of one scheme alone.
    fn with_theme(&self, text: &str) -> String {
        for (scheme, palette) in [(Scheme::Dark, &self.dark), (Scheme::Light, &self.light)] {
            let own = Palette::of_site(scheme).background.to_string();
            if text.contains(&own) {
                let of_brand = palette.as_ref().map(|palette| palette.background.to_string());
                return of_brand.map_or_else(|| text.to_owned(), |colour| text.replace(&own, &colour));
            }
        }
        text.to_owned()
    }

    /// A web manifest with the brand in it; `None` for what is none.
    fn manifest(&self, octets: &[u8]) -> Option<String> {
        let mut manifest: Value = serde_json::from_slice(octets).ok()?;
        let fields = manifest.as_object_mut()?;
        fields.insert("name".to_owned(), self.brand.name().into());
        fields.insert("short_name".to_owned(), self.brand.short_name().into());
        for colour in ["theme_color", "background_color"] {
            if let Some(own) = fields.get(colour).and_then(Value::as_str) {
                let of_brand = self.with_theme(own);
                fields.insert(colour.to_owned(), of_brand.into());
            }
        }
        if let Some(icon) = &self.icon {
            let icon = json!({"src": icon.path(), "sizes": icon.sizes(), "type": icon.content_type(), "purpose": "any"});
            fields.insert("icons".to_owned(), json!([icon]));
        }
        Some(manifest.to_string())
    }
}

fn link(relation: &str, icon: &Picture) -> String {
    format!("  <link rel=\"{relation}\" href=\"{}\" type=\"{}\">", icon.path(), icon.content_type())
}

/// A text as an attribute's value, or between tags.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;

    const PAGES: [(&str, &str); 5] = [
        ("index.html", include_str!("../../../../www/index.html")),
        ("watch.html", include_str!("../../../../www/watch.html")),
        ("embed.html", include_str!("../../../../www/embed.html")),
        ("not-found.html", include_str!("../../../../www/not-found.html")),
        ("not-here.html", include_str!("../../../../www/not-here.html")),
    ];

    /// These show the film at once, and no sign before.
    const PLAYERS: [&str; 2] = ["watch.html", "embed.html"];

    fn with(config: &str, check: impl FnOnce(&Look<'_>)) {
        let folder = tempfile::tempdir().unwrap();
        let svg =
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 8 8\"><path d=\"M0 0h8v8z\"/></svg>";
        std::fs::write(folder.path().join("logo.svg"), svg).unwrap();
        let config = config.replace("FOLDER", &folder.path().display().to_string());
        let config = Config::parse(&config).unwrap();
        check(&Look::load(&config).unwrap().unwrap());
    }

    #[test]
    fn each_page_is_the_brands() {
        let config = "[brand]\nname = \"Kino & <Süd>\"\nlogo = \"FOLDER/logo.svg\"\nsupport = \"mailto:help@example.org\"\n\
            [brand.dark]\nbackground = \"#0b1020\"\ntext = \"#e8ecf8\"\naccent = \"#7aa2ff\"\n";
        with(config, |look| {
            let logo = look.logo.as_ref().unwrap().path();
            for (name, page) in PAGES {
                let renamed = [("{{site_webmanifest}}".to_owned(), "/assets/brand-1.webmanifest".to_owned())];
                let page = look.page(page, Some("/assets/brand-2.css"), &renamed);
                assert!(!page.contains(NAME), "{name}: {page}");
                assert!(page.contains("Kino &amp; &lt;Süd&gt;</title>"), "{name}: {page}");
                for part in [
                    "<meta name=\"matinee-brand\" content=\"Kino &amp; &lt;Süd&gt;\">",
                    "<meta name=\"matinee-support\" content=\"mailto:help@example.org\">",
                    "<link rel=\"stylesheet\" href=\"/assets/brand-2.css\">",
                    &format!("<meta name=\"matinee-logo\" content=\"{logo}\">"),
                ] {
                    assert!(page.contains(part), "{name}: {part}: {page}");
                }
                // Behind the site's own styles.
                assert!(page.find("{{app_css}}") < page.find("brand-2.css"), "{name}");
                assert!(!page.contains("#150a0e") && !page.contains("<!-- brand"), "{name}: {page}");
                if name != "embed.html" {
                    assert!(page.contains("content=\"#0b1020\""), "{name}: {page}");
                    assert!(page.contains("content=\"#f5ecdd\""), "{name}: light ones stay");
                    assert!(page.contains(&format!("<link rel=\"icon\" href=\"{logo}\"")), "{name}: {page}");
                }
                if !PLAYERS.contains(&name) {
                    assert!(page.contains(&format!("<img class=\"logo\" src=\"{logo}\"")), "{name}: {page}");
                }
                if name.starts_with("not-") {
                    assert!(
                        page.contains("<a href=\"mailto:help@example.org\" data-say=\"early-support\">"),
                        "{page}"
                    );
                }
            }
        });
    }

    #[test]
    fn a_name_alone_leaves_the_rest() {
        with("[brand]\nname = \"Kino\"\n", |look| {
            for (name, page) in PAGES {
                let page = look.page(page, None, &[]);
                assert!(!page.contains(NAME) && page.contains("Kino</title>"), "{name}");
                assert!(!page.contains("stylesheet\" href=\"/assets/brand"), "{name}");
                assert_eq!(page.contains("rel=\"icon\""), name != "embed.html", "{name}");
                assert!(
                    page.contains("<span class=\"wordmark\">Kino</span>") || PLAYERS.contains(&name),
                    "{name}"
                );
            }
            assert_eq!(look.warnings().len(), 1, "an icon is missed");
            let own = include_bytes!("../../../../www/site.webmanifest");
            let manifest: Value = serde_json::from_str(&look.manifest(own).unwrap()).unwrap();
            assert_eq!((&manifest["name"], &manifest["short_name"]), (&json!("Kino"), &json!("Kino")));
            assert_eq!(manifest["icons"].as_array().unwrap().len(), 5, "the site's own");
            assert_eq!(manifest["theme_color"], "#150a0e");
        });
    }

    #[test]
    fn a_colour_is_replaced_once() {
        with("[brand]\nname = \"Kino\"\n", |look| {
            let (dark, light) = (Palette::of_site(Scheme::Light), Palette::of_site(Scheme::Dark));
            let turned =
                Look { brand: look.brand, logo: None, icon: None, dark: Some(dark), light: Some(light) };
            assert_eq!(turned.with_theme("content=\"#150a0e\""), "content=\"#f5ecdd\"");
            assert_eq!(turned.with_theme("content=\"#f5ecdd\""), "content=\"#150a0e\"");
            assert_eq!(turned.with_theme("content=\"#222222\""), "content=\"#222222\"");
        });
    }

    #[test]
    fn a_manifest_gets_icons_and_colours() {
        let config = "[brand]\nname = \"Kino Nord und Süd\"\nshort_name = \"Kino\"\nicon = \"FOLDER/logo.svg\"\n\
            [brand.dark]\nbackground = \"#0b1020\"\ntext = \"#e8ecf8\"\naccent = \"#7aa2ff\"\n";
        with(config, |look| {
            let own = include_bytes!("../../../../www/site.webmanifest");
            let manifest: Value = serde_json::from_str(&look.manifest(own).unwrap()).unwrap();
            assert_eq!(manifest["theme_color"], "#0b1020");
            assert_eq!(
                (&manifest["name"], &manifest["short_name"]),
                (&json!("Kino Nord und Süd"), &json!("Kino"))
            );
            let icon = look.icon.as_ref().unwrap().path();
            assert_eq!(
                manifest["icons"],
                json!([{"src": icon, "sizes": "any", "type": "image/svg+xml", "purpose": "any"}])
            );
            assert_eq!(manifest["start_url"], "/library");
            assert!(look.manifest(b"[]").is_none());
        });
    }
}
