//! The operator's logo and icon: PNG, or SVG that is a drawing and nothing else.

use crate::Error;
use crate::secret::sha256;
use axum::body::Bytes;
use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use std::io::Read as _;
use std::path::Path;

/// Octets of a file at most: it is on every page.
const MOST_OCTETS: u64 = 256 << 10;
/// Pixels of a PNG's side at most.
const MOST_PIXELS: usize = 2048;
/// Elements of an SVG at most, and how deep they lie in each other.
const MOST_ELEMENTS: usize = 20_000;
const DEEPEST: usize = 64;

/// Elements of SVG 2 that draw. Not among them: what runs, moves, links, or brings something from elsewhere.
const DRAWING: [&str; 51] = [
    "svg",
    "g",
    "defs",
    "symbol",
    "use",
    "title",
    "desc",
    "style",
    "path",
    "rect",
    "circle",
    "ellipse",
    "line",
    "polyline",
    "polygon",
    "text",
    "tspan",
    "textPath",
    "linearGradient",
    "radialGradient",
    "stop",
    "pattern",
    "clipPath",
    "mask",
    "marker",
    "filter",
    "feBlend",
    "feColorMatrix",
    "feComponentTransfer",
    "feComposite",
    "feConvolveMatrix",
    "feDiffuseLighting",
    "feDisplacementMap",
    "feDistantLight",
    "feDropShadow",
    "feFlood",
    "feFuncA",
    "feFuncB",
    "feFuncG",
    "feFuncR",
    "feGaussianBlur",
    "feMerge",
    "feMergeNode",
    "feMorphology",
    "feOffset",
    "fePointLight",
    "feSpecularLighting",
    "feSpotLight",
    "feTile",
    "feTurbulence",
    "switch",
];
const SVG: &str = "http://www.w3.org/2000/svg";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Svg,
    Png,
}

/// A picture that may be shown.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Picture {
    kind: Kind,
    pub(crate) octets: Bytes,
    /// Width and height: pixels, or an SVG's own units; `None` where an SVG does not say.
    size: Option<(f64, f64)>,
}

impl Picture {
    /// Reads the file of a setting.
    ///
    /// # Errors
    /// [`Error::Setting`] where it is no picture that may be shown, [`Error::Io`].
    pub(crate) fn open(name: &'static str, path: &Path) -> Result<Self, Error> {
        let mut octets = Vec::new();
        let file = std::fs::File::open(path).map_err(Error::io(path))?;
        file.take(MOST_OCTETS + 1).read_to_end(&mut octets).map_err(Error::io(path))?;
        let reason =
            |reason: String| Error::Setting { name, reason: format!("{}: {reason}", path.display()) };
        Self::read(octets).map_err(reason)
    }

    fn read(octets: Vec<u8>) -> Result<Self, String> {
        if octets.len() as u64 > MOST_OCTETS {
            return Err(format!("the file is larger than {} KiB: make it smaller", MOST_OCTETS >> 10));
        }
        if octets.starts_with(b"\x89PNG\r\n\x1a\n") {
            let size = imagesize::blob_size(&octets).map_err(|_| "the PNG is damaged".to_owned())?;
            let fits = |side: usize| (1..=MOST_PIXELS).contains(&side);
            if !fits(size.width) || !fits(size.height) {
                return Err(format!(
                    "it has {} × {} pixels: sides have 1 to {MOST_PIXELS}",
                    size.width, size.height
                ));
            }
            let size = Some((size.width as f64, size.height as f64));
            return Ok(Self { kind: Kind::Png, octets: octets.into(), size });
        }
        let text =
            std::str::from_utf8(&octets).map_err(|_| "it is neither PNG nor SVG in UTF-8".to_owned())?;
        let size = drawing(text.trim_start_matches('\u{feff}'))?;
        Ok(Self { kind: Kind::Svg, octets: octets.into(), size })
    }

