//! The picture: an evening above the hills, where a projector throws the running time on the moon.
//!
//! Everything is drawn in a frame of 1280 by 720 and scaled by the canvas. What never moves is drawn once.

use std::f32::consts::{PI, TAU};

use demo_film::{COLUMNS, FPS, FRAMES, Mark, SECONDS, STRIP_TOP, STRIP_Y, Size};
use tiny_skia::Pixmap;

use crate::canvas::{Canvas, Ink, rgb};
use crate::letters::{Align, Font};

/// The frame in which positions are given.
const W: f32 = 1280.0;
const H: f32 = 720.0;
/// Middle and radius of the moon.
const MOON: (f32, f32, f32) = (946.0, 262.0, 138.0);
/// Radius of the ring of seconds.
const RING: f32 = 176.0;
/// The projector's lens.
const LENS: (f32, f32) = (238.0, 553.0);
/// The strip's upper edge.
const STRIP: f32 = STRIP_TOP * H;

/// Draws the film's frames at one size.
pub(crate) struct Scene {
    title: Font,
    text: Font,
    /// Sky, stars, moon: behind everything that moves.
    back: Pixmap,
    /// The hills, behind the projector's light.
    middle: Pixmap,
    /// People, title, strip: before everything else.
    front: Pixmap,
}

/// A stream of equal numbers on every machine, in 0..1.
struct Dice(u32);

impl Dice {
    fn roll(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 8) as f32 / 16_777_216.0
    }
}

impl Scene {
    /// Prepares what does not move.
    pub(crate) fn new(size: Size) -> Option<Self> {
        let (title, text) = (Font::title()?, Font::text()?);
        let mut back = Canvas::new(size.width, size.height, W)?;
        sky(&mut back);
        moon(&mut back);
        let mut middle = Canvas::new(size.width, size.height, W)?;
        hills(&mut middle);
        let mut front = Canvas::new(size.width, size.height, W)?;
        projector(&mut front);
        people(&mut front);
        words(&mut front, &title, &text);
        strip(&mut front);
        let (back, middle, front) = (back.into_pixmap(), middle.into_pixmap(), front.into_pixmap());
        Some(Self { title, text, back, middle, front })
    }

    /// Draws one frame.
    pub(crate) fn draw(&self, frame: u32) -> Option<Pixmap> {
        let mut canvas = Canvas::on(self.back.clone(), W);
        let seconds = frame as f32 / FPS as f32;
        twinkle(&mut canvas, seconds);
        shooting_star(&mut canvas, seconds);
        clouds(&mut canvas, seconds);
        self.counter(&mut canvas, frame);
        balloons(&mut canvas, seconds);
        canvas.lay(&self.middle);
        beam(&mut canvas, seconds);
        canvas.lay(&self.front);
        cells(&mut canvas, Mark::of(frame as u16));
        Some(canvas.into_pixmap())
    }

    /// Ring of seconds, frame number and time upon the moon.
    fn counter(&self, canvas: &mut Canvas, frame: u32) {
        let (x, y, radius) = MOON;
        let done = frame as f32 / FRAMES as f32;
        let since = frame % FPS;
        let glow = (1.0 - since as f32 / 9.0).max(0.0);
        if glow > 0.0 {
            canvas.glow((x, y), radius * 0.9, RING + 75.0, rgb(255, 240, 200), 0.55 * glow);
        }
        canvas.arc((x, y), RING, 0.0, TAU, 5.0, Ink::flat(rgb(255, 235, 200), 0.20));
        for second in 0..SECONDS {
            let lit = second as f32 / SECONDS as f32 <= done;
            let long = second % 5 == 0;
            let angle = second as f32 / SECONDS as f32 * TAU - PI / 2.0;
            let at = (x + angle.cos() * (RING + 17.0), y + angle.sin() * (RING + 17.0));
            let (dot, alpha) = (if long { 3.4 } else { 1.9 }, if lit { 0.95 } else { 0.35 });
            canvas.circle(at, dot, Ink::flat(rgb(255, 226, 160), alpha));
        }
        if done > 0.0 {
            canvas.arc((x, y), RING, -PI / 2.0, done * TAU, 5.0, Ink::flat(rgb(255, 205, 105), 1.0));
        }
        let angle = done * TAU - PI / 2.0;
        let tip = (x + angle.cos() * RING, y + angle.sin() * RING);
        canvas.glow(tip, 4.0, 26.0, rgb(255, 226, 150), 0.8);
        canvas.circle(tip, 8.5, Ink::flat(rgb(255, 246, 220), 1.0));

        let ink = Ink::flat(rgb(54, 30, 72), 1.0);
        let number = format!("{frame:04}");
        canvas.path(self.text.path(&number, (x, y + 30.0), 98.0, 0.0, Align::Centre), ink);
        let time = format!("0:{:02}", frame / FPS);
        canvas.path(self.title.path(&time, (x, y + 84.0), 38.0, 1.0, Align::Centre), ink.fade(0.8));
        canvas.path(self.text.path("FRAME", (x, y - 60.0), 21.0, 7.0, Align::Centre), ink.fade(0.7));
    }
}

