//! What encoders send by RTMP, into a session.

use crate::encoder::Tape;
use crate::world::{NOW, SESSION, decrypt, keys};
use bytes::Bytes;
use cenc::Scheme;
use isobmff::InitSegment;
use live::{Broadcast, Event, FlvIngest, FlvIngestError, FlvInput, Handle, InputSample, Settings};
use proptest::prelude::*;
use rtmp::{Media, MediaKind};

/// A message of the old form: configuration or picture.
fn picture(time: u32, kind: u8, sync: bool, composition: i32, data: &[u8]) -> Media {
    let composition = composition.to_be_bytes();
    let head = [if sync { 0x17 } else { 0x27 }, kind, composition[1], composition[2], composition[3]];
    Media { kind: MediaKind::Video, time, payload: [&head[..], data].concat().into() }
}

fn sound(time: u32, kind: u8, data: &[u8]) -> Media {
    Media { kind: MediaKind::Audio, time, payload: [&[0xaf, kind][..], data].concat().into() }
}

/// The demo film as an encoder publishes it, its times from `from` on, rounded to milliseconds.
fn messages(seconds: u32, from: u32) -> Vec<Media> {
    let (video, audio) = (Tape::video(seconds), Tape::audio(seconds));
    let mut all = vec![
        picture(from, 0, true, 0, video.config.as_deref().unwrap()),
        // AAC-LC, 48,000, two channels.
        sound(from, 0, &[0x11, 0x90]),
    ];
    let millis = |tape: &Tape, ticks: i64| ticks * 1000 / i64::from(tape.timescale);
    let mut decode = 0;
    for (sample, data) in &video.samples {
        let composition = millis(&video, sample.time) - millis(&video, decode);
        let time = from.wrapping_add(millis(&video, decode) as u32);
        all.push(picture(time, 1, sample.sync, composition as i32, data));
        decode += i64::from(sample.duration);
    }
    decode = 0;
    for (sample, data) in &audio.samples {
        all.push(sound(from.wrapping_add(millis(&audio, decode) as u32), 1, data));
        decode += i64::from(sample.duration);
    }
    // In the order of their times, configurations first.
    all[2..].sort_by_key(|media| media.time.wrapping_sub(from));
    all
}

fn samples(inputs: Vec<FlvInput>, id: u32) -> Vec<InputSample> {
    let of = |input| match input {
        FlvInput::Samples { track, samples } if track == id => samples,
        _ => Vec::new(),
    };
    inputs.into_iter().flat_map(of).collect()
}

/// A session that takes what a connection sends.
struct World {
    broadcast: Broadcast,
    handles: Vec<(u32, Handle)>,
    events: Vec<Event>,
}

impl World {
    fn new() -> Self {
        let (settings, _) = Settings::read(None, None).unwrap();
        let broadcast = Broadcast::new(SESSION, Some(keys(Scheme::Cenc, 0)), &settings);
        Self { broadcast, handles: Vec::new(), events: Vec::new() }
    }

    fn take(&mut self, inputs: Vec<FlvInput>) {
        for input in inputs {
            match input {
                FlvInput::Track(source) => {
                    let (handle, events) = self.broadcast.open("rtmp", &source).unwrap();
                    self.handles.push((source.track_id, handle));
                    self.events.extend(events);
                }
                FlvInput::Samples { track, samples } => {
                    let (_, handle) = self.handles.iter().find(|(id, _)| *id == track).unwrap();
                    self.events.extend(self.broadcast.push(*handle, samples, NOW));
                }
                FlvInput::Damaged(reason) => panic!("{reason}"),
            }
        }
    }

    /// A connection from its first message until it breaks.
    fn connection(&mut self, messages: &[Media]) {
        let mut ingest = FlvIngest::default();
        for media in messages {
            let inputs = ingest.push(media).unwrap();
            self.take(inputs);
        }
        self.take(ingest.finish());
        self.handles.drain(..).for_each(|(_, handle)| self.broadcast.close(handle));
    }