    pub(crate) fn content_type(&self) -> &'static str {
        match self.kind {
            Kind::Svg => "image/svg+xml",
            Kind::Png => "image/png",
        }
    }

    /// Where it is: the address changes with the octets.
    pub(crate) fn path(&self) -> String {
        let ending = match self.kind {
            Kind::Svg => "svg",
            Kind::Png => "png",
        };
        format!("/assets/brand-{}.{ending}", &hex::encode(sha256(&self.octets))[..16])
    }

    /// Whether it is as wide as high, as icons are.
    pub(crate) fn is_square(&self) -> bool {
        self.size.is_some_and(|(width, height)| (width - height).abs() < 0.01 * width)
    }

    /// `192x192` or `any`, as web manifests and links name sizes.
    pub(crate) fn sizes(&self) -> String {
        match (self.kind, self.size) {
            (Kind::Png, Some((width, height))) => format!("{width}x{height}"),
            _ => "any".to_owned(),
        }
    }

    /// Whether systems take it that take no SVG.
    pub(crate) fn is_png(&self) -> bool {
        self.kind == Kind::Png
    }
}

/// Looks at an SVG; its size, where it says.
fn drawing(text: &str) -> Result<Option<(f64, f64)>, String> {
    let mut reader = Reader::from_str(text);
    reader.config_mut().enable_all_checks(true);
    let (mut depth, mut elements) = (0_usize, 0_usize);
    // What a style says, while in one: judged whole, for it may come in several pieces.
    let mut sheet: Option<String> = None;
    let mut size = None;
    loop {
        let event = reader.read_event().map_err(|error| format!("the SVG is not well-formed: {error}"))?;
        match event {
            // What is on both sides of them would be read together.
            Event::Start(_) | Event::Empty(_) | Event::Comment(_) if sheet.is_some() => {
                return Err("its <style> has elements or comments".to_owned());
            }
            Event::Start(start) => {
                if elements == 0 {
                    size = root(&start)?;
                }
                element(&start)?;
                sheet = (start.name().into_inner() == "style").then(String::new);
                (elements, depth) = (elements + 1, depth + 1);
            }
            Event::Empty(start) => {
                if elements == 0 {
                    size = root(&start)?;
                }
                element(&start)?;
                elements += 1;
            }
            Event::End(_) => {
                depth = depth.saturating_sub(1);
                style(&sheet.take().unwrap_or_default())?;
            }
            // What an escape stands for would have to be looked at, too.
            Event::GeneralRef(_) if sheet.is_some() => return Err("its <style> has references".to_owned()),
            Event::DocType(_) => {
                return Err("it has a document type (<!DOCTYPE …>): remove that line".to_owned());
            }
            Event::PI(_) => return Err("it has a processing instruction (<?…?>): remove it".to_owned()),
            Event::Text(text) => sheet.iter_mut().for_each(|sheet| sheet.push_str(&text)),
            Event::CData(text) => sheet.iter_mut().for_each(|sheet| sheet.push_str(&text)),
            Event::GeneralRef(_) | Event::Comment(_) | Event::Decl(_) => {}
            Event::Eof => break,
        }
        if elements > MOST_ELEMENTS || depth > DEEPEST {
            return Err("it has too many elements".to_owned());
        }
    }
    if elements == 0 || depth > 0 { Err("it is neither PNG nor SVG".to_owned()) } else { Ok(size) }
}

/// The outermost element, and its size.
fn root(start: &BytesStart<'_>) -> Result<Option<(f64, f64)>, String> {
    if start.name().into_inner() != "svg" || attribute(start, "xmlns")?.as_deref() != Some(SVG) {
        return Err(format!("it is neither PNG nor SVG: an SVG begins with <svg xmlns=\"{SVG}\">"));
    }
    let pixels = |text: String| text.trim().trim_end_matches("px").parse::<f64>().ok();
    let said = (attribute(start, "width")?.and_then(pixels), attribute(start, "height")?.and_then(pixels));
    let of_box = attribute(start, "viewBox")?.and_then(|text| {
        let numbers: Option<Vec<f64>> = text
            .split([' ', ',', '\t', '\n'])
            .filter(|part| !part.is_empty())
            .map(|part| part.parse().ok())
            .collect();
        match numbers?[..] {
            [_, _, width, height] => Some((width, height)),
            _ => None,
        }
    });
    let size = said.0.zip(said.1).or(of_box);
    Ok(size.filter(|(width, height)| *width > 0.0 && *height > 0.0))
}

