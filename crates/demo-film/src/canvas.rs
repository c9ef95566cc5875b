//! A thin layer over tiny-skia: shapes and inks in the frame's own coordinates.

use tiny_skia::{
    Color, FillRule, GradientStop, LinearGradient, Paint, Path, PathBuilder, Pixmap, PixmapPaint, Point,
    RadialGradient, Shader, SpreadMode, Stroke, Transform,
};

/// A place in the frame.
pub(crate) type Spot = (f32, f32);

/// A colour, sRGB.
pub(crate) const fn rgb(red: u8, green: u8, blue: u8) -> [u8; 3] {
    [red, green, blue]
}

/// What a shape is filled with.
#[derive(Clone, Copy)]
pub(crate) struct Ink(Fill);

#[derive(Clone, Copy)]
enum Fill {
    Flat([u8; 3], f32),
    Linear { from: Spot, to: Spot, first: ([u8; 3], f32), last: ([u8; 3], f32) },
    Radial { middle: Spot, radius: f32, first: [u8; 3], last: [u8; 3] },
}

impl Ink {
    /// One colour.
    pub(crate) fn flat(tint: [u8; 3], alpha: f32) -> Self {
        Self(Fill::Flat(tint, alpha))
    }

    /// One colour, from one opacity to another.
    pub(crate) fn linear(from: Spot, to: Spot, tint: [u8; 3], first: f32, last: f32) -> Self {
        Self(Fill::Linear { from, to, first: (tint, first), last: (tint, last) })
    }

    /// From one colour to another.
    pub(crate) fn linear_tints(from: Spot, to: Spot, first: [u8; 3], last: [u8; 3]) -> Self {
        Self(Fill::Linear { from, to, first: (first, 1.0), last: (last, 1.0) })
    }

    /// From one colour in the middle to another at the radius.
    pub(crate) fn radial(middle: Spot, radius: f32, first: [u8; 3], last: [u8; 3]) -> Self {
        Self(Fill::Radial { middle, radius, first, last })
    }

    /// The same with a flat colour's opacity multiplied.
    pub(crate) fn fade(self, by: f32) -> Self {
        match self.0 {
            Fill::Flat(tint, alpha) => Self::flat(tint, alpha * by),
            _ => self,
        }
    }

    fn paint(self) -> Paint<'static> {
        let shader = match self.0 {
            Fill::Flat(tint, alpha) => Some(Shader::SolidColor(colour(tint, alpha))),
            Fill::Linear { from, to, first, last } => LinearGradient::new(
                point(from),
                point(to),
                vec![
                    GradientStop::new(0.0, colour(first.0, first.1)),
                    GradientStop::new(1.0, colour(last.0, last.1)),
                ],
                SpreadMode::Pad,
                Transform::identity(),
            ),
            Fill::Radial { middle, radius, first, last } => radial(
                middle,
                radius,
                &[GradientStop::new(0.0, colour(first, 1.0)), GradientStop::new(1.0, colour(last, 1.0))],
            ),
        };
        Paint {
            shader: shader.unwrap_or(Shader::SolidColor(Color::TRANSPARENT)),
            anti_alias: true,
            ..Paint::default()
        }
    }
}

fn radial(middle: Spot, radius: f32, stops: &[GradientStop]) -> Option<Shader<'static>> {
    RadialGradient::new(
        point(middle),
        0.0,
        point(middle),
        radius,
        stops.to_vec(),
        SpreadMode::Pad,
        Transform::identity(),
    )
}

fn colour([red, green, blue]: [u8; 3], alpha: f32) -> Color {
    let alpha = (alpha.clamp(0.0, 1.0) * 255.0).round() as u8;
    Color::from_rgba8(red, green, blue, alpha)
}

fn point((x, y): Spot) -> Point {
    Point::from_xy(x, y)
}

/// A picture to draw on.
pub(crate) struct Canvas {
    pixmap: Pixmap,
    scale: Transform,
}

impl Canvas {
    /// An empty one, `frame` units wide.
    pub(crate) fn new(width: u32, height: u32, frame: f32) -> Option<Self> {
        Pixmap::new(width, height).map(|pixmap| Self::on(pixmap, frame))
    }

    /// One over a picture that is there.
    pub(crate) fn on(pixmap: Pixmap, frame: f32) -> Self {
        let scale = pixmap.width() as f32 / frame;
        Self { pixmap, scale: Transform::from_scale(scale, scale) }
    }

    pub(crate) fn into_pixmap(self) -> Pixmap {
        self.pixmap
    }

    /// Sets every pixel from its place.
    pub(crate) fn shade(&mut self, tint: impl Fn(f32, f32) -> [f32; 3]) {
        let (width, scale) = (self.pixmap.width() as usize, self.scale.sx);
        for (index, pixel) in self.pixmap.data_mut().chunks_exact_mut(4).enumerate() {
            let at = |n: usize| (n as f32 + 0.5) / scale;
            let [red, green, blue] = tint(at(index % width), at(index / width));
            pixel.copy_from_slice(&[red.round() as u8, green.round() as u8, blue.round() as u8, 255]);
        }
    }

    /// Lays a picture of the same size over this one.
    pub(crate) fn lay(&mut self, picture: &Pixmap) {
        self.pixmap.draw_pixmap(0, 0, picture.as_ref(), &PixmapPaint::default(), Transform::identity(), None);
    }

    /// Fills a path.
    pub(crate) fn path(&mut self, path: Option<Path>, ink: Ink) {
        if let Some(path) = path {
            self.pixmap.fill_path(&path, &ink.paint(), FillRule::Winding, self.scale, None);
        }
    }

