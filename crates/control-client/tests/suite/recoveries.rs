//! The error table (docs/protocol.md, §4), code by code, for both kinds of device: the same controller, the
//! same questions.

use control_client::{Ask, Error, Kind};
use nccp::{ErrorCode, RequestMessage, ResponseMessage, ShownGrant};

use crate::bench::{ACCOUNT, Answered, Bench, Verdict, browser, license};

/// What is done about an error that comes again and again, in order; `ask` stands for the license's challenge
/// and envelope, `renew` and `register` for theirs. At the end whoever asked is told the error, or, where it
/// says so, that the box is not activated.
struct Row {
    code: ErrorCode,
    browser: &'static [&'static str],
    tv_box: &'static [&'static str],
}

const ASK: &[&str] = &["ask"];
const WAITS: &[&str] =
    &["ask", "wait", "ask", "wait", "ask", "wait", "ask", "wait", "ask", "wait", "ask", "wait", "ask"];
const NOT_ACTIVATED: &[&str] = &["ask", "forget", "not activated"];

const fn row(code: ErrorCode, browser: &'static [&'static str], tv_box: &'static [&'static str]) -> Row {
    Row { code, browser, tv_box }
}

const TABLE: &[Row] = &[
    row(ErrorCode::RequestInvalid, ASK, ASK),
    row(
        ErrorCode::NotAuthentic,
        &["ask", "load", "register", "ask"],
        &["ask", "ask", "renew", "ask", "forget", "not activated"],
    ),
    row(ErrorCode::SequenceOutOfOrder, &["ask", "load", "register", "ask"], NOT_ACTIVATED),
    row(
        ErrorCode::TicketExpired,
        &["ask", "renew", "ask", "load", "register", "ask"],
        &["ask", "renew", "ask", "forget", "not activated"],
    ),
    row(
        ErrorCode::DeviceUnknown,
        &[
            "ask",
            "forget licenses",
            "renew",
            "ask",
            "forget licenses",
            "load",
            "register",
            "ask",
            "forget licenses",
        ],
        &["ask", "forget licenses", "renew", "ask", "forget licenses", "forget", "not activated"],
    ),
    row(ErrorCode::ClockSkew, &["ask", "ask"], &["ask", "ask"]),
    row(ErrorCode::LoginRequired, ASK, NOT_ACTIVATED),
    row(ErrorCode::DeviceLimitReached, ASK, NOT_ACTIVATED),
    row(
        ErrorCode::RenewOtherCustomer,
        &["ask", "forget licenses", "who is it", "ask", "forget licenses"],
        &["ask", "forget licenses", "forget", "not activated"],
    ),
    row(ErrorCode::RemovalLimitReached, ASK, ASK),
    row(ErrorCode::GrantInvalid, ASK, ASK),
    row(ErrorCode::StreamLimit, ASK, ASK),
    row(ErrorCode::NotSubscribed, ASK, ASK),
    row(ErrorCode::NetworkLimit, ASK, ASK),
    row(ErrorCode::RegionNotAllowed, ASK, ASK),
    row(ErrorCode::MovieUnknown, ASK, ASK),
    row(ErrorCode::MovieNotAvailable, ASK, ASK),
    row(ErrorCode::EventWaiting, ASK, ASK),
    row(ErrorCode::EventEnded, ASK, ASK),
    row(ErrorCode::PolicyRefused, ASK, ASK),
    row(ErrorCode::ChallengeInvalid, &["ask", "individualize", "ask"], &["ask", "ask"]),
    row(ErrorCode::CertificateInvalid, &["ask", "individualize", "ask"], ASK),
    row(ErrorCode::CodeExpired, ASK, ASK),
    row(ErrorCode::CodeUnknown, ASK, ASK),
    row(ErrorCode::TryLater, WAITS, WAITS),
    row(ErrorCode::LoginFailed, ASK, ASK),
    row(ErrorCode::OriginRefused, ASK, ASK),
    row(ErrorCode::Other, ASK, ASK),
];

