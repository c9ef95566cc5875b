//! What an event is when it is over.

use crate::encoder::Tape;
use crate::world::{SESSION, World, decrypt, keys};
use cenc::Scheme;
use isobmff::{Boxes, InitSegment, SegmentIndex};
use live::film::{Film, Record, RecordedTrack};
use pack::PsshData;

#[test]
fn an_event_that_ends_is_a_film() {
    let mut world = World::new(Some(keys(Scheme::Cenc, 2)), "window = \"10s\"");
    for _ in 0..2 {
        world.send_all(&[("v", Tape::video(9).stream(0.0)), ("a", Tape::audio(9).stream(0.0))], 4000);
    }
    world.finish();
    // By way of what is written down.
    let record = serde_json::to_string(&Record::of(&world.broadcast)).unwrap();
    let record: Record = serde_json::from_str(&record).unwrap();
    let tracks = record.representations.iter().map(|recorded| RecordedTrack {
        recorded: recorded.clone(),
        header: world.headers[&recorded.id].to_vec(),
        segments: world.segments[&recorded.id].iter().map(|(entry, _)| *entry).collect(),
    });
    let kid = |period| world.broadcast.keys().unwrap().kid(period);
    let film = Film::new(&record, tracks.collect(), &kid, (7, "A lecture")).unwrap();
    assert_eq!((film.pack.pack_id.clone(), film.pack.movie_id), (SESSION.to_string(), 7));
    film.pack.to_json().unwrap();
    let names = film.pack.protection.as_ref().unwrap();
    assert_eq!((names.segments_per_key, names.keys.len()), (2, film.tracks[0].numbers.len().div_ceil(2)));
    assert!((17.0..19.0).contains(&film.pack.duration.seconds()), "{}", film.pack.duration);
    for track in &film.tracks {
        let r = &track.representation;
        // The same bytes: nothing is encrypted again.
        let mut file = track.head.clone();
        for number in &track.numbers {
            let segments = &world.segments[&r.id];
            file.extend(&segments.iter().find(|(entry, _)| entry.number == *number).unwrap().1);
        }
        assert_eq!(file.len() as u64, r.size);
        let init = InitSegment::parse(&file).unwrap();
        assert_eq!(init.pssh, [PsshData::of(names, None).to_box()]);
        let sidx = Boxes::new(&file).first(b"sidx").unwrap().unwrap();
        assert_eq!(
            (sidx.offset as u64, sidx.offset + sidx.size()),
            (r.index_range.first, r.segments[0].offset as usize)
        );
        let index = SegmentIndex::parse(&sidx).unwrap();
        assert_eq!(index.references.len(), r.segments.len());
        let mut samples = Vec::new();
        for segment in &r.segments {
            decrypt(
                &init,
                &file[segment.offset as usize..][..segment.size as usize],
                Scheme::Cenc,
                &mut samples,
            );
        }
        assert_eq!(samples.len() as u64, r.samples);
        assert_eq!(r.ivs.as_ref().unwrap().count, r.samples);
    }
    let video = film.tracks[0].representation.video.as_ref().unwrap();
    assert_eq!((video.height, video.frame_rate.to_string()), (240, "24/1".to_owned()));
}
