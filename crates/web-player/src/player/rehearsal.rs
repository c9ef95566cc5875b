//! A start of a film with nobody watching.
//!
//! Browsers compile a module's functions when they are first called; the hundreds that a start runs through
//! would cost it a tenth of a second between the click and the picture. So they are called once before, while
//! the viewer looks at the library.

use std::time::Duration;

use engine::{Command, Config, Engine, Event, buffer::Ranges};
use nccp::{Answer, Manifest, Outcome, Response, ResponseMessage};
use playback::{Head, HeadAssembly, parse_index, presentation};

use super::quality::Quality;

/// As many answers of the network as it takes to have each function called.
const ANSWERS: usize = 6;
/// Octets of each segment.
const SEGMENT: u32 = 1000;

/// What a controller would answer.
const ANSWER: &str = r#"<?xml version="1.0" encoding="UTF-8"?><nccp:response xmlns:nccp="urn:matinee:nccp:1" sequence="1" time="1"><nccp:authorization movie_id="1"><nccp:type>static</nccp:type><nccp:duration>16/1</nccp:duration><nccp:resumeposition>0.000</nccp:resumeposition><nccp:expiration>9</nccp:expiration><nccp:cdns><nccp:cdn><nccp:id>1</nccp:id><nccp:name>a</nccp:name><nccp:weight>1</nccp:weight><nccp:ranges>path</nccp:ranges></nccp:cdn></nccp:cdns><nccp:downloadable><nccp:downloadableid>1</nccp:downloadableid><nccp:size>4180</nccp:size><nccp:bitrate>2</nccp:bitrate><nccp:contentprofile>matinee-h264-cenc</nccp:contentprofile><nccp:downloadurls><nccp:downloadurl><nccp:expiration>9</nccp:expiration><nccp:cdnid>1</nccp:cdnid><nccp:url>https://a.example/1/range/</nccp:url></nccp:downloadurl></nccp:downloadurls><nccp:resolution><nccp:width>16</nccp:width><nccp:height>9</nccp:height></nccp:resolution><nccp:mediatype>video</nccp:mediatype><nccp:mimetype>video/mp4</nccp:mimetype><nccp:codecs>avc1.64001F</nccp:codecs><nccp:group>v</nccp:group><nccp:peakbandwidth>2000</nccp:peakbandwidth><nccp:timescale>1000</nccp:timescale><nccp:framerate>25/1</nccp:framerate><nccp:default>true</nccp:default><nccp:scheme>cenc</nccp:scheme><nccp:level>high</nccp:level><nccp:pack_id>a</nccp:pack_id><nccp:initrange>0-99</nccp:initrange><nccp:indexrange>100-179</nccp:indexrange><nccp:startrange>180-1179</nccp:startrange><nccp:starttime>0</nccp:starttime><nccp:maxsegment>1000</nccp:maxsegment><nccp:key><nccp:kid>00000000000000000000000000000001</nccp:kid><nccp:start>0</nccp:start></nccp:key></nccp:downloadable></nccp:authorization></nccp:response>"#;

/// Runs it. Gives how many segments were fetched, since it shows nothing.
pub fn rehearse() -> usize {
    let Some(manifest) = manifest() else { return 0 };
    let mut engine = Engine::new(Config::default());
    let mut now = Duration::ZERO;
    let mut waiting = engine.handle(now, Event::Manifest(presentation(&manifest, 0.0, |_| true)));
    let mut fetched = 0;
    for _ in 0..ANSWERS {
        now += Duration::from_millis(500);
        waiting.extend(engine.handle(now, Event::Tick));
        let next = waiting.iter().position(|command| matches!(command, Command::Fetch(_)));
        let Some(Command::Fetch(spec)) = next.map(|at| waiting.swap_remove(at)) else { break };
        let mut events =
            vec![Event::Progress { fetch: spec.fetch, bytes: spec.range.length() - spec.offset }];
        if spec.head > 0 {
            let mut head = HeadAssembly::new(spec.head);
            head.take(&[&[0; 100], index_box().as_slice()].concat());
            let place = manifest.downloadables.first().and_then(Head::of);
            let Some(Head::Ranges { index: at, .. }) = place else { break };
            let index = head.part(at).and_then(|bytes| parse_index(bytes, at));
            let Some(index) = index else { break };
            let (track, representation) = (spec.track, spec.representation.clone());
            events.push(Event::Index { track, representation, index });
        }
        events.push(Event::FetchDone { fetch: spec.fetch });
        if spec.segment {
            fetched += 1;
            let ranges = Ranges::new(vec![(0.0, 4.0 * fetched as f64)]);
            events.push(Event::Buffered { track: spec.track, ranges });
            events.push(Event::SegmentAppended { fetch: spec.fetch });
        }
        events.push(Event::Playhead { position: 0.1, playing: true });
        for event in events {
            waiting.extend(engine.handle(now, event));
        }
    }
    let _ = Quality::of(&engine);
    fetched
}

fn manifest() -> Option<Manifest> {
    match Response::parse(ANSWER.as_bytes()).ok()?.outcome {
        Outcome::Answers(answers) => answers.into_iter().find_map(|answer| match answer {
            Answer::Done(ResponseMessage::Authorization(manifest)) => Some(*manifest),
            _ => None,
        }),
        Outcome::Refused(_) => None,
    }
}

/// `sidx` of four segments of four seconds (ISO/IEC 14496-12, 8.16.3).
fn index_box() -> Vec<u8> {
    let head = [80, u32::from_be_bytes(*b"sidx"), 0, 1, 1000, 0, 0, 4];
    let segment = [SEGMENT, 4000, 0x9000_0000];
    head.into_iter().chain([segment; 4].concat()).flat_map(u32::to_be_bytes).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_rehearsal_plays_the_film_to_its_end() {
        assert_eq!(super::rehearse(), 4);
    }
}
