//! A server that publishes a film while it plays: segments are files, of which the newest can be fetched.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    time::Duration,
};

use engine::{
    Config, Event, FetchSpec, IndexQuestion,
    index::{IndexUpdate, Location, NewSegments, Part, Segment, SegmentParts},
    model::{Layout, Presentation, Representation, SegmentFiles, Source, Timeline},
};

use super::{BEGINS, Film, SEGMENT, World, count};

/// The number of the film's first segment.
pub const FIRST: u64 = 7000;
/// Bytes of an init segment.
pub const INIT: u64 = 1000;
/// A question that waits for a part is answered after this, whatever there is.
const PATIENCE: Duration = Duration::from_secs(12);
/// Parts are told of so many of the latest whole segments.
const WITH_PARTS: usize = 3;

/// A question for the index, and since when there is what it waits for.
#[derive(Clone, Debug)]
struct Asked {
    at: Duration,
    question: IndexQuestion,
    there: Option<Duration>,
}

#[derive(Clone, Debug)]
pub struct Broadcast {
    /// How many segments have been published.
    pub published: usize,
    /// How many of them can be fetched.
    pub window: usize,
    /// Seconds behind the edge at which viewers join.
    pub distance: f64,
    /// Where the viewer wants to join instead.
    pub start: Option<f64>,
    /// Whether the index gives sizes.
    pub sized: bool,
    /// The encoder has stopped, and nothing is published.
    pub stopped: bool,
    /// A representation that is not published any more, from some place on.
    pub silent: Option<(String, usize)>,
    /// Whether the index can be had.
    pub answers: bool,
    /// How often it was asked for.
    pub asked: usize,
    /// Seconds of a part, where segments are published in parts.
    pub part: Option<f64>,
    /// Whether the part that comes next may be asked for, and is waited for.
    pub hints: bool,
    /// CDNs that do not give the index.
    pub without_index: BTreeSet<String>,
    next: Duration,
    question: Option<Asked>,
    /// The oldest number that the viewer was told of.
    told: u64,
}

impl Broadcast {
    /// So many segments are published, and so many of them can be fetched.
    pub fn new(published: usize, window: usize) -> Self {
        Self {
            published,
            window,
            distance: 10.0,
            start: None,
            sized: true,
            stopped: false,
            silent: None,
            answers: true,
            asked: 0,
            part: None,
            hints: false,
            without_index: BTreeSet::new(),
            next: BEGINS + Duration::from_secs_f64(SEGMENT),
            question: None,
            told: 0,
        }
    }

    /// Behind the last place that is published of a representation.
    fn end_of(&self, id: &str) -> usize {
        let silent = self.silent.as_ref().filter(|(silent, _)| silent == id);
        silent.map_or(self.published, |(_, from)| self.published.min(*from))
    }

    /// How far the encoder is in the segment that is being made, in seconds.
    fn made(&self, now: Duration) -> f64 {
        SEGMENT - self.next.saturating_sub(now).as_secs_f64()
    }

    /// How many parts there are of the segment that is being made. The last one comes with the whole.
    fn open_parts(&self, now: Duration) -> usize {
        self.part
            .map_or(0, |part| ((self.made(now) / part + 1e-9).max(0.0) as usize).min(in_segment(part) - 1))
    }

    /// Whether there is a part.
    pub(super) fn has(&self, (number, part): (u64, usize), now: Duration) -> bool {
        let open = FIRST + self.published as u64;
        number < open || (number == open && part < self.open_parts(now))
    }

    /// Whether a part is the one that comes next, and may be asked for.
    fn hints_at(&self, part: (u64, usize), now: Duration) -> bool {
        self.hints && part == (FIRST + self.published as u64, self.open_parts(now))
    }

    /// Places in the film that can be fetched.
    pub fn places(&self) -> Range<usize> {
        self.published.saturating_sub(self.window)..self.published
    }
}

/// How many parts of so many seconds a segment has.
fn in_segment(part: f64) -> usize {
    ((SEGMENT / part).round() as usize).max(1)
}

/// Bytes of one of so many parts.
fn size_of_part(whole: u64, part: usize, count: usize) -> u64 {
    let each = whole / count as u64;
    if part + 1 == count { whole - each * (count as u64 - 1) } else { each }
}