fn attribute(start: &BytesStart<'_>, name: &str) -> Result<Option<String>, String> {
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| format!("the SVG is not well-formed: {error}"))?;
        if attribute.key.into_inner() == name {
            return attribute
                .normalized_value(XmlVersion::Implicit1_0)
                .map(|value| Some(value.into_owned()))
                .map_err(|_| REFERENCE.to_owned());
        }
    }
    Ok(None)
}

const REFERENCE: &str = "the SVG has a reference to what is no character";

/// Whether an element draws, and brings nothing from elsewhere.
fn element(start: &BytesStart<'_>) -> Result<(), String> {
    let name = start.name().into_inner();
    if !DRAWING.contains(&name) {
        return Err(format!("it has <{}>: save it as plain SVG, shapes and text alone", shown(name)));
    }
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| format!("the SVG is not well-formed: {error}"))?;
        let key = attribute.key.into_inner();
        let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|_| REFERENCE.to_owned())?;
        let local = key.rsplit(':').next().unwrap_or_default().to_ascii_lowercase();
        // Namespaces are names; another one for elements would be another language.
        if key == "xmlns" && value != SVG {
            return Err("it has elements that are no SVG: save it as plain SVG".to_owned());
        }
        if local.starts_with("on") {
            return Err(format!("it has the attribute {}, which runs a script", shown(key)));
        }
        if ["href", "src"].contains(&local.as_str()) && !value.trim_start().starts_with('#') {
            return Err(format!("its {} leads elsewhere: only to parts of itself (#…) it may", shown(key)));
        }
        style(&value)?;
    }
    Ok(())
}

/// Whether a style or an attribute's value brings nothing from elsewhere.
fn style(text: &str) -> Result<(), String> {
    // In a style, escapes and comments could hide what it is.
    let lower: String = text.to_ascii_lowercase().chars().filter(|c| !c.is_whitespace()).collect();
    let elsewhere = lower
        .match_indices("url(")
        .any(|(at, _)| !lower[at + 4..].trim_start_matches(['"', '\'']).starts_with('#'));
    let hidden = lower.contains('\\') || lower.contains("/*");
    if elsewhere
        || hidden
        || ["@import", "javascript:", "image-set(", "image("].iter().any(|word| lower.contains(word))
    {
        return Err("its style brings something from elsewhere (url, @import, escapes)".to_owned());
    }
    Ok(())
}