    /// What a player has of a representation: pictures or sound, and their decoding times.
    fn got(&self, id: &str) -> Vec<(Vec<u8>, u64)> {
        let mut header = None;
        let mut all = Vec::new();
        for event in &self.events {
            match event {
                Event::Header { representation, bytes } if representation == id => {
                    header = Some(InitSegment::parse(bytes).unwrap());
                }
                Event::Segment { representation, bytes, .. } if representation == id => {
                    decrypt(header.as_ref().unwrap(), bytes, Scheme::Cenc, &mut all);
                }
                Event::Lost { reason, .. } => panic!("{reason}"),
                _ => {}
            }
        }
        all.into_iter().map(|got| (got.data, got.decode_time)).collect()
    }
}

/// Sound and pictures are those that were sent, over the end of 32 bits of milliseconds, and when the encoder
/// comes back with times that begin anew.
#[test]
fn an_encoder_and_its_return() {
    let mut world = World::new();
    world.connection(&messages(6, u32::MAX - 2500));
    world.connection(&messages(6, 0));
    let events = world.broadcast.finish(NOW);
    world.events.extend(events);
    let video = world.got("v240-1");
    let sent: Vec<Vec<u8>> = Tape::video(6).samples.into_iter().map(|(_, data)| data).collect();
    assert_eq!(video.len(), 2 * sent.len());
    assert!(video.iter().map(|(data, _)| data).eq(sent.iter().chain(&sent)), "other pictures");
    let steps: Vec<u64> = video.windows(2).map(|pair| pair[1].1 - pair[0].1).collect();
    // Where it came back, the one before lasts as long as its sound did.
    assert!(steps.iter().all(|step| (30..=100).contains(step)), "{steps:?}");
    // 1024 samples each; where the encoder came back, sound waits for the pictures.
    let audio = world.got("a-und-1");
    let gaps = audio.windows(2).filter(|pair| pair[1].1 - pair[0].1 != 1024).count();
    assert!(gaps <= 1, "{gaps}");
    assert_eq!(world.broadcast.runs().len(), 2);
}

/// What cannot be decoded is left out, and what never can be is refused in words.
#[test]
fn without_parameter_sets() {
    let mut ingest = FlvIngest::default();
    let picture = picture(0, 1, true, 0, b"....");
    assert!(matches!(&ingest.push(&picture).unwrap()[..], [FlvInput::Damaged(_)]));
    let refused = (0..2000).find_map(|_| ingest.push(&picture).err());
    assert_eq!(refused, Some(FlvIngestError::NoConfiguration));
    // An `avcC` with none in it.
    let none = self::picture(0, 0, true, 0, &[1, 0x64, 0, 0x1f, 0xff, 0xe0, 0]);
    let error = FlvIngest::default().push(&none).unwrap_err();
    assert!(error.to_string().contains("no parameter sets"), "{error}");
    let mp3 = Media { kind: MediaKind::Audio, time: 0, payload: Bytes::from_static(&[0x2f, 1]) };
    assert!(FlvIngest::default().push(&mp3).unwrap_err().to_string().contains("MP3 is not taken"));
}

/// A time that jumps is one sample's: durations stay what they were.
#[test]
fn times_that_jump() {
    let mut ingest = FlvIngest::default();
    let config = Tape::video(1).config.unwrap();
    let mut all = Vec::new();
    let times = [0, 40, 80, 3_000_000_000, 3_000_000_040, 100, 140];
    for media in
        [picture(0, 0, true, 0, &config)].into_iter().chain(times.map(|time| picture(time, 1, true, 0, b".")))
    {
        all.extend(ingest.push(&media).unwrap());
    }
    all.extend(ingest.finish());
    let found = samples(all, 1);
    assert_eq!(found.len(), times.len());
    assert!(found.iter().all(|sample| sample.duration == 40), "{found:?}");
    // The same configuration again is no other track, another one is.
    assert_eq!(ingest.push(&picture(0, 0, true, 0, &config)), Ok(Vec::new()));
}

proptest! {
    #[test]
    fn arbitrary_messages_never_panic(
        messages in proptest::collection::vec((any::<bool>(), any::<u32>(), proptest::collection::vec(any::<u8>(), 0..40)), 0..20),
    ) {
        let mut ingest = FlvIngest::default();
        let config = Tape::video(1).config.unwrap();
        ingest.push(&picture(0, 0, true, 0, &config)).unwrap();
        for (is_video, time, payload) in messages {
            let kind = if is_video { MediaKind::Video } else { MediaKind::Audio };
            let _ = ingest.push(&Media { kind, time, payload: payload.into() });
        }
        ingest.finish();
    }
}
