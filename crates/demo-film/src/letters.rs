//! Text as paths.

use tiny_skia::{Path, PathBuilder, Transform};
use ttf_parser::{Face, OutlineBuilder};

/// A font of the two in `fonts/` (SIL Open Font License).
pub(crate) struct Font(Face<'static>);

/// Where the given position lies in the text.
#[derive(Clone, Copy)]
pub(crate) enum Align {
    /// At its left edge.
    Left,
    /// At its middle.
    Centre,
}

impl Font {
    /// The title's letters.
    pub(crate) fn title() -> Option<Self> {
        Face::parse(include_bytes!("../fonts/Limelight-Regular.ttf"), 0).ok().map(Self)
    }

    /// Figures and small text.
    pub(crate) fn text() -> Option<Self> {
        Face::parse(include_bytes!("../fonts/JosefinSans-SemiBold.ttf"), 0).ok().map(Self)
    }

    /// `text` with its base line at `y`, letters `size` high (em), `spacing` added after each; figures
    /// equally wide.
    pub(crate) fn path(
        &self,
        text: &str,
        (x, y): (f32, f32),
        size: f32,
        spacing: f32,
        align: Align,
    ) -> Option<Path> {
        let scale = size / f32::from(self.0.units_per_em());
        let figure = self.advance('0') * scale;
        let widths: Vec<f32> = text
            .chars()
            .map(|c| if c.is_ascii_digit() { figure } else { self.advance(c) * scale } + spacing)
            .collect();
        let total = widths.iter().sum::<f32>() - spacing;
        let mut pen = match align {
            Align::Left => x,
            Align::Centre => x - total / 2.0,
        };
        let mut all = PathBuilder::new();
        for (c, width) in text.chars().zip(widths) {
            let mut outline = Outline(PathBuilder::new());
            if let Some(glyph) = self.0.glyph_index(c) {
                self.0.outline_glyph(glyph, &mut outline);
            }
            let indent = if c.is_ascii_digit() { (figure - self.advance(c) * scale) / 2.0 } else { 0.0 };
            let place = Transform::from_row(scale, 0.0, 0.0, -scale, pen + indent, y);
            if let Some(path) = outline.0.finish().and_then(|path| path.transform(place)) {
                all.push_path(&path);
            }
            pen += width;
        }
        all.finish()
    }

    /// Advance width of a letter, in font units.
    fn advance(&self, c: char) -> f32 {
        let glyph = self.0.glyph_index(c).unwrap_or_default();
        f32::from(self.0.glyph_hor_advance(glyph).unwrap_or_default())
    }
}

/// Takes a glyph's outline over into a path.
struct Outline(PathBuilder);

impl OutlineBuilder for Outline {
    fn move_to(&mut self, x: f32, y: f32) {
        self.0.move_to(x, y);
    }
    fn line_to(&mut self, x: f32, y: f32) {
        self.0.line_to(x, y);
    }
    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        self.0.quad_to(x1, y1, x, y);
    }
    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        self.0.cubic_to(x1, y1, x2, y2, x, y);
    }
    fn close(&mut self) {
        self.0.close();
    }
}
