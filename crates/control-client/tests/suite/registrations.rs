//! How devices come to a good ticket.

use control_client::{Ask, Error, Kind};
use nccp::{Activation, ErrorCode, Registration, RequestMessage, ResponseMessage};

use crate::bench::{ACCOUNT, Bench, NOW, Verdict, browser, identity, registration};

fn well(_: &RequestMessage, _: Option<&str>) -> Verdict {
    Verdict::Well
}

#[test]
fn a_browser_registers_by_itself() {
    let mut bench = Bench::new(browser(), None, well);
    let (trace, answer) = bench.outcome(ACCOUNT);
    assert_eq!(trace, ["load", "register+ping", "accountinfo"]);
    assert!(answer.is_ok());
    let [RequestMessage::Register(register), RequestMessage::Ping] = &bench.envelopes[0].messages[..] else {
        panic!("{:?}", bench.envelopes[0])
    };
    assert_eq!((register.name.as_str(), register.certificate.as_slice()), ("Firefox on Linux", &b"keys"[..]));
    assert_eq!(bench.envelopes[0].device, None);
    assert_eq!(bench.stored.as_ref().map(|stored| stored.ticket.as_str()), Some("T1"), "kept");
}

/// A box needs a code, and asks for nothing else until it has one.
#[test]
fn a_box_is_registered_by_a_code() {
    let mut bench = Bench::new(Kind::tv_box(), None, well);
    let (trace, answer) = bench.outcome(ACCOUNT);
    assert_eq!((trace.len(), answer.unwrap_err()), (0, Error::NotActivated));
    let (trace, answer) = bench.outcome(Ask::Activation);
    assert_eq!(trace, ["activationcode"]);
    let Ok(ResponseMessage::ActivationCode(Activation::Registered(by_code))) = answer else {
        panic!("{answer:?}")
    };
    assert_eq!(bench.stored, Some(by_code), "kept before it is answered");
    let (trace, answer) = bench.outcome(ACCOUNT);
    assert_eq!(trace, ["accountinfo"]);
    assert!(answer.is_ok());
}

/// Both ways of asking at once: the code's goes first, and lends its ticket.
#[test]
fn codes_go_first_and_alone() {
    let mut bench = Bench::new(Kind::tv_box(), None, well);
    let ids = bench.ask([ACCOUNT, Ask::Activation]);
    assert_eq!(bench.trace, ["activationcode", "accountinfo"]);
    assert!(ids.iter().all(|id| bench.answers[id].is_ok()));
}

#[test]
fn a_ticket_that_is_due_is_renewed_along_the_way() {
    for kind in [browser(), Kind::tv_box()] {
        let due = Registration { renewal: NOW, ..registration("T0") };
        let mut bench = Bench::new(kind, Some(due), well);
        let (trace, answer) = bench.outcome(ACCOUNT);
        assert_eq!(trace, ["accountinfo+authenticationrenewal"]);
        assert!(answer.is_ok());
        let (trace, _) = bench.outcome(ACCOUNT);
        assert_eq!(trace, ["accountinfo"]);
        assert_eq!(bench.client.registration().map(|registration| registration.ticket.as_str()), Some("T1"));
    }
}

/// A renewal that fails on the way is tried again with the next envelope; nobody hears of it.
#[test]
fn a_renewal_along_the_way_may_fail() {
    let due = Registration { renewal: NOW, ..registration("T0") };
    let mut bench = Bench::new(browser(), Some(due), |message, _| match message {
        RequestMessage::AuthenticationRenewal { .. } => Verdict::Refuse(ErrorCode::LoginRequired),
        _ => Verdict::Well,
    });
    for _ in 0..2 {
        let (trace, answer) = bench.outcome(ACCOUNT);
        assert_eq!(trace, ["accountinfo+authenticationrenewal"]);
        assert!(answer.is_ok());
    }
}

#[test]
fn a_ticket_that_is_over_is_renewed_first() {
    for kind in [browser(), Kind::tv_box()] {
        let over = Registration { expiration: NOW, ..registration("T0") };
        let mut bench = Bench::new(kind, Some(over), well);
        let (trace, answer) = bench.outcome(ACCOUNT);
        assert_eq!(trace, ["authenticationrenewal", "accountinfo"]);
        assert!(answer.is_ok());
    }
}

/// Removed meanwhile: a browser takes a slot again, a box shows a code.
#[test]
fn a_device_that_was_removed_cannot_renew() {
    let judge = |message: &RequestMessage, _: Option<&str>| match message {
        RequestMessage::AuthenticationRenewal { .. } => Verdict::Refuse(ErrorCode::DeviceUnknown),
        _ => Verdict::Well,
    };
    let over = || Some(Registration { expiration: NOW, ..registration("T0") });
    let mut bench = Bench::new(browser(), over(), judge);
    let (trace, answer) = bench.outcome(ACCOUNT);
    let expected = ["authenticationrenewal", "forget licenses", "load", "register+ping", "accountinfo"];
    assert_eq!(trace, expected);
    assert!(answer.is_ok());

    let mut bench = Bench::new(Kind::tv_box(), over(), judge);
    let (trace, answer) = bench.outcome(ACCOUNT);
    assert_eq!(trace[2..], ["forget"]);
    assert_eq!(answer.unwrap_err(), Error::NotActivated);
    assert_eq!(bench.client.registration(), None);
}

