//! What an event takes while it goes on.

use crate::encoder::Tape;
use crate::world::{World, keys};
use cenc::Scheme;
use live::{hls, index};
use nccp::EventState;

/// Seconds of the film that is sent again and again.
const LAP: u32 = 8;
/// So often: five minutes, 160 segments; eight times what the window holds and more.
const LAPS: u32 = 40;
/// Until then the window fills.
const FULL: usize = 8;

/// Octets of media that are kept, segments that are known of, octets of index and playlist.
fn size(world: &World) -> [usize; 4] {
    let windows = || world.broadcast.representations().map(|r| r.window());
    let segments = || windows().flat_map(|window| window.segments());
    let parts = segments().flat_map(|segment| &segment.parts);
    let index =
        index::json(&world.broadcast, ("school", "lecture"), EventState::Live, None, world.now).unwrap();
    let pictures = world.broadcast.representation("v240-1").unwrap();
    let playlist = hls::media(&world.broadcast, pictures, false, "");
    [parts.map(|part| part.bytes.len()).sum(), segments().count(), index.len(), playlist.len()]
}

/// B80: what is kept of an event, and what players are told of it, is as large after five minutes and 160
/// keys as after one: the window, and not more.
#[test]
fn b80_memory_is_flat_however_long_an_event_is() {
    let mut world = World::new(Some(keys(Scheme::Cenc, 1)), "window = \"20s\"");
    let tapes = [("v", Tape::video(LAP)), ("a", Tape::audio(LAP))];
    let mut requests: Vec<_> = tapes.iter().map(|(name, _)| world.request(name)).collect();
    for (request, (_, tape)) in requests.iter_mut().zip(&tapes) {
        world.send(request, &tape.header());
    }
    let mut sizes = Vec::new();
    for lap in 0..LAPS {
        for (request, (_, tape)) in requests.iter_mut().zip(&tapes) {
            for fragment in tape.fragments(12, f64::from(lap * LAP)) {
                world.send(request, &fragment);
            }
        }
        // What the disk has is not in memory.
        world.segments.clear();
        sizes.push(size(&world));
    }
    let [first, rest] = [&sizes[..FULL], &sizes[FULL..]];
    for what in 0..4 {
        let most = first.iter().map(|size| size[what]).max().unwrap();
        let later = rest.iter().map(|size| size[what]).max().unwrap();
        // Numbers and times have more digits in the end.
        assert!(most > 0 && later <= most + most / 8, "{what}: {most} in the beginning, {later} later");
    }
    assert_eq!(world.lost, 0);
    assert!(
        world.broadcast.next_number() >= u64::from(LAPS * LAP / 2) - 1,
        "{}",
        world.broadcast.next_number()
    );
}