/// Evening sky, with its light low on the right, and the stars that do not twinkle.
fn sky(canvas: &mut Canvas) {
    const STOPS: [(f32, [f32; 3]); 6] = [
        (0.0, [13.0, 16.0, 46.0]),
        (0.30, [33.0, 29.0, 84.0]),
        (0.52, [86.0, 46.0, 118.0]),
        (0.68, [176.0, 78.0, 118.0]),
        (0.80, [242.0, 140.0, 100.0]),
        (1.0, [255.0, 214.0, 140.0]),
    ];
    canvas.shade(|x, y| {
        // Warmer and lower towards the right, like an after-glow.
        let at = (y / 640.0 + 0.05 * ((x / W) * PI).sin() - 0.02).clamp(0.0, 1.0);
        let upper = STOPS.iter().position(|stop| stop.0 >= at).unwrap_or(STOPS.len() - 1).max(1);
        let (low, high) = (STOPS[upper - 1], STOPS[upper]);
        let part = (at - low.0) / (high.0 - low.0);
        let smooth = part * part * (3.0 - 2.0 * part) * 0.4 + part * 0.6;
        std::array::from_fn(|i| low.1[i] + (high.1[i] - low.1[i]) * smooth)
    });
    let mut dice = Dice(7);
    for _ in 0..130 {
        let (x, y) = (dice.roll() * W, dice.roll().powf(1.6) * 430.0);
        let radius = 0.7 + dice.roll().powi(3) * 1.5;
        let alpha = (1.0 - y / 470.0) * (0.35 + 0.6 * dice.roll());
        canvas.circle((x, y), radius, Ink::flat(rgb(235, 232, 255), alpha));
    }
}

/// The moon with its halo and a few soft seas.
fn moon(canvas: &mut Canvas) {
    let (x, y, radius) = MOON;
    canvas.glow((x, y), radius * 0.8, 430.0, rgb(255, 214, 170), 0.34);
    canvas.circle(
        (x, y),
        radius,
        Ink::radial((x - 40.0, y - 45.0), radius * 1.7, rgb(255, 250, 232), rgb(244, 205, 150)),
    );
    for (dx, dy, rx, ry, alpha) in [
        (-70.0, -66.0, 42.0, 28.0, 0.10),
        (62.0, -78.0, 30.0, 22.0, 0.09),
        (88.0, 46.0, 32.0, 40.0, 0.09),
        (-86.0, 52.0, 36.0, 27.0, 0.08),
        (-14.0, 104.0, 46.0, 20.0, 0.07),
    ] {
        canvas.ellipse((x + dx, y + dy), (rx, ry), Ink::flat(rgb(176, 110, 90), alpha));
    }
}

/// A few stars whose light comes and goes.
fn twinkle(canvas: &mut Canvas, seconds: f32) {
    let mut dice = Dice(99);
    for _ in 0..12 {
        let (x, y) = (40.0 + dice.roll() * 700.0, 20.0 + dice.roll() * 260.0);
        let (pace, phase) = (0.5 + dice.roll() * 0.7, dice.roll() * TAU);
        let light = 0.5 + 0.5 * (seconds * pace + phase).sin();
        canvas.glow((x, y), 0.5, 9.0, rgb(220, 220, 255), 0.35 * light);
        canvas.circle((x, y), 1.9, Ink::flat(rgb(255, 252, 240), 0.25 + 0.7 * light));
    }
}

