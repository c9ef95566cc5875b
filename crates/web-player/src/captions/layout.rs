//! Where the box of a cue goes (W3C, WebVTT: The Web Video Text Tracks Format, 3.1 and 7.2).
//!
//! Unlike there, no cue is left out where there is no room, and boxes are as wide as their words: cues that
//! stand side by side do not push each other away.

/// A rectangle, in pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Rect {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

impl Rect {
    pub(super) fn right(self) -> f64 {
        self.x + self.width
    }

    pub(super) fn bottom(self) -> f64 {
        self.y + self.height
    }

    /// What both have; `None`: nothing.
    pub(super) fn common(self, other: Self) -> Option<Self> {
        let (x, y) = (self.x.max(other.x), self.y.max(other.y));
        let (right, bottom) = (self.right().min(other.right()), self.bottom().min(other.bottom()));
        (right > x && bottom > y).then_some(Self { x, y, width: right - x, height: bottom - y })
    }

    /// Smaller by a part of it on each side.
    pub(super) fn inside(self, part_of_width: f64, part_of_height: f64) -> Self {
        let (x, y) = (self.width * part_of_width, self.height * part_of_height);
        Self { x: self.x + x, y: self.y + y, width: self.width - 2.0 * x, height: self.height - 2.0 * y }
    }

    /// The picture of this size in it, as large as can be, in the middle (`object-fit: contain`).
    pub(super) fn contained(self, (width, height): (f64, f64)) -> Self {
        if width <= 0.0 || height <= 0.0 {
            return self;
        }
        let scale = (self.width / width).min(self.height / height);
        let (width, height) = (width * scale, height * scale);
        let (x, y) = (self.x + (self.width - width) / 2.0, self.y + (self.height - height) / 2.0);
        Self { x, y, width, height }
    }

    fn transposed(self) -> Self {
        Self { x: self.y, y: self.x, width: self.height, height: self.width }
    }

    fn mirrored(self) -> Self {
        Self { y: -self.bottom(), ..self }
    }

    /// With `x` along the lines, and `y` from line to line.
    fn logical(self, writing: Writing) -> Self {
        match writing {
            Writing::Horizontal => self,
            Writing::GrowingRight => self.transposed(),
            Writing::GrowingLeft => self.transposed().mirrored(),
        }
    }

    /// Back from there.
    fn physical(self, writing: Writing) -> Self {
        match writing {
            Writing::Horizontal => self,
            Writing::GrowingRight => self.transposed(),
            Writing::GrowingLeft => self.mirrored().transposed(),
        }
    }
}

/// How lines run, and where the next one is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Writing {
    /// The next line is below.
    #[default]
    Horizontal,
    /// Lines run down, and the next one is to the right (`vertical:lr`).
    GrowingRight,
    /// Lines run down, and the next one is to the left (`vertical:rl`).
    GrowingLeft,
}

/// Which part of a box is at a place, or of its words at its edge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Align {
    /// Where text of its direction begins.
    Start,
    #[default]
    Center,
    End,
    /// Left, or above where lines run down.
    Left,
    Right,
}

impl Align {
    /// How much of what is left over goes before it, 0 to 1.
    fn lead(self, right_to_left: bool) -> f64 {
        match (self, right_to_left) {
            (Self::Left, _) | (Self::Start, false) | (Self::End, true) => 0.0,
            (Self::Center, _) => 0.5,
            (Self::Right, _) | (Self::Start, true) | (Self::End, false) => 1.0,
        }
    }
}

/// A cue's settings. Sizes and places are in percent of the picture; lines that snap are numbers, from the
/// end where they are negative.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Placement {
    pub(super) writing: Writing,
    /// `None`: `auto`.
    pub(super) line: Option<f64>,
    pub(super) snaps: bool,
    pub(super) line_align: Align,
    /// `None`: `auto`.
    pub(super) position: Option<f64>,
    /// `None`: `auto`.
    pub(super) position_align: Option<Align>,
    pub(super) size: f64,
    pub(super) align: Align,
}