impl Film {
    /// The first parts, of so many seconds, of the segment at a place.
    pub fn parts(&self, id: &str, place: usize, part: f64, how_many: usize) -> SegmentParts {
        let (whole, count) = (self.file(id).sizes[place], in_segment(part));
        let one = |n: usize| Part { duration: part, size: size_of_part(whole, n, count) };
        SegmentParts {
            number: FIRST + place as u64,
            start: place as f64 * SEGMENT,
            parts: (0..how_many.min(count)).map(one).collect(),
        }
    }

    pub fn broadcast(&self, broadcast: &Broadcast, generation: u32, urls_valid: Duration) -> Presentation {
        let files = SegmentFiles { init: "init.mp4".into(), media: "$Number$.m4s".into() };
        let representation = |mut plain: Representation| {
            plain.layout = Layout::SegmentFiles(files.clone());
            plain.sources = ["one", "two"]
                .map(|cdn| Source {
                    cdn: cdn.into(),
                    url: format!("https://{cdn}/{}/?g={generation}", plain.id),
                })
                .to_vec();
            plain
        };
        let plain = self.presentation(0.0, generation, urls_valid);
        Presentation {
            timeline: Timeline::Growing { distance: broadcast.distance },
            start: broadcast.start,
            representations: plain.representations.into_iter().map(representation).collect(),
            ..plain
        }
    }

    /// The segments of some places as the index of a broadcast gives them.
    pub fn files(&self, id: &str, places: Range<usize>, sized: bool) -> NewSegments {
        let segment = |place: usize| {
            let part = self.segment(id, place);
            let size = sized.then(|| part.range.length());
            Segment { location: Location::File { size }, start: part.start, end: part.end }
        };
        let first = FIRST + places.start as u64;
        let segments = places.map(segment).collect();
        NewSegments { representation: id.into(), first, segments, parts: vec![], hint: None }
    }
}

impl World {
    /// The film of six rungs, so many seconds long, of which so many segments are published; so many of
    /// them can be fetched. The rest comes in real time, once the viewer has tuned in.
    pub fn broadcast(length: f64, published: usize, window: usize) -> Self {
        let mut world = Self::with(Film::ladder(length, 3), 0.0, Config { seed: 7, ..Config::default() });
        world.fragments = 4;
        world.broadcast = Some(Broadcast::new(published, window));
        world
    }

    pub fn server(&mut self) -> &mut Broadcast {
        self.broadcast.as_mut().unwrap()
    }

    /// Seconds that can be fetched.
    pub fn available(&self) -> Range<f64> {
        let places = self.broadcast.as_ref().unwrap().places();
        places.start as f64 * SEGMENT..(places.end as f64 * SEGMENT).min(self.duration)
    }

    /// What is published in this step, and the answer to a question about it.
    pub(super) fn publish(&mut self) {
        let (now, step, rtt, gone) = (self.now, self.step, self.rtt, self.gone);
        let late = self.question_late;
        let all = count(self.duration);
        let Some(broadcast) = &mut self.broadcast else { return };
        if broadcast.stopped {
            broadcast.next += step;
        } else if now >= broadcast.next && broadcast.published < all {
            broadcast.published += 1;
            broadcast.next += Duration::from_secs_f64(SEGMENT);
        }
        let Some(mut asked) = broadcast.question.take() else { return };
        // Who waits for a part is answered when there is one; everybody else at once.
        let waits = asked.question.part.is_some_and(|part| !broadcast.has(part, now));
        if asked.there.is_none() && (!waits || now >= asked.at + PATIENCE) {
            asked.there = Some(if asked.question.part.is_some() { now } else { asked.at });
        }
        let fails = !broadcast.answers
            || gone
            || asked.question.cdn.as_ref().is_some_and(|cdn| broadcast.without_index.contains(cdn));
        let due = if fails { Some(asked.at) } else { asked.there };
        if due.is_none_or(|there| now < (there + rtt / 2 + late).max(asked.at + rtt)) {
            broadcast.question = Some(asked);
            return;
        }
        if fails {
            return self.tell(Event::IndexFailed);
        }
        let since = asked.question.since;
        // What has been published meanwhile is not in the answer.
        let (part, open) = (broadcast.part, broadcast.open_parts(now.saturating_sub(rtt / 2)));
        let places = broadcast.places();
        let known = since.map_or(0, |since| (since - FIRST) as usize);
        let (sized, published, hints) = (broadcast.sized, broadcast.published, broadcast.hints);
        let ends: Vec<_> = self.film.files.iter().map(|file| broadcast.end_of(&file.id)).collect();
        broadcast.told = FIRST + places.start as u64;
        let from = places.start.max(known);
        let update = IndexUpdate {
            first: broadcast.told,
            added: self
                .film
                .files
                .iter()
                .zip(ends)
                .map(|(file, end)| {
                    let mut new = self.film.files(&file.id, from.min(end)..end, sized);
                    let latest = end.saturating_sub(WITH_PARTS).max(from.min(end))..end;
                    if let Some(part) = part {
                        let goes_on = hints && end == published && published < all;
                        new.hint = goes_on.then_some((FIRST + published as u64, open));
                        new.parts = latest
                            .map(|place| self.film.parts(&file.id, place, part, usize::MAX))
                            // Of one that has fallen silent nothing is being made.
                            .chain(
                                (end == published && published < all)
                                    .then(|| self.film.parts(&file.id, published, part, open)),
                            )
                            .filter(|of| !of.parts.is_empty())
                            .collect();
                    }
                    new
                })
                .collect(),
            finished: published == all,
        };
        self.tell(Event::IndexUpdate(update));
    }