/// A shooting star in the eighth second of every quarter of a minute.
fn shooting_star(canvas: &mut Canvas, seconds: f32) {
    let t = (seconds % 15.0 - 7.6) / 0.9;
    if !(0.0..1.0).contains(&t) {
        return;
    }
    let quarter = (seconds / 15.0).floor();
    let from = (690.0 - quarter * 130.0, 40.0 + quarter * 14.0);
    let light = (t * PI).sin();
    for step in 0..26 {
        let back = step as f32 / 26.0 * 0.28;
        let at = t - back;
        let place = (from.0 - 330.0 * at, from.1 + 120.0 * at);
        let alpha = light * (1.0 - step as f32 / 26.0).powi(2) * 0.5;
        canvas.circle(place, 2.4 - step as f32 * 0.07, Ink::flat(rgb(255, 250, 235), alpha));
    }
}

/// Long thin clouds, each some three pixels a second.
fn clouds(canvas: &mut Canvas, seconds: f32) {
    for (index, (x, y, rx, ry, alpha)) in [
        (180.0, 404.0, 330.0, 17.0, 0.34),
        (690.0, 452.0, 420.0, 20.0, 0.36),
        (1130.0, 418.0, 300.0, 14.0, 0.30),
        (420.0, 492.0, 380.0, 15.0, 0.34),
        (1010.0, 508.0, 420.0, 16.0, 0.36),
        (60.0, 332.0, 250.0, 12.0, 0.16),
    ]
    .into_iter()
    .enumerate()
    {
        let speed = 2.2 + index as f32 * 0.45;
        let x = (x + seconds * speed + 420.0) % (W + 840.0) - 420.0;
        let tint = if y > 440.0 { rgb(255, 190, 150) } else { rgb(240, 150, 160) };
        canvas.soft_ellipse((x, y), (rx, ry), tint, alpha);
        canvas.soft_ellipse((x + rx * 0.25, y - ry * 0.7), (rx * 0.55, ry * 0.9), tint, alpha * 0.8);
    }
}

/// Two hot-air balloons on their way, one behind the other.
fn balloons(canvas: &mut Canvas, seconds: f32) {
    let far = (400.0 - seconds * 2.1, 414.0 + 5.0 * (seconds * 0.5 + 2.0).sin());
    balloon(canvas, far, 0.42, [rgb(126, 52, 104), rgb(168, 82, 118), rgb(92, 40, 92)]);
    let near = (655.0 + seconds * 4.2, 492.0 - seconds * 0.9 + 7.0 * (seconds * 0.6).sin());
    balloon(canvas, near, 0.80, [rgb(196, 48, 62), rgb(250, 214, 150), rgb(66, 32, 74)]);
}

/// One balloon: striped envelope and basket.
fn balloon(canvas: &mut Canvas, (x, y): (f32, f32), scale: f32, [dark, light, wood]: [[u8; 3]; 3]) {
    let at = |dx: f32, dy: f32| (x + dx * scale, y + dy * scale);
    for (index, half) in [46.0_f32, 29.0, 11.0].into_iter().enumerate() {
        let tint = if index % 2 == 0 { dark } else { light };
        let (top, mouth) = (at(0.0, -58.0), at(0.0, 52.0));
        let width = half / 46.0;
        canvas.curve(
            top,
            &[
                [at(half * 1.15, -58.0), at(half * 1.25, 4.0), at(half * 0.46, 38.0)],
                [at(half * 0.30, 46.0), at(9.0 * width, 50.0), at(8.0 * width, 52.0)],
                [mouth, mouth, at(-8.0 * width, 52.0)],
                [at(-9.0 * width, 50.0), at(-half * 0.30, 46.0), at(-half * 0.46, 38.0)],
                [at(-half * 1.25, 4.0), at(-half * 1.15, -58.0), top],
            ],
            Ink::flat(tint, 1.0),
        );
    }
    canvas.soft_ellipse(at(-16.0, -24.0), (17.0 * scale, 26.0 * scale), rgb(255, 255, 255), 0.22);
    canvas.line(at(-7.0, 53.0), at(-5.0, 66.0), 1.3 * scale, Ink::flat(wood, 1.0));
    canvas.line(at(7.0, 53.0), at(5.0, 66.0), 1.3 * scale, Ink::flat(wood, 1.0));
    canvas.rounded(at(-7.0, 65.0), (14.0 * scale, 11.0 * scale), 3.0 * scale, Ink::flat(wood, 1.0));
}