impl Default for Placement {
    /// As of a cue without settings.
    fn default() -> Self {
        Self {
            writing: Writing::Horizontal,
            line: None,
            snaps: true,
            line_align: Align::Start,
            position: None,
            position_align: None,
            size: 100.0,
            align: Align::Center,
        }
    }
}

/// What was measured of a cue's words.
#[derive(Clone, Copy, Debug)]
pub(super) struct Words {
    pub(super) width: f64,
    pub(super) height: f64,
    /// From one line to the next.
    pub(super) line: f64,
    pub(super) right_to_left: bool,
}

/// Where cues can be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    /// What percents are of.
    pub(super) picture: Rect,
    /// What of it is free: cues do not go beyond.
    pub(super) free: Rect,
}

/// Where to look for room.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    Back,
    Forth,
    Either,
}

impl Placement {
    /// Where the line's part for the cue begins, and how long it is, in percent (7.2, steps 5 to 8).
    fn part(&self, right_to_left: bool) -> (f64, f64) {
        let position = self.position.unwrap_or(match self.align {
            Align::Left => 0.0,
            Align::Right => 100.0,
            Align::Start | Align::Center | Align::End => 50.0,
        });
        let position = position.clamp(0.0, 100.0);
        let before = self.position_align.unwrap_or(self.align).lead(right_to_left);
        let most = match before {
            0.0 => 100.0 - position,
            1.0 => position,
            _ => 2.0 * position.min(100.0 - position),
        };
        let size = self.size.clamp(0.0, most);
        (position - size * before, size)
    }

    /// The longest that a line may be, in pixels.
    pub(super) fn longest(&self, right_to_left: bool, room: Room) -> f64 {
        let (_, size) = self.part(right_to_left);
        let (picture, free) = (room.picture.logical(self.writing), room.free.logical(self.writing));
        (picture.width * size / 100.0).min(free.width)
    }

    /// Where the words go, beside those that are there.
    pub(super) fn place(&self, words: Words, room: Room, taken: &[Rect]) -> Rect {
        let logical = |rect: Rect| rect.logical(self.writing);
        let (picture, free) = (logical(room.picture), logical(room.free));
        let own = logical(Rect { width: words.width, height: words.height, ..Rect::default() });
        let (start, size) = self.part(words.right_to_left);
        let rest = picture.width * size / 100.0 - own.width;
        let x = picture.x + picture.width * start / 100.0 + rest * self.align.lead(words.right_to_left);
        let x = within(x, free.x, free.right() - own.width);
        let (wanted, way) = match self.line {
            line if !self.snaps => {
                let line = picture.height * line.unwrap_or(100.0).clamp(0.0, 100.0) / 100.0;
                let start = line - own.height * self.line_align.lead(false);
                // From the left, whichever way the lines go (7.2, step 10).
                let y = match self.writing {
                    Writing::GrowingLeft => picture.bottom() - start - own.height,
                    Writing::Horizontal | Writing::GrowingRight => picture.y + start,
                };
                (y, Way::Either)
            }
            Some(line) if line.round() >= 0.0 => (free.y + line.round() * words.line, Way::Forth),
            line => (free.bottom() + line.unwrap_or(-1.0).round() * words.line, Way::Back),
        };
        let beside = |other: &Rect| other.x < x + own.width - NOTHING && x < other.right() - NOTHING;
        let others: Vec<Rect> = taken.iter().copied().map(logical).filter(beside).collect();
        let y = look_for_room(wanted, way, own.height, (free.y, free.bottom()), &others);
        Rect { x, y, ..own }.physical(self.writing)
    }
}

/// Not below the least, and not above the most, unless there is no such place.
fn within(value: f64, least: f64, most: f64) -> f64 {
    value.min(most).max(least)
}

/// What is less than this does not count, in pixels.
const NOTHING: f64 = 0.01;