/// The server's clock is another: told once, adopted, and not told again.
#[test]
fn the_server_s_clock_is_adopted() {
    let mut bench = Bench::registered(browser(), well);
    bench.skew = 20 * 3600;
    let _ = bench.outcome(ACCOUNT);
    assert_eq!(bench.client.clock_offset(), 72_000.0);
    let (trace, _) = bench.outcome(ACCOUNT);
    assert_eq!(trace[0], "authenticationrenewal", "by that clock the ticket is over");
    assert_eq!(bench.envelopes.last().map(|envelope| envelope.time), Some(NOW + 72_000));
    bench.skew = 1;
    let _ = bench.outcome(ACCOUNT);
    assert_eq!(bench.client.clock_offset(), 0.0, "whole seconds and the way are no skew");
}

/// Another tab has registered since: its ticket is taken, for a registration would put an end to it.
#[test]
fn a_newer_registration_of_another_tab_is_taken() {
    let mut bench = Bench::registered(browser(), |_, ticket| match ticket {
        Some("T0") => Verdict::RefuseAll(ErrorCode::SequenceOutOfOrder),
        _ => Verdict::Well,
    });
    bench.stored = Some(registration("of the other tab"));
    let (trace, answer) = bench.outcome(ACCOUNT);
    assert_eq!(trace, ["accountinfo", "load", "accountinfo"]);
    assert!(answer.is_ok());
    assert_eq!(bench.client.registration().map(|taken| taken.ticket.as_str()), Some("of the other tab"));
}

/// Somebody else has signed in: the device becomes that account's, with the registration that it has there,
/// or a new one.
#[test]
fn another_customer_s_device_is_another_device() {
    for kept in [None, Some(registration("of the other account"))] {
        let over = Registration { expiration: NOW, ..registration("T0") };
        let mut bench = Bench::new(browser(), Some(over), |message, _| match message {
            RequestMessage::AuthenticationRenewal { .. } => Verdict::Refuse(ErrorCode::RenewOtherCustomer),
            _ => Verdict::Well,
        });
        (bench.who, bench.stored) = (Ok(identity("other keys")), kept.clone());
        let (trace, answer) = bench.outcome(ACCOUNT);
        let begin = ["authenticationrenewal", "forget licenses", "who is it", "load"];
        assert_eq!(trace[..4], begin);
        match kept {
            Some(_) => assert_eq!(trace[4..], ["accountinfo"]),
            None => {
                assert_eq!(trace[4..], ["register+ping", "accountinfo"]);
                let RequestMessage::Register(register) = &bench.envelopes[1].messages[0] else { panic!() };
                assert_eq!(register.certificate, b"other keys");
            }
        }
        assert!(answer.is_ok());
    }
}

/// Nobody is signed in any more: told, and nothing else is tried.
#[test]
fn a_signed_out_browser_is_told_so() {
    let over = Registration { expiration: NOW, ..registration("T0") };
    let mut bench = Bench::new(browser(), Some(over), |message, _| match message {
        RequestMessage::AuthenticationRenewal { .. } => Verdict::Refuse(ErrorCode::RenewOtherCustomer),
        _ => Verdict::Well,
    });
    bench.who = Err(Error::Refused(ErrorCode::LoginRequired.into()));
    let (trace, answer) = bench.outcome(ACCOUNT);
    assert_eq!(trace, ["authenticationrenewal", "forget licenses", "who is it"]);
    assert_eq!(answer.unwrap_err().code(), Some(ErrorCode::LoginRequired));
}

/// New keys come with a new certificate: the old ones' registration is of no use.
#[test]
fn an_identity_with_other_keys_registers_anew() {
    for (who, expected) in [
        (identity("keys"), &["accountinfo", "individualize", "accountinfo"][..]),
        (identity("other keys"), &["accountinfo", "individualize", "load", "register+ping", "accountinfo"]),
    ] {
        let mut left = 1;
        let mut bench = Bench::registered(browser(), move |message, _| match message {
            RequestMessage::AccountInfo if left > 0 => {
                left -= 1;
                Verdict::Refuse(ErrorCode::CertificateInvalid)
            }
            _ => Verdict::Well,
        });
        (bench.who, bench.stored) = (Ok(who), None);
        let (trace, answer) = bench.outcome(ACCOUNT);
        assert_eq!(trace, expected);
        assert!(answer.is_ok());
    }
}

/// A ticket can be wanted without a message: nothing is sent where it is good.
#[test]
fn a_registration_alone() {
    let mut bench = Bench::new(browser(), None, well);
    let (trace, answer) = bench.outcome(Ask::Registration);
    assert_eq!(trace, ["load", "register+ping"]);
    assert!(matches!(answer, Ok(ResponseMessage::Register(registration)) if registration.ticket == "T1"));
    let (trace, answer) = bench.outcome(Ask::Registration);
    assert!(trace.is_empty() && answer.is_ok());
}

/// A ticket that is over as soon as it comes is used once, not renewed for ever; the next envelope renews
/// again.
#[test]
fn a_new_ticket_is_used_whatever_its_end() {
    for kind in [browser(), Kind::tv_box()] {
        let over = Registration { expiration: NOW, ..registration("T0") };
        let mut bench = Bench::new(kind, Some(over), well);
        bench.life = 0;
        for _ in 0..2 {
            let (trace, answer) = bench.outcome(ACCOUNT);
            assert_eq!(trace, ["authenticationrenewal", "accountinfo"]);
            assert!(answer.is_ok());
        }
    }
}