/// The projector's light: a cone from the lens to the moon, with slow motes of dust. It does not flicker:
/// that would cost half of the film's bits.
fn beam(canvas: &mut Canvas, seconds: f32) {
    let (mx, my, radius) = MOON;
    let (dx, dy) = (mx - LENS.0, my - LENS.1);
    let length = dx.hypot(dy);
    let (nx, ny) = (-dy / length, dx / length);
    for (part, alpha) in [(1.0_f32, 0.10), (0.86, 0.08), (0.66, 0.07), (0.40, 0.06)] {
        let wide = radius * part;
        canvas.polygon(
            &[
                (LENS.0 + nx * 5.0 * part, LENS.1 + ny * 5.0 * part),
                (mx + nx * wide, my + ny * wide),
                (mx - nx * wide, my - ny * wide),
                (LENS.0 - nx * 5.0 * part, LENS.1 - ny * 5.0 * part),
            ],
            Ink::linear(LENS, (mx, my), rgb(255, 240, 205), alpha * 2.2, alpha * 0.25),
        );
    }
    let mut dice = Dice(4242);
    for _ in 0..16 {
        let (start, pace, side) = (dice.roll(), 0.006 + 0.010 * dice.roll(), dice.roll() * 1.5 - 0.75);
        let (phase, big) = (dice.roll() * TAU, 1.3 + dice.roll() * 1.6);
        let along = 0.06 + 0.72 * ((start + pace * seconds) % 1.0);
        let across = side * radius * along + 6.0 * (seconds * 0.4 + phase).sin();
        let at = (LENS.0 + dx * along + nx * across, LENS.1 + dy * along + ny * across);
        let light = 0.18 + 0.16 * (seconds * 0.8 + phase).sin();
        canvas.circle(at, big, Ink::flat(rgb(255, 244, 220), light));
    }
    canvas.glow(LENS, 3.0, 60.0, rgb(255, 244, 214), 0.9);
}

/// Three rows of hills, the nearest almost black.
fn hills(canvas: &mut Canvas) {
    type Wave = fn(f32) -> f32;
    let rows: [(Wave, [u8; 3], [u8; 3]); 3] = [
        (
            |x| 548.0 - 34.0 * (x / 210.0 + 0.6).sin() - 16.0 * (x / 93.0).sin(),
            [150, 70, 112],
            [196, 104, 112],
        ),
        (
            |x| 582.0 - 26.0 * (x / 168.0 + 2.4).sin() - 9.0 * (x / 61.0 + 1.0).sin(),
            [88, 42, 92],
            [112, 54, 98],
        ),
        (|x| 604.0 - 26.0 * ((x - 190.0) / 240.0).cos() - 5.0 * (x / 77.0).sin(), [30, 18, 48], [20, 12, 36]),
    ];
    for (wave, top, foot) in rows {
        let mut points = vec![(-8.0, H), (-8.0, wave(-8.0))];
        points.extend((0..=162).map(|i| (i as f32 * 8.0, wave(i as f32 * 8.0))));
        points.push((W + 16.0, H));
        canvas.polygon(&points, Ink::linear_tints((0.0, 520.0), (0.0, 640.0), top, foot));
    }
}

