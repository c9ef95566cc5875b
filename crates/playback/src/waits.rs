//! How long to wait until the next question about an event. Many ask the same, so each waits for a time of
//! its own: `random` is 0 to 1. Times are seconds.

/// After how long what failed is asked for again, at first and at most.
const AGAIN: (f64, f64) = (1.0, 30.0);
/// An event's film is first asked for within this time after the event's end.
const REPLAY_FIRST: (f64, f64) = (2.0, 12.0);
/// And then from one question to the next, at first and at most.
const REPLAY: (f64, f64) = (4.0, 60.0);
/// How long before its time an event may begin any moment.
const SOON: f64 = 600.0;
/// How long after its time an event that has not begun still counts as about to begin.
const LATE: f64 = 3_600.0;
/// From one question to the next whether an event has begun: when it may any moment, and else at most.
const BEGINNING: (f64, f64) = (4.0, 60.0);
/// The least of it long before its time.
const BEGINNING_LATER: f64 = 30.0;
/// From one look at a library's events to the next: of what goes on or is about to, of what may begin some
/// time, and of what is far off.
const LOOK: (f64, f64, f64) = (10.0, 60.0, 600.0);

/// A quarter more or less.
fn spread(seconds: f64, random: f64) -> f64 {
    seconds * (0.75 + random.clamp(0.0, 1.0) / 2.0)
}

fn grown((first, most): (f64, f64), by: f64, times: u32) -> f64 {
    (first * by.powi(times.min(30) as i32)).min(most)
}

/// Until what has failed `failures` times in a row, once at least, is tried again.
pub fn again(failures: u32, random: f64) -> f64 {
    spread(grown(AGAIN, 2.0, failures.saturating_sub(1)), random)
}

/// Until the film of an event that is over is asked for, after `asked` questions. All viewers of the event
/// hear of its end at the same moment, so the first questions are far apart.
pub fn for_replay(asked: u32, random: f64) -> f64 {
    match asked.checked_sub(1) {
        None => REPLAY_FIRST.0 + (REPLAY_FIRST.1 - REPLAY_FIRST.0) * random.clamp(0.0, 1.0),
        Some(before) => spread(grown(REPLAY, 2.0, before), random),
    }
}

/// Until the next question whether an event has begun that is to begin in `ahead` seconds, where that is
/// known, after `asked` questions.
pub fn for_beginning(ahead: Option<f64>, asked: u32, random: f64) -> f64 {
    let wait = match ahead {
        Some(ahead) if ahead > SOON => (ahead / 120.0).clamp(BEGINNING_LATER, BEGINNING.1),
        Some(ahead) if ahead > -SOON => BEGINNING.0,
        _ => grown(BEGINNING, 1.25, asked),
    };
    spread(wait, random)
}

/// From one look at where an event stands to the next, without spread: the event goes on (`is_on`: live or
/// interrupted), or is to begin in `ahead` seconds.
pub fn for_look(is_on: bool, ahead: Option<f64>) -> f64 {
    match ahead {
        _ if is_on => LOOK.0,
        Some(ahead) if ahead > SOON + LOOK.2 => LOOK.2,
        Some(ahead) if ahead <= SOON && ahead > -LATE => LOOK.0,
        _ => LOOK.1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_is_asked_for_at_growing_distances() {
        let waits: Vec<f64> = (1..8).map(|failures| again(failures, 0.5)).collect();
        assert_eq!(waits, [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]);
        assert_eq!((again(3, 0.0), again(3, 1.0)), (3.0, 5.0));
        assert_eq!(again(u32::MAX, 0.5), 30.0);
    }

    #[test]
    fn viewers_of_an_event_that_ends_do_not_ask_for_its_film_at_once() {
        assert_eq!((for_replay(0, 0.0), for_replay(0, 1.0)), (2.0, 12.0));
        let waits: Vec<f64> = (1..7).map(|asked| for_replay(asked, 0.5)).collect();
        assert_eq!(waits, [4.0, 8.0, 16.0, 32.0, 60.0, 60.0]);
    }

    #[test]
    fn who_waits_for_an_event_asks_often_only_around_its_time() {
        for (ahead, wait) in [(86_400.0, 60.0), (3_600.0, 30.0), (600.0, 4.0), (0.0, 4.0), (-599.0, 4.0)] {
            assert_eq!(for_beginning(Some(ahead), 100, 0.5), wait, "{ahead}");
        }
        for ahead in [None, Some(-601.0)] {
            assert_eq!((for_beginning(ahead, 0, 0.5), for_beginning(ahead, 100, 0.5)), (4.0, 60.0));
            assert!(for_beginning(ahead, 9, 0.5) > 29.0);
        }
    }

    #[test]
    fn the_library_is_looked_at_often_only_while_something_may_change() {
        assert_eq!(for_look(true, Some(-86_400.0)), 10.0);
        let looks = [30.0 * 86_400.0, 1_000.0, 600.0, 0.0, -3_599.0, -3_601.0];
        assert_eq!(looks.map(|ahead| for_look(false, Some(ahead))), [600.0, 60.0, 10.0, 10.0, 10.0, 60.0]);
        assert_eq!(for_look(false, None), 60.0);
    }
}
