//! Many seeks, choices and faults in a row.

use engine::{Error, Event, model::TrackKind::Video};
use proptest::prelude::*;

use crate::delivery::faults;
use crate::world::{Behaviour, SEGMENT, World, ms, seconds};

#[derive(Clone, Copy, Debug)]
enum Move {
    Seek(f64),
    Choose(usize),
    Fault(usize, usize),
    Rate(f64),
    Sound(bool),
}

fn moves() -> impl Strategy<Value = Vec<(Move, u64)>> {
    let one = prop_oneof![
        5 => (0.0f64..599.0).prop_map(Move::Seek),
        1 => (0usize..7).prop_map(Move::Choose),
        2 => (0usize..2, 0usize..9).prop_map(|(cdn, fault)| Move::Fault(cdn, fault)),
        1 => (1e6f64..2e7).prop_map(Move::Rate),
        1 => any::<bool>().prop_map(Move::Sound),
    ];
    proptest::collection::vec((one, 0u64..4000), 1..150)
}

fn make(world: &mut World, step: Move) {
    let ids = ["v300", "v600", "v1200", "v2400", "v4000", "v6000"];
    match step {
        Move::Seek(position) => world.seek(position),
        Move::Choose(place) => {
            let representation = ids.get(place).map(|id| (*id).to_owned());
            world.tell(Event::Quality { representation });
        }
        Move::Fault(cdn, fault) => {
            let behaviour = faults().get(fault).copied().unwrap_or(Behaviour::Serve);
            world.cdns.insert(["one", "two"][cdn].into(), behaviour);
        }
        Move::Rate(rate) => world.bandwidth = rate,
        Move::Sound(german) => {
            let representation = if german { "a-de" } else { "a-en" }.to_owned();
            world.tell(Event::Audio { representation });
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]
    /// About a hundred seeks in a row, with faults of either CDN, choices of picture and sound between them:
    /// once the storm is over it plays on where the viewer went last, and from the first segment of the rung
    /// that was chosen on nothing else is fetched; where its head is there, there is such a segment. Before
    /// that, a head that failed in the storm may rest. Who has had nothing to see for too long by then has
    /// been told so.
    #[test]
    fn a_storm_of_seeks_and_faults_ends_in_playing(moves in moves(), last in 0.0f64..590.0) {
        let mut world = World::ladder(600.0, 8e6);
        for (step, wait) in moves {
            make(&mut world, step);
            world.run(ms(wait));
            if let Some(error) = world.failure() {
                // Only when there really was nobody to serve.
                prop_assert_eq!(error, Error::Unreachable);
                return Ok(());
            }
        }
        for cdn in ["one", "two"] {
            world.cdns.insert(cdn.into(), Behaviour::Serve);
        }
        world.bandwidth = 30e6;
        let before = world.fetches().len();
        world.seek(last);
        // What was sent into the storm is waited for 24 s at most, and 8 s are rested then.
        world.run(seconds(40));
        if world.failure() == Some(Error::Unreachable) {
            return Ok(()); // it had waited for so long that the end of the storm came too late
        }
        prop_assert_eq!(world.failure(), None);
        prop_assert!(world.position > last + 3.0, "{} of {} {:?}", world.position, last, world.buffers);
        // The range under the playhead goes on without a gap.
        let ahead = world.there().ahead(world.position);
        prop_assert!(ahead > 8.0 || world.position > 585.0, "{} at {} {:?}", ahead, world.position, world.buffers);
        if let Some(chosen) = world.engine.chosen() {
            let fetched = world.fetches().split_off(before);
            let segments = fetched.iter().filter(|fetch| fetch.track == Video && fetch.segment);
            let mut from_chosen = segments.skip_while(|fetch| fetch.representation != chosen);
            prop_assert!(from_chosen.all(|fetch| fetch.representation == chosen), "{:?}", fetched);
        }
        // With so much of the film left something is fetched.
        let ready = |world: &World| {
            let chosen = world.engine.chosen()?;
            let track = world.engine.tracks().iter().find(|track| track.kind == Video)?;
            track.ladder.step(track.ladder.find(chosen)?).is_ready().then(|| chosen.to_owned())
        };
        if let Some(chosen) = ready(&world).filter(|_| world.position < 500.0) {
            world.run(seconds(20));
            let fetched = world.fetches().split_off(before);
            let mut segments = fetched.iter().filter(|fetch| fetch.track == Video && fetch.segment);
            let shown = world.content.get(&(Video, (world.position / SEGMENT) as usize));
            let is_chosen = shown == Some(&chosen) || segments.any(|fetch| fetch.representation == chosen);
            prop_assert!(is_chosen, "{} at {}: {:?}", chosen, world.position, fetched);
        }
    }
}

/// What happens to somebody who watches an event.
#[derive(Clone, Copy, Debug)]
enum Mishap {
    Of(Move),
    /// The encoder stops, or goes on.
    Stops(bool),
    /// The index cannot be had, or can be again.
    Answers(bool),
    /// The network is gone, or back.
    Gone(bool),
    Pause(bool),
}

fn mishaps() -> impl Strategy<Value = Vec<(Mishap, u64)>> {
    let one = prop_oneof![
        2 => (0.0f64..500.0).prop_map(|position| Mishap::Of(Move::Seek(position))),
        1 => (0usize..7).prop_map(|place| Mishap::Of(Move::Choose(place))),
        1 => (0usize..2, 0usize..9).prop_map(|(cdn, fault)| Mishap::Of(Move::Fault(cdn, fault))),
        1 => any::<bool>().prop_map(|german| Mishap::Of(Move::Sound(german))),
        1 => any::<bool>().prop_map(Mishap::Stops),
        1 => any::<bool>().prop_map(Mishap::Answers),
        1 => any::<bool>().prop_map(Mishap::Gone),
        1 => any::<bool>().prop_map(Mishap::Pause),
    ];
    proptest::collection::vec((one, 0u64..6000), 1..80)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]
    /// Whatever happens on the way, an event is then played from inside of its window, and to its end.
    #[test]
    fn an_event_is_followed_through_a_storm(mishaps in mishaps(), window in 6usize..40, sized: bool) {
        let mut world = World::broadcast(600.0, 25, window);
        (world.bandwidth, world.server().sized) = (30e6, sized);
        world.manifest(0.0);
        for (mishap, wait) in mishaps {
            match mishap {
                Mishap::Of(step) => make(&mut world, step),
                Mishap::Stops(stopped) => world.server().stopped = stopped,
                Mishap::Answers(answers) => world.server().answers = answers,
                Mishap::Gone(gone) => world.gone = gone,
                Mishap::Pause(paused) => world.playing = !paused,
            }
            world.run(ms(wait));
            if let Some(error) = world.failure() {
                // Only when there really was nobody to serve, or both CDNs cut a file short whose size is not
                // known.
                prop_assert!(error == Error::Unreachable || (error == Error::Damaged && !sized), "{}", error);
                return Ok(());
            }
        }
        for cdn in ["one", "two"] {
            world.cdns.insert(cdn.into(), Behaviour::Serve);
        }
        (world.server().stopped, world.server().answers) = (false, true);
        (world.gone, world.playing) = (false, true);
        // What was sent when the network was gone is given up, and a buffer that has left the window plays
        // out.
        world.tell(Event::Online);
        world.run(seconds(50));
        if world.failure() == Some(Error::Unreachable) {
            return Ok(()); // it had waited for so long that the end of the storm came too late
        }
        prop_assert_eq!(world.failure(), None);
        let (position, available) = (world.position, world.available());
        let inside = available.start - 2.0 * SEGMENT <= position && position <= available.end;
        prop_assert!(inside || world.there().contains(position), "{} {:?}", position, available);
        world.run_until("the end", |world| world.position > 599.9);
        world.run(seconds(1));
        prop_assert!(world.ended);
    }
}