    pub(super) fn ask(&mut self, question: IndexQuestion) {
        let at = self.now;
        let server = self.server();
        assert!(server.question.is_none(), "one question at a time");
        server.question = Some(Asked { at, question, there: None });
        server.asked += 1;
        self.question_late = self.lost(1);
    }

    /// How far the encoder is, in seconds of the film: what it sees now.
    pub fn encoded(&self) -> f64 {
        let broadcast = self.broadcast.as_ref().unwrap();
        broadcast.published as f64 * SEGMENT + broadcast.made(self.now)
    }

    /// Where a part of a segment is, and how many bytes it has.
    pub(super) fn span_of_part(&self, id: &str, place: usize, part: usize) -> (f64, f64, u64) {
        let length = self.broadcast.as_ref().unwrap().part.unwrap();
        let of = self.film.parts(id, place, length, usize::MAX);
        let (start, end) = of.span(part).unwrap();
        (start, end, of.parts[part].size)
    }

    /// Notes how much later than the encoder has made it a part has come.
    pub(super) fn note_part(&mut self, spec: &FetchSpec) {
        let Some(download) = self.downloads.get(&spec.fetch) else { return };
        let (Some(place), Some(part)) = (download.place, download.part) else { return };
        let end = self.span_of_part(&spec.representation, place, part).1;
        let late = self.encoded() - end;
        self.parts_late.push(late);
    }

    /// What a URL of the broadcast is of: the place of its segment and the number of its part, none for an
    /// init segment; and the file's size. Not the file, when it cannot be had any more.
    pub(super) fn look_up(&self, id: &str, url: &str) -> (Option<(usize, Option<usize>)>, Option<u64>) {
        let broadcast = self.broadcast.as_ref().unwrap();
        let path = url.split_once('?').unwrap().0;
        let path = path.split_once("/range/").map_or(path, |(path, _)| path);
        let name = path.rsplit_once(&format!("/{id}/")).unwrap().1;
        if name == "init.mp4" {
            return (None, Some(INIT));
        }
        let name = name.strip_suffix(".m4s").unwrap();
        if let Some((number, part)) = name.split_once('.') {
            let (number, part): (u64, usize) = (number.parse().unwrap(), part.parse().unwrap());
            assert!(broadcast.told <= number, "{number} has left the window");
            let there = broadcast.has((number, part), self.now);
            assert!(there || broadcast.hints_at((number, part), self.now), "{name} is not there yet");
            let place = (number - FIRST) as usize;
            return (Some((place, Some(part))), Some(self.span_of_part(id, place, part).2));
        }
        let number: u64 = name.parse().unwrap();
        assert!(broadcast.told <= number, "{number} has left the window");
        let place = (number - FIRST) as usize;
        assert!(place < broadcast.end_of(id), "{number} is not there yet");
        let size = self.film.file(id).sizes[place];
        (Some((place, None)), broadcast.places().contains(&place).then_some(size))
    }

    /// How often each segment was asked for, by representation and number.
    pub fn asked_for(&self) -> BTreeMap<String, usize> {
        let mut asked = BTreeMap::new();
        for spec in self.fetches().into_iter().filter(|spec| spec.offset == 0) {
            let path = spec.url.split_once('?').unwrap().0;
            *asked.entry(path.splitn(4, '/').nth(3).unwrap().to_owned()).or_default() += 1;
        }
        asked
    }
}
