//! What goes into which envelope, and what comes of it.

use control_client::{Ask, Command, Error, Event, Kind};
use nccp::{ErrorCode, RequestMessage, ResponseMessage};

use crate::bench::{ACCOUNT, Bench, Verdict, browser, license, movie};

fn well(_: &RequestMessage, _: Option<&str>) -> Verdict {
    Verdict::Well
}

#[test]
fn what_is_asked_together_goes_together_licenses_first() {
    for kind in [browser(), Kind::tv_box()] {
        let mut bench = Bench::registered(kind, well);
        let user = Ask::Message(RequestMessage::UserMovieMetadata { movie_id: movie() });
        let ids = bench.ask([ACCOUNT, license(b""), user]);
        assert_eq!(bench.trace, ["challenge", "license+accountinfo+usermoviemetadata"]);
        assert!(matches!(bench.answers[&ids[1]], Ok(ResponseMessage::License { .. })));
        assert!(matches!(bench.answers[&ids[0]], Ok(ResponseMessage::AccountInfo(_))));
    }
}

/// What is asked while an envelope is under way goes with the next one.
#[test]
fn one_envelope_is_under_way_at_a_time() {
    let mut bench = Bench::registered(browser(), well);
    bench.hold = |command| matches!(command, Command::Post { .. });
    for _ in 0..3 {
        bench.ask([ACCOUNT]);
    }
    assert_eq!(bench.held.len(), 1);
    bench.release();
    bench.release();
    assert_eq!(bench.trace, ["accountinfo", "accountinfo+accountinfo"]);
    assert_eq!(bench.answers.len(), 3);
}

/// An envelope takes 16 messages, a renewal among them.
#[test]
fn what_does_not_fit_goes_with_the_next() {
    let mut bench = Bench::registered(browser(), well);
    bench.ask((0..40).map(|_| ACCOUNT));
    let counts: Vec<_> = bench.envelopes.iter().map(|envelope| envelope.messages.len()).collect();
    assert_eq!(counts, [15, 15, 10]);
    assert_eq!(bench.answers.len(), 40);
}

/// A license that has to wait holds up nothing else.
#[test]
fn a_message_waits_beside_the_others() {
    let mut bench = Bench::registered(browser(), |message, _| match message {
        RequestMessage::License { .. } => Verdict::Refuse(ErrorCode::TryLater),
        _ => Verdict::Well,
    });
    bench.hold = |command| matches!(command, Command::Wait { .. });
    let ids = bench.ask([license(b""), ACCOUNT]);
    assert!(bench.answers[&ids[1]].is_ok() && !bench.answers.contains_key(&ids[0]));
    let ids = bench.ask([ACCOUNT]);
    assert!(bench.answers[&ids[0]].is_ok());
    bench.release();
    assert_eq!(bench.trace[3..], ["wait", "challenge", "license"]);
}

/// A service that is silent is left alone by everybody; then everything goes together.
#[test]
fn a_silent_service_is_left_alone() {
    let mut left = 1;
    let mut bench = Bench::registered(Kind::tv_box(), move |_, _| match left {
        0 => Verdict::Well,
        _ => {
            left -= 1;
            Verdict::Silence
        }
    });
    bench.hold = |command| matches!(command, Command::Wait { .. });
    bench.ask([ACCOUNT]);
    bench.ask([ACCOUNT]);
    assert_eq!(bench.trace, ["accountinfo"]);
    bench.release();
    assert_eq!(bench.trace[1..], ["wait", "accountinfo+accountinfo"]);
    assert_eq!(bench.answers.len(), 2);
}

/// Several askers, one error: each hears the same, and the remedy is taken once for all.
#[test]
fn askers_of_one_envelope_hear_the_same() {
    let mut bench = Bench::registered(browser(), |_, _| Verdict::RefuseAll(ErrorCode::NotAuthentic));
    let ids = bench.ask([ACCOUNT, license(b""), ACCOUNT]);
    let expected = ["challenge", "license+accountinfo+accountinfo", "load", "register+ping"];
    assert_eq!(bench.trace, expected);
    for id in ids {
        assert_eq!(bench.answers[&id], Err(Error::Refused(ErrorCode::NotAuthentic.into())));
    }
    let mut bench = Bench::registered(browser(), |message, _| match message {
        RequestMessage::License { .. } => Verdict::Refuse(ErrorCode::ChallengeInvalid),
        _ => Verdict::Well,
    });
    bench.ask([license(b""), license(b"")]);
    assert_eq!(bench.trace.iter().filter(|what| *what == "individualize").count(), 1, "{:?}", bench.trace);
}

/// The message of one who has gone is sent, but nothing is mended for it.
#[test]
fn a_gone_asker_s_message_is_sent_once() {
    let mut bench = Bench::registered(browser(), |message, _| match message {
        RequestMessage::License { .. } => Verdict::Refuse(ErrorCode::ChallengeInvalid),
        _ => Verdict::Well,
    });
    bench.hold = |command| matches!(command, Command::Post { .. });
    let ids = bench.ask([license(b"")]);
    bench.feed(Event::Gone { ask: ids[0] });
    bench.release();
    assert_eq!(bench.trace, ["challenge", "license"]);
    assert_eq!(bench.answers.len(), 1, "so that the driver may forget it");
}

/// What the device itself cannot do is told as it is, and only to those whom it concerns.
#[test]
fn the_device_s_own_failures_are_told() {
    let mut bench = Bench::registered(browser(), well);
    let ids = bench.ask([license(b"broken"), ACCOUNT]);
    assert_eq!(bench.answers[&ids[0]], Err(Error::Device("no keys")));
    assert!(bench.answers[&ids[1]].is_ok());
    bench.hold = |command| matches!(command, Command::Seal { .. });
    let ids = bench.ask([ACCOUNT, ACCOUNT]);
    let Command::Seal { task, .. } = bench.held.remove(0) else { panic!() };
    bench.feed(Event::Sealed { task, sealed: Err("the disk is full") });
    for id in ids {
        assert_eq!(bench.answers[&id], Err(Error::Device("the disk is full")));
    }
}

/// What is not an answer of a controller is something in between; fewer answers than messages are told.
#[test]
fn answers_that_are_none() {
    let mut bench = Bench::registered(browser(), well);
    bench.hold = |command| matches!(command, Command::Post { .. } | Command::Wait { .. });
    let ids = bench.ask([ACCOUNT]);
    let Command::Post { task, .. } = bench.held.remove(0) else { panic!() };
    bench.feed(Event::Posted { task, answer: Some(b"<html>busy</html>".to_vec()) });
    assert!(matches!(bench.held[..], [Command::Wait { .. }]));
    bench.release();
    let Command::Post { task, .. } = bench.held.remove(0) else { panic!() };
    let empty = nccp::Response { sequence: 1, time: 1, outcome: nccp::Outcome::Answers(Vec::new()) };
    bench.feed(Event::Posted { task, answer: Some(empty.to_xml().into_bytes()) });
    assert_eq!(bench.answers[&ids[0]], Err(Error::Protocol));
}
