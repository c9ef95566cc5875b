//! Who is asked for a license: the controller, or the server that signed DRM metadata names.

use control_client::{Command, Error, Kind, License};
use nccp::{ErrorCode, RequestMessage, ResponseMessage};

use crate::bench::{ACCOUNT, Answered, Bench, Failure, Verdict, browser, license};

const URL: &str = "https://licenses.example.org/license";

fn well(_: &RequestMessage, _: Option<&str>) -> Verdict {
    Verdict::Well
}

fn given() -> Result<License, Error<Failure>> {
    Ok(License { license: b"license".to_vec(), policy_version: Some("its rules".into()) })
}

fn refused(code: ErrorCode) -> Result<License, Error<Failure>> {
    Err(Error::Refused(code.into()))
}

fn bench(kind: Kind, server: impl FnMut(&str, &str) -> Result<License, Error<Failure>> + 'static) -> Bench {
    let mut bench = Bench::registered(kind, well);
    (bench.license_url, bench.license_server) = (Some(URL.to_owned()), Box::new(server));
    bench
}

fn rules(answer: Answered) -> String {
    match answer {
        Ok(ResponseMessage::License { policy_version: Some(rules), .. }) => rules,
        other => panic!("{other:?}"),
    }
}

/// A94: the challenge goes where the signed metadata says, browser's and box's.
#[test]
fn a94_the_named_server_is_asked() {
    for kind in [browser(), Kind::tv_box()] {
        let mut bench = bench(kind, |url, ticket| {
            assert_eq!((url, ticket), (URL, "T0"));
            given()
        });
        let (trace, answer) = bench.outcome(license(b"metadata"));
        assert_eq!(trace, ["challenge", "license server"]);
        assert_eq!(rules(answer), "its rules");
    }
}

/// Beside the envelopes: its silence holds up nothing.
#[test]
fn the_controller_does_not_wait_for_it() {
    let mut bench = bench(browser(), |_, _| given());
    bench.hold = |command| matches!(command, Command::PostChallenge { .. });
    let ids = bench.ask([license(b"metadata"), ACCOUNT]);
    assert_eq!(bench.trace, ["challenge", "accountinfo"]);
    assert!(bench.answers[&ids[1]].is_ok());
    bench.release();
    assert!(bench.answers[&ids[0]].is_ok());
}

/// Where metadata names nobody, or is not authentic, the controller is asked: for its keys, or for all.
#[test]
fn without_a_server_the_controller_is_asked() {
    let mut bench = bench(browser(), |_, _| panic!("asked"));
    bench.license_url = None;
    let (trace, answer) = bench.outcome(license(b"metadata"));
    assert_eq!((trace.join(" ").as_str(), rules(answer).as_str()), ("challenge license", "rules"));
    bench.license_url = Some(URL.to_owned());
    let (trace, answer) = bench.outcome(license(b"forged"));
    assert_eq!((trace.join(" ").as_str(), rules(answer).as_str()), ("challenge challenge license", "rules"));
}

/// Where it cannot be reached the controller is asked.
#[test]
fn a_server_that_is_silent_is_given_up() {
    for kind in [browser(), Kind::tv_box()] {
        let mut bench = bench(kind, |_, _| Err(Error::Unreachable));
        let (trace, answer) = bench.outcome(license(b"metadata"));
        assert_eq!(trace.iter().filter(|what| *what == "license server").count(), 7);
        assert_eq!(trace[trace.len() - 2..], ["challenge", "license"]);
        assert_eq!(rules(answer), "rules");
    }
}

/// A box with a controller of its own is not known elsewhere: no reason to forget its account.
#[test]
fn a_server_that_does_not_know_the_ticket_is_given_up() {
    for kind in [browser(), Kind::tv_box()] {
        let mut bench = bench(kind, |_, _| refused(ErrorCode::NotAuthentic));
        let (trace, answer) = bench.outcome(license(b"metadata"));
        assert_eq!(trace, ["challenge", "license server", "challenge", "license"]);
        assert_eq!(rules(answer), "rules");
    }
}

/// Its refusals are the controller's: the error table holds.
#[test]
fn its_refusals_are_mended() {
    for kind in [browser(), Kind::tv_box()] {
        let mut bench = bench(kind.clone(), |_, ticket| match ticket {
            "T0" => refused(ErrorCode::TicketExpired),
            _ => given(),
        });
        let (trace, answer) = bench.outcome(license(b"metadata"));
        let expected =
            ["challenge", "license server", "authenticationrenewal", "challenge", "license server"];
        assert_eq!(trace, expected);
        assert_eq!(rules(answer), "its rules");

        let mut bench = self::bench(kind, |_, _| refused(ErrorCode::PolicyRefused));
        let (trace, answer) = bench.outcome(license(b"metadata"));
        assert_eq!(trace, ["challenge", "license server"]);
        assert_eq!(answer.unwrap_err().code(), Some(ErrorCode::PolicyRefused));
    }
}

/// The ticket that was refused has been replaced meanwhile: nothing but sending again is needed.
#[test]
fn a_ticket_is_not_renewed_twice() {
    let mut bench = bench(browser(), |_, ticket| match ticket {
        "T0" => refused(ErrorCode::TicketExpired),
        _ => given(),
    });
    bench.hold = |command| matches!(command, Command::PostChallenge { .. });
    bench.ask([license(b"metadata"), license(b"metadata")]);
    bench.release();
    assert_eq!(bench.trace[2..], ["license server", "authenticationrenewal", "challenge"]);
    bench.release();
    assert_eq!(bench.trace[5..], ["license server", "challenge"]);
    bench.release();
    bench.release();
    assert_eq!(bench.answers.len(), 2);
}
