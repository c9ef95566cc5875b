//! A server that publishes a film while it plays: segments are files, of which the newest can be fetched.

use std::{collections::BTreeMap, ops::Range, time::Duration};

use engine::{
    Config, Event,
    index::{IndexUpdate, Location, NewSegments, Segment},
    model::{Layout, Presentation, Representation, SegmentFiles, Source, Timeline},
};

use super::{BEGINS, Film, SEGMENT, World, count};

/// The number of the film's first segment.
pub const FIRST: u64 = 7000;
/// Bytes of an init segment.
pub const INIT: u64 = 1000;

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
    next: Duration,
    question: Option<(Duration, Option<u64>)>,
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

    /// Places in the film that can be fetched.
    pub fn places(&self) -> Range<usize> {
        self.published.saturating_sub(self.window)..self.published
    }
}

impl Film {
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
        NewSegments { representation: id.into(), first, segments: places.map(segment).collect() }
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
        let all = count(self.duration);
        let Some(broadcast) = &mut self.broadcast else { return };
        if broadcast.stopped {
            broadcast.next += step;
        } else if now >= broadcast.next && broadcast.published < all {
            broadcast.published += 1;
            broadcast.next += Duration::from_secs_f64(SEGMENT);
        }
        let Some((_, since)) = broadcast.question.filter(|(asked, _)| now >= *asked + rtt) else { return };
        broadcast.question = None;
        if !broadcast.answers || gone {
            return self.tell(Event::IndexFailed);
        }
        let places = broadcast.places();
        let known = since.map_or(0, |since| (since - FIRST) as usize);
        let (sized, published) = (broadcast.sized, broadcast.published);
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
                .map(|(file, end)| self.film.files(&file.id, from.min(end)..end, sized))
                .collect(),
            finished: published == all,
        };
        self.tell(Event::IndexUpdate(update));
    }

    pub(super) fn ask(&mut self, since: Option<u64>) {
        let now = self.now;
        let server = self.server();
        assert_eq!(server.question, None, "one question at a time");
        server.question = Some((now, since));
        server.asked += 1;
    }

    /// What a URL of the broadcast is of: the place of its segment, none for an init segment; and the
    /// file's size. Not the file, when it cannot be had any more.
    pub(super) fn look_up(&self, id: &str, url: &str) -> (Option<usize>, Option<u64>) {
        let broadcast = self.broadcast.as_ref().unwrap();
        let path = url.split_once('?').unwrap().0;
        let path = path.split_once("/range/").map_or(path, |(path, _)| path);
        let name = path.rsplit_once(&format!("/{id}/")).unwrap().1;
        if name == "init.mp4" {
            return (None, Some(INIT));
        }
        let number: u64 = name.strip_suffix(".m4s").unwrap().parse().unwrap();
        assert!(broadcast.told <= number, "{number} has left the window");
        let place = (number - FIRST) as usize;
        assert!(place < broadcast.end_of(id), "{number} is not there yet");
        let size = self.film.file(id).sizes[place];
        (Some(place), broadcast.places().contains(&place).then_some(size))
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