    pub(crate) fn circle(&mut self, (x, y): Spot, radius: f32, ink: Ink) {
        self.path(PathBuilder::from_circle(x, y, radius.max(0.1)), ink);
    }

    pub(crate) fn ellipse(&mut self, (x, y): Spot, (rx, ry): (f32, f32), ink: Ink) {
        let bounds = tiny_skia::Rect::from_xywh(x - rx, y - ry, 2.0 * rx, 2.0 * ry);
        self.path(bounds.and_then(PathBuilder::from_oval), ink);
    }

    /// An ellipse that fades out towards its edge.
    pub(crate) fn soft_ellipse(&mut self, (x, y): Spot, (rx, ry): (f32, f32), tint: [u8; 3], alpha: f32) {
        let stops = falloff(tint, alpha, 0.0);
        let squash = self.scale.pre_translate(x, y).pre_scale(1.0, ry / rx);
        let paint = Paint {
            shader: radial((0.0, 0.0), rx, &stops).unwrap_or(Shader::SolidColor(Color::TRANSPARENT)),
            anti_alias: true,
            ..Paint::default()
        };
        if let Some(path) = PathBuilder::from_circle(0.0, 0.0, rx) {
            self.pixmap.fill_path(&path, &paint, FillRule::Winding, squash, None);
        }
    }

    /// Light that fades from `inner` to nothing at `outer`.
    pub(crate) fn glow(&mut self, (x, y): Spot, inner: f32, outer: f32, tint: [u8; 3], alpha: f32) {
        let paint = Paint {
            shader: radial((x, y), outer, &falloff(tint, alpha, inner / outer))
                .unwrap_or(Shader::SolidColor(Color::TRANSPARENT)),
            anti_alias: true,
            ..Paint::default()
        };
        if let Some(path) = PathBuilder::from_circle(x, y, outer) {
            self.pixmap.fill_path(&path, &paint, FillRule::Winding, self.scale, None);
        }
    }

    /// A line with round ends.
    pub(crate) fn line(&mut self, from: Spot, to: Spot, width: f32, ink: Ink) {
        let mut line = PathBuilder::new();
        line.move_to(from.0, from.1);
        line.line_to(to.0, to.1);
        self.stroke(line, width, ink);
    }

    /// A part of a circle's line, `sweep` from `start` (radians, clockwise from the right).
    pub(crate) fn arc(&mut self, (x, y): Spot, radius: f32, start: f32, sweep: f32, width: f32, ink: Ink) {
        let steps = ((sweep.abs() * 40.0) as usize).max(2);
        let mut line = PathBuilder::new();
        for step in 0..=steps {
            let angle = start + sweep * step as f32 / steps as f32;
            let (px, py) = (x + radius * angle.cos(), y + radius * angle.sin());
            if step == 0 {
                line.move_to(px, py);
            } else {
                line.line_to(px, py);
            }
        }
        self.stroke(line, width, ink);
    }

    fn stroke(&mut self, line: PathBuilder, width: f32, ink: Ink) {
        let stroke = Stroke { width, line_cap: tiny_skia::LineCap::Round, ..Stroke::default() };
        if let Some(path) = line.finish() {
            self.pixmap.stroke_path(&path, &ink.paint(), &stroke, self.scale, None);
        }
    }

    /// A closed shape of straight lines.
    pub(crate) fn polygon(&mut self, points: &[Spot], ink: Ink) {
        let mut path = PathBuilder::new();
        for (index, &(x, y)) in points.iter().enumerate() {
            if index == 0 {
                path.move_to(x, y);
            } else {
                path.line_to(x, y);
            }
        }
        path.close();
        self.path(path.finish(), ink);
    }

    /// A closed shape of cubic curves.
    pub(crate) fn curve(&mut self, start: Spot, curves: &[[Spot; 3]], ink: Ink) {
        let mut path = PathBuilder::new();
        path.move_to(start.0, start.1);
        for [a, b, end] in curves {
            path.cubic_to(a.0, a.1, b.0, b.1, end.0, end.1);
        }
        path.close();
        self.path(path.finish(), ink);
    }

    /// A rectangle with round corners.
    pub(crate) fn rounded(&mut self, (x, y): Spot, (width, height): (f32, f32), radius: f32, ink: Ink) {
        const K: f32 = 0.447_715;
        let (r, k) = (radius, radius * K);
        let (right, foot) = (x + width, y + height);
        let mut path = PathBuilder::new();
        path.move_to(x + r, y);
        path.line_to(right - r, y);
        path.cubic_to(right - k, y, right, y + k, right, y + r);
        path.line_to(right, foot - r);
        path.cubic_to(right, foot - k, right - k, foot, right - r, foot);
        path.line_to(x + r, foot);
        path.cubic_to(x + k, foot, x, foot - k, x, foot - r);
        path.line_to(x, y + r);
        path.cubic_to(x, y + k, x + k, y, x + r, y);
        path.close();
        self.path(path.finish(), ink);
    }
}

/// Stops that fall off smoothly from full at `inner` (a part of the radius) to nothing at 1.
fn falloff(tint: [u8; 3], alpha: f32, inner: f32) -> Vec<GradientStop> {
    (0..=8)
        .map(|step| {
            let part = step as f32 / 8.0;
            let rest = 1.0 - part;
            let light = rest * rest * (3.0 - 2.0 * rest);
            GradientStop::new(inner + (1.0 - inner) * part, colour(tint, alpha * light))
        })
        .collect()
}