/// The place nearest to the wanted one at which there is room; where there is none, others are covered.
fn look_for_room(wanted: f64, way: Way, length: f64, (from, to): (f64, f64), others: &[Rect]) -> f64 {
    let last = to - length;
    let is_free = |at: &f64| {
        let inside = *at >= from - NOTHING && *at <= last + NOTHING;
        let apart = |other: &Rect| at + length <= other.y + NOTHING || *at >= other.bottom() - NOTHING;
        inside && others.iter().all(apart)
    };
    let wrong_way = |at: f64| match way {
        Way::Back => at > wanted + NOTHING,
        Way::Forth => at < wanted - NOTHING,
        Way::Either => false,
    };
    let beside = others.iter().flat_map(|other| [other.y - length, other.bottom()]);
    let nearer = |one: &f64, other: &f64| {
        let distance = |at: f64| (at - wanted).abs();
        wrong_way(*one).cmp(&wrong_way(*other)).then(distance(*one).total_cmp(&distance(*other)))
    };
    [wanted, from, last]
        .into_iter()
        .chain(beside)
        .filter(is_free)
        .min_by(nearer)
        .unwrap_or_else(|| within(wanted, from, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PICTURE: Rect = Rect { x: 0.0, y: 0.0, width: 1000.0, height: 500.0 };
    const ROOM: Room =
        Room { picture: PICTURE, free: Rect { x: 20.0, y: 20.0, width: 960.0, height: 460.0 } };
    const WORDS: Words = Words { width: 300.0, height: 60.0, line: 30.0, right_to_left: false };

    fn at(placement: Placement, words: Words) -> (f64, f64) {
        let rect = placement.place(words, ROOM, &[]);
        (rect.x, rect.y)
    }

    #[test]
    fn without_settings_a_cue_stands_in_the_middle_below() {
        assert_eq!(at(Placement::default(), WORDS), (350.0, 420.0));
    }

    #[test]
    fn lines_are_numbers_or_parts_of_the_picture() {
        let line = |line: f64| Placement { line: Some(line), ..Placement::default() };
        let part = |part: f64, line_align| Placement { snaps: false, line_align, ..line(part) };
        for (placement, y) in [
            (line(0.0), 20.0),
            (line(2.0), 80.0),
            (line(-1.0), 420.0),
            (line(-3.0), 390.0),
            (line(100.0), 420.0),
            (line(-100.0), 20.0),
            (part(50.0, Align::Start), 250.0),
            (part(50.0, Align::Center), 220.0),
            (part(50.0, Align::End), 190.0),
            (part(0.0, Align::Start), 20.0),
            (part(100.0, Align::Start), 420.0),
        ] {
            assert_eq!(at(placement, WORDS).1, y, "{placement:?}");
        }
    }

    #[test]
    fn positions_are_of_the_part_that_the_alignment_says() {
        let plain = Placement { size: 40.0, ..Placement::default() };
        let rtl = Words { right_to_left: true, ..WORDS };
        for (placement, words, x) in [
            (Placement { position: Some(30.0), ..plain }, WORDS, 150.0),
            (Placement { position: Some(30.0), align: Align::Start, ..plain }, WORDS, 300.0),
            (Placement { position: Some(50.0), align: Align::Start, ..plain }, rtl, 200.0),
            (Placement { position: Some(50.0), align: Align::End, ..plain }, WORDS, 200.0),
            (Placement { position: Some(50.0), align: Align::End, ..plain }, rtl, 500.0),
            (Placement { align: Align::Left, ..plain }, WORDS, 20.0),
            (Placement { align: Align::Right, ..plain }, WORDS, 680.0),
            (
                Placement {
                    position: Some(10.0),
                    position_align: Some(Align::Left),
                    align: Align::Right,
                    ..plain
                },
                WORDS,
                200.0,
            ),
        ] {
            assert_eq!(at(placement, words).0, x, "{placement:?}");
        }
    }

    #[test]
    fn a_line_is_no_longer_than_its_part_and_the_room() {
        let half = Placement { position: Some(25.0), ..Placement::default() };
        assert_eq!(half.longest(false, ROOM), 500.0);
        assert_eq!(Placement::default().longest(false, ROOM), 960.0);
        let down = Placement { writing: Writing::GrowingLeft, ..Placement::default() };
        assert_eq!(down.longest(false, ROOM), 460.0);
    }

    #[test]
    fn lines_that_run_down_begin_at_their_side() {
        let words = Words { width: 60.0, height: 200.0, ..WORDS };
        let of = |writing, line| Placement { writing, line, ..Placement::default() };
        assert_eq!(at(of(Writing::GrowingLeft, Some(0.0)), words), (920.0, 150.0));
        assert_eq!(at(of(Writing::GrowingLeft, None), words), (20.0, 150.0));
        assert_eq!(at(of(Writing::GrowingRight, Some(0.0)), words), (20.0, 150.0));
        assert_eq!(at(of(Writing::GrowingRight, None), words), (920.0, 150.0));
        for writing in [Writing::GrowingLeft, Writing::GrowingRight] {
            let part = Placement { snaps: false, ..of(writing, Some(30.0)) };
            assert_eq!(at(part, words), (300.0, 150.0), "parts are from the left");
        }
    }

    #[test]
    fn cues_at_the_same_place_stand_one_above_the_other() {
        let cue = Placement::default();
        let first = cue.place(WORDS, ROOM, &[]);
        let second = cue.place(WORDS, ROOM, &[first]);
        assert_eq!((first.y, second.y), (420.0, 360.0));
        let top = Placement { line: Some(0.0), ..cue };
        let first = top.place(WORDS, ROOM, &[]);
        assert_eq!(top.place(WORDS, ROOM, &[first]).y, 80.0);
    }

    #[test]
    fn cues_side_by_side_leave_each_other_alone() {
        let left = Placement { align: Align::Left, ..Placement::default() };
        let right = Placement { align: Align::Right, ..Placement::default() };
        let first = left.place(WORDS, ROOM, &[]);
        assert_eq!(right.place(WORDS, ROOM, &[first]).y, first.y);
    }

    /// What is too high to be seen whole is seen from its beginning.
    #[test]
    fn a_cue_that_is_higher_than_the_room_begins_in_it() {
        assert_eq!(at(Placement::default(), Words { height: 900.0, ..WORDS }).1, 20.0);
    }

    /// Whatever the settings: in the room, and apart, as long as there is room.
    #[test]
    fn cues_stay_in_the_room_and_apart() {
        let aligns = [Align::Start, Align::Center, Align::End, Align::Left, Align::Right];
        let lines = [None, Some(-9.0), Some(-1.0), Some(0.0), Some(4.0), Some(50.0), Some(100.0)];
        for writing in [Writing::Horizontal, Writing::GrowingRight, Writing::GrowingLeft] {
            for (align, line) in aligns.into_iter().flat_map(|align| lines.map(|line| (align, line))) {
                for (snaps, position) in [(true, None), (false, Some(10.0)), (true, Some(95.0))] {
                    let placement =
                        Placement { writing, align, line, snaps, position, ..Placement::default() };
                    let mut taken: Vec<Rect> = Vec::new();
                    for n in 0..4 {
                        let right_to_left = n % 2 == 1;
                        let words = Words { width: 90.0, height: 80.0, line: 40.0, right_to_left };
                        let rect = placement.place(words, ROOM, &taken);
                        let inside = rect.common(ROOM.free).unwrap();
                        assert!((inside.width - 90.0).abs() < 0.1 && (inside.height - 80.0).abs() < 0.1);
                        for other in &taken {
                            let both = rect.common(*other).map_or(0.0, |both| both.width.min(both.height));
                            assert!(both < 0.1, "{placement:?}: {rect:?} on {other:?}");
                        }
                        taken.push(rect);
                    }
                }
            }
        }
    }

    #[test]
    fn the_picture_is_where_the_browser_has_it() {
        let stage = Rect { x: 0.0, y: 0.0, width: 400.0, height: 800.0 };
        let rect = Rect { x: 0.0, y: 287.5, width: 400.0, height: 225.0 };
        assert_eq!(stage.contained((1280.0, 720.0)), rect);
        assert_eq!(stage.contained((0.0, 0.0)), stage, "before it has a size");
    }
}