/// The projector on its three legs.
fn projector(canvas: &mut Canvas) {
    let dark = Ink::flat(rgb(18, 11, 32), 1.0);
    for foot in [-34.0, 0.0, 34.0] {
        canvas.line((200.0, 570.0), (200.0 + foot, 616.0), 4.0, dark);
    }
    canvas.rounded((172.0, 540.0), (56.0, 34.0), 6.0, dark);
    canvas.rounded((224.0, 546.0), (15.0, 16.0), 3.0, dark);
    for (x, y, radius) in [(186.0, 520.0, 21.0), (220.0, 527.0, 15.0)] {
        canvas.circle((x, y), radius, dark);
        for spoke in 0..5 {
            let angle = spoke as f32 / 5.0 * TAU + 0.4;
            let hole = (x + angle.cos() * radius * 0.58, y + angle.sin() * radius * 0.58);
            canvas.circle(hole, radius * 0.20, Ink::flat(rgb(196, 104, 112), 1.0));
        }
    }
    canvas.circle((186.0, 552.0), 3.0, Ink::flat(rgb(255, 196, 90), 1.0));
}

/// The audience on the near hill, seen from behind.
fn people(canvas: &mut Canvas) {
    let dark = rgb(14, 9, 26);
    for (x, scale, lean) in [
        (478.0, 0.92, 2.0),
        (514.0, 0.74, -1.0),
        (566.0, 1.0, 5.0),
        (606.0, 0.95, -5.0),
        (716.0, 0.86, 0.0),
        (752.0, 0.62, 2.0),
        (788.0, 0.9, -2.0),
    ] {
        let foot = 626.0;
        let head = (x + lean, foot - 60.0 * scale);
        canvas.circle(head, 11.5 * scale, Ink::flat(dark, 1.0));
        let at = |dx: f32, dy: f32| (x + dx * scale, foot + dy * scale);
        canvas.curve(
            at(-25.0, 14.0),
            &[
                [at(-27.0, -22.0), at(-22.0, -44.0), at(lean, -47.0)],
                [at(22.0, -44.0), at(27.0, -22.0), at(25.0, 14.0)],
            ],
            Ink::flat(dark, 1.0),
        );
    }
}

/// Title and what the film is.
fn words(canvas: &mut Canvas, title: &Font, text: &Font) {
    let place = (84.0, 268.0);
    let shadow = title.path("Matinee", (place.0 + 3.0, place.1 + 5.0), 138.0, 0.0, Align::Left);
    canvas.path(shadow, Ink::flat(rgb(10, 8, 34), 0.55));
    let letters = title.path("Matinee", place, 138.0, 0.0, Align::Left);
    canvas
        .path(letters, Ink::linear_tints((0.0, 165.0), (0.0, 275.0), rgb(255, 250, 232), rgb(255, 204, 120)));
    let line = text.path("YOUR FILMS  ·  YOUR SERVER  ·  YOUR KEYS", (90.0, 322.0), 21.0, 3.2, Align::Left);
    canvas.path(line, Ink::flat(rgb(255, 230, 205), 0.92));
}

/// The film's edge, empty.
fn strip(canvas: &mut Canvas) {
    canvas.rounded((-20.0, STRIP), (W + 40.0, 200.0), 0.0, Ink::flat(rgb(0, 0, 0), 1.0));
    canvas.rounded((-20.0, STRIP - 3.0), (W + 40.0, 3.0), 0.0, Ink::flat(rgb(238, 180, 92), 1.0));
}

/// Guards, number and lamps on the strip.
fn cells(canvas: &mut Canvas, mark: Mark) {
    let pitch = W / COLUMNS as f32;
    let side = pitch * 0.75;
    let y = STRIP_Y * H;
    for column in 0..COLUMNS {
        let x = (column as f32 + 0.5) * pitch;
        let white = mark.white(column);
        if demo_film::LAMPS.contains(&column) {
            if white {
                canvas.circle((x, y), side / 2.0, Ink::flat(rgb(255, 255, 255), 1.0));
            } else {
                canvas.circle((x, y), side / 2.0, Ink::flat(rgb(112, 74, 30), 1.0));
                canvas.circle((x, y), side / 2.0 - 4.0, Ink::flat(rgb(20, 12, 6), 1.0));
            }
        } else if (2..COLUMNS - 2).contains(&column) {
            let tint = if white { rgb(255, 255, 255) } else { rgb(28, 25, 34) };
            canvas.rounded((x - side / 2.0, y - side / 2.0), (side, side), 7.0, Ink::flat(tint, 1.0));
        }
    }
}
