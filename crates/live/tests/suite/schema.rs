//! MPDs of events against the schema of ISO/IEC 23009-1 (`crates/manifest/tests/suite/schema.rs`).

use crate::encoder::Tape;
use crate::world::{World, keys};
use cenc::Scheme;
use live::dash;

#[path = "../../../manifest/tests/suite/schema/validator.rs"]
mod validator;

/// From the first header to the end, with an encoder that comes back, and numbers that are missing.
#[test]
fn mpds_of_events_are_what_the_schema_says() {
    let Some(validator) = validator::Validator::find() else { return };
    let mut all = Vec::new();
    for (protection, rotate) in [("clear", None), ("cenc", Some(Scheme::Cenc)), ("cbcs", Some(Scheme::Cbcs))]
    {
        let mut world = World::new(rotate.map(|scheme| keys(scheme, 2)), "window = \"14s\"");
        let mut tell = |name: &str, world: &World| {
            all.push((
                format!("{protection}, {name}"),
                dash::mpd(&world.broadcast, "?p=1&e=2&h=3", world.now),
            ));
        };
        let seconds =
            |length: u32| [("v", Tape::video(length).stream(0.0)), ("a", Tape::audio(length).stream(0.0))];
        world.send_all(&seconds(1), 4000);
        tell("its first second", &world);
        world.send_all(&seconds(13), 4000);
        tell("live", &world);
        world.now += 60_000;
        world.send_all(&seconds(13), 4000);
        tell("a second encoder", &world);
        world.finish();
        tell("its end", &world);
    }
    let all: Vec<_> = all.iter().map(|(name, mpd)| (name.as_str(), mpd.clone())).collect();
    validator.check(&all);
}