#[derive(Clone, Copy, Debug)]
enum Level {
    Message,
    Envelope,
}

fn words(trace: &[String]) -> Vec<&str> {
    let word = |(at, what): (usize, &String)| match what.as_str() {
        "challenge" => None,
        "license" => {
            assert_eq!(trace[at - 1], "challenge", "each envelope has a challenge of its own");
            Some("ask")
        }
        "authenticationrenewal" => Some("renew"),
        "register+ping" => Some("register"),
        "wait" => Some("wait"),
        "load" => Some("load"),
        "forget" => Some("forget"),
        "forget licenses" => Some("forget licenses"),
        "individualize" => Some("individualize"),
        "who is it" => Some("who is it"),
        other => panic!("{other}"),
    };
    trace.iter().enumerate().filter_map(word).collect()
}

/// A device with a good ticket that asks for a license, which is refused so many times. What it does until it
/// gives up or succeeds.
fn refused(kind: Kind, code: ErrorCode, level: Level, times: usize) -> (Vec<String>, Answered) {
    let mut left = times;
    let mut bench = Bench::registered(kind, move |message, _| match message {
        RequestMessage::License { .. } if left > 0 => {
            left -= 1;
            match level {
                Level::Message => Verdict::Refuse(code),
                Level::Envelope => Verdict::RefuseAll(code),
            }
        }
        _ => Verdict::Well,
    });
    bench.outcome(license(b""))
}

fn check(kind: &Kind, code: ErrorCode, expected: &[&str]) {
    let (expected, told) = match expected {
        [steps @ .., "not activated"] => (steps, Error::NotActivated),
        steps => (steps, Error::Refused(code.into())),
    };
    for level in [Level::Message, Level::Envelope] {
        let (trace, answer) = refused(kind.clone(), code, level, usize::MAX);
        assert_eq!(words(&trace), expected, "{code}, {level:?}");
        assert_eq!(answer.unwrap_err(), told, "{code}, {level:?}");

        // Refused once, it is asked for once more, where anything was done about it; a registration that is
        // over comes only by a code.
        let (trace, answer) = refused(kind.clone(), code, level, 1);
        let asks = words(&trace).iter().filter(|word| **word == "ask").count();
        let again = expected.iter().filter(|word| **word == "ask").count() > 1;
        assert_eq!(asks, if again { 2 } else { 1 }, "{code}, {level:?}");
        assert_eq!(
            matches!(answer, Ok(ResponseMessage::License { .. })),
            again,
            "{code}, {level:?}: {answer:?}"
        );
    }
}

#[test]
fn each_code_has_its_recovery_in_a_browser() {
    for row in TABLE {
        check(&browser(), row.code, row.browser);
    }
}

#[test]
fn each_code_has_its_recovery_in_a_box() {
    for row in TABLE {
        check(&Kind::tv_box(), row.code, row.tv_box);
    }
}

#[test]
fn each_code_has_a_row() {
    for code in ErrorCode::ALL {
        assert_eq!(TABLE.iter().filter(|row| row.code == *code).count(), 1, "{code}");
    }
}

/// A grant that is over is asked for anew, by the way of a registration.
#[test]
fn a_grant_is_asked_for_again() {
    let kind = Kind::granted("Firefox on Linux", "Mozilla/5.0");
    check(&kind, ErrorCode::GrantInvalid, &["ask", "load", "register", "ask", "ask"]);
    check(&kind, ErrorCode::RenewOtherCustomer, &["ask", "forget licenses"]);
    check(&kind, ErrorCode::TicketExpired, &["ask", "renew", "ask", "load", "register", "ask"]);

    let mut left = 1;
    let mut bench = Bench::new(kind, None, move |message, _| match message {
        RequestMessage::Register(_) if left > 0 => {
            left -= 1;
            Verdict::Refuse(ErrorCode::GrantInvalid)
        }
        _ => Verdict::Well,
    });
    let token = || ShownGrant { token: "a-1.x".into(), origin: Some("https://school.example".into()) };
    bench.client.show(token());
    let (trace, answer) = bench.outcome(ACCOUNT);
    assert_eq!(trace, ["load", "register+ping", "load", "register+ping", "accountinfo"]);
    assert!(answer.is_ok(), "{answer:?}");
    let shown =
        bench.envelopes.iter().flat_map(|envelope| &envelope.messages).filter_map(|message| match message {
            RequestMessage::Register(register) => register.grant.clone(),
            _ => None,
        });
    assert_eq!(shown.collect::<Vec<_>>(), [token(), token()]);
}