/// As much of a name as a message needs.
fn shown(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn svg(inside: &str) -> Result<Picture, String> {
        Picture::read(format!("<svg xmlns=\"{SVG}\" viewBox=\"0 0 64 64\">{inside}</svg>").into_bytes())
    }

    fn png(width: u32, height: u32) -> Vec<u8> {
        let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
        png.extend([width.to_be_bytes(), height.to_be_bytes()].concat());
        png.extend([8, 6, 0, 0, 0, 0, 0, 0, 0]);
        png
    }

    #[test]
    fn drawings_are_taken() {
        for text in
            [include_str!("../../../../www/icon.svg"), include_str!("../../../../www/icon-maskable.svg")]
        {
            let icon = Picture::read(text.as_bytes().to_vec()).unwrap();
            assert!(icon.is_square() && icon.sizes() == "any" && icon.content_type() == "image/svg+xml");
            assert!(icon.path().starts_with("/assets/brand-") && icon.path().ends_with(".svg"));
        }
        let rich = "<defs><linearGradient id=\"a\"><stop offset=\"0\" stop-color=\"#fff\"/></linearGradient>\
            <style>.a{fill:url(#a)}</style></defs><title>Ours &amp; yours</title>\
            <rect class=\"a\" style=\"fill: url('#a')\" width=\"9\" height=\"9\"/><use href=\"#a\"/><!-- drawn -->";
        assert!(svg(rich).unwrap().is_square());
        let wide = format!("<?xml version=\"1.0\"?>\n<svg xmlns=\"{SVG}\" width=\"300px\" height=\"60\"/>");
        assert!(!Picture::read(wide.into_bytes()).unwrap().is_square());
        let square = Picture::read(png(192, 192)).unwrap();
        assert!(square.is_square() && square.is_png() && square.sizes() == "192x192");
        assert!(!Picture::read(png(600, 120)).unwrap().is_square());
    }

    #[test]
    fn what_runs_or_leads_elsewhere_is_not() {
        for (inside, word) in [
            ("<script>alert(1)</script>", "<script>"),
            ("<SCRIPT/>", "<SCRIPT>"),
            ("<x:script xmlns:x=\"http://www.w3.org/2000/svg\"/>", "<x:script>"),
            ("<foreignObject/>", "<foreignObject>"),
            ("<a href=\"#x\"/>", "<a>"),
            ("<animate attributeName=\"href\"/>", "<animate>"),
            ("<image href=\"data:image/png;base64,AA\"/>", "<image>"),
            ("<rect onload=\"alert(1)\"/>", "onload"),
            ("<rect OnClick=\"alert(1)\"/>", "OnClick"),
            ("<use href=\"https://elsewhere.example/a.svg#b\"/>", "leads elsewhere"),
            ("<use xlink:href=\" java&#x73;cript:alert(1)\"/>", "leads elsewhere"),
            ("<rect fill=\"url(https://elsewhere.example/#a)\"/>", "from elsewhere"),
            ("<rect style=\"fill:u\\72l(https://elsewhere.example)\"/>", "from elsewhere"),
            ("<style>@import 'https://elsewhere.example';</style>", "from elsewhere"),
            ("<style><![CDATA[a{b:url(//elsewhere.example)}]]></style>", "from elsewhere"),
            ("<style>&#64;import 'x';</style>", "references"),
            ("<style><g/>@import 'x';</style>", "elements or comments"),
            ("<style><g></g>@import 'x';</style>", "elements or comments"),
            ("<style><style></style>@import 'x';</style>", "elements or comments"),
            ("<style>@imp<!-- -->ort 'x';</style>", "elements or comments"),
            ("<style>@imp<![CDATA[ort 'x';]]></style>", "from elsewhere"),
            ("<style><![CDATA[a{b:u]]><![CDATA[rl(//elsewhere.example)}]]></style>", "from elsewhere"),
            ("<g xmlns=\"http://www.w3.org/1999/xhtml\"/>", "no SVG"),
            ("<?xml-stylesheet href=\"a.css\"?>", "processing instruction"),
            ("<g>", "not well-formed"),
            ("<rect fill=\"&none;\"/>", "reference"),
        ] {
            let error = svg(inside).unwrap_err();
            assert!(error.contains(word), "{inside}: {error}");
        }
        let external = format!("<!DOCTYPE svg [<!ENTITY a \"b\">]><svg xmlns=\"{SVG}\"/>");
        assert!(Picture::read(external.into_bytes()).unwrap_err().contains("document type"));
        for (octets, word) in [
            (Vec::new(), "neither"),
            (b"GIF89a".to_vec(), "neither"),
            (vec![0xff, 0xd8, 0xff], "neither"),
            (b"<html/>".to_vec(), "neither"),
            (b"<svg/>".to_vec(), "xmlns"),
            (b"\x89PNG\r\n\x1a\n".to_vec(), "damaged"),
            (png(4000, 10), "4000"),
            (vec![b' '; 300 << 10], "256 KiB"),
            (format!("<svg xmlns=\"{SVG}\">{}", "<g>".repeat(100)).into_bytes(), "too many"),
        ] {
            let error = Picture::read(octets.clone()).unwrap_err();
            assert!(error.contains(word), "{:?}: {error}", octets.get(..20));
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_is_no_panic(text in "\\PC{0,200}", octets in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = svg(&text);
            let _ = Picture::read(octets);
        }
    }
}