/// A code of a later version: its action says what to do.
#[test]
fn unknown_codes_go_by_their_action() {
    use nccp::{Action, WireError};
    let error =
        |action| WireError { code: ErrorCode::Other, action, text: "a new one".into(), playing: vec![] };
    for kind in [browser(), Kind::tv_box()] {
        let steps = |action| kind.recoveries.steps(&error(action));
        assert_eq!(steps(Action::Renew), kind.recoveries.steps(&ErrorCode::TicketExpired.into()));
        assert_eq!(steps(Action::Backoff), kind.recoveries.steps(&ErrorCode::TryLater.into()));
        assert_eq!(steps(Action::Fail), []);
    }
}

/// Who polls with a code has no registration to mend: errors that speak of one are told at once.
#[test]
fn codes_are_asked_for_without_touching_the_registration() {
    for code in ErrorCode::ALL {
        let mut bench = Bench::registered(Kind::tv_box(), move |message, _| match message {
            RequestMessage::ActivationCode { .. } => Verdict::RefuseAll(*code),
            _ => Verdict::Well,
        });
        let (trace, answer) = bench.outcome(Ask::Activation);
        let expected = match code {
            ErrorCode::ClockSkew | ErrorCode::ChallengeInvalid | ErrorCode::NotAuthentic => 2,
            ErrorCode::TryLater => 7,
            _ => 1,
        };
        assert_eq!(trace.iter().filter(|what| *what == "activationcode").count(), expected, "{code}");
        assert_eq!(answer.unwrap_err(), Error::Refused((*code).into()));
        assert!(!trace.contains(&"forget".to_owned()) && bench.client.registration().is_some(), "{code}");
    }
}

/// Nobody answers: asked six times more, then told; and the next one to ask begins anew.
#[test]
fn silence_is_waited_out() {
    for kind in [browser(), Kind::tv_box()] {
        let mut left = 10;
        let mut bench = Bench::registered(kind, move |_, _| match left {
            0 => Verdict::Well,
            _ => {
                left -= 1;
                Verdict::Silence
            }
        });
        let (trace, answer) = bench.outcome(license(b""));
        assert_eq!((words(&trace).as_slice(), answer.unwrap_err()), (WAITS, Error::Unreachable));
        let (trace, answer) = bench.outcome(license(b""));
        assert_eq!(words(&trace), WAITS[..7]);
        assert!(answer.is_ok());
    }
}

/// What fails on the way to a remedy is mended by the same table: a browser whose clock is wrong registers
/// all the same.
#[test]
fn remedies_have_remedies() {
    let refusals = [ErrorCode::ClockSkew, ErrorCode::CertificateInvalid, ErrorCode::TryLater];
    let mut refusals = refusals.into_iter();
    let mut bench = Bench::registered(browser(), move |message, ticket| match message {
        RequestMessage::Register(_) => refusals.next().map_or(Verdict::Well, Verdict::Refuse),
        _ if ticket == Some("T0") => Verdict::RefuseAll(ErrorCode::NotAuthentic),
        _ => Verdict::Well,
    });
    let (trace, answer) = bench.outcome(license(b""));
    let expected = [
        "ask",
        "load",
        "register",
        "load",
        "register",
        "individualize",
        "load",
        "register",
        "wait",
        "load",
        "register",
        "ask",
    ];
    assert_eq!(words(&trace), expected);
    assert!(answer.is_ok());
}
