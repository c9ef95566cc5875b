//! Sessions: licenses in, keys for fragments out.
#![allow(missing_docs, clippy::unwrap_used)]
#![cfg(not(target_arch = "wasm32"))]

#[path = "common/mod.rs"]
mod common;
#[path = "../../license/tests/common/mod.rs"]
mod site;

use cenc::{Cek, Kid, KidAndKey};
use common::*;
use decryptor::{Error, Keys, PushDecryptor, SessionId, Sessions, Step};
use license::{Challenge, Check, Display, Grant, KeyLevel, Output, Policy, Refusal, Situation};
use site::{Device, NOW, Site, VERSION, rsa};

struct Player {
    site: Site,
    device: Device,
    sessions: Sessions,
}

fn keys() -> Vec<(Kid, Cek)> {
    let pair: KidAndKey = CLEARKEY.parse().unwrap();
    vec![(pair.kid, pair.cek)]
}

impl Player {
    fn new() -> Self {
        let site = Site::new();
        let device = Device::new(&site);
        Self { site, device, sessions: Sessions::default() }
    }

    fn challenge(&mut self, display: Display) -> (SessionId, Vec<u8>) {
        let session = self.sessions.create();
        let octets = self.device.sign(&self.device.challenge());
        self.sessions.challenged(session, &octets, "d-1", display).unwrap();
        (session, octets)
    }

    fn license(&self, challenge: &[u8], policy: &Policy) -> Vec<u8> {
        let challenge = Challenge::verify(challenge, &self.site.trust, NOW).unwrap();
        let keys = keys();
        let grant = Grant { content_id: "movie/7", keys: &keys, policy, now: NOW, oldest_module: VERSION };
        self.site.licenses.issue_license(&challenge, &grant).unwrap()
    }

    fn update(&mut self, session: SessionId, license: &[u8]) -> Result<(), Error> {
        let here = Situation {
            now: NOW,
            key_level: KeyLevel::Software,
            display: Display::Unknown,
            origin: "http://localhost:8080",
            release: None,
        };
        let verified = self.sessions.verify(session, license, &self.site.trust, Some(NOW), VERSION, &here)?;
        let kek = rsa().decrypt(verified.kek_ciphertext()).unwrap();
        self.sessions.install(session, &verified, &kek).map(drop)
    }

    fn find(&mut self, now: u64) -> Result<bool, Error> {
        let kid = keys()[0].0;
        self.sessions.at(now).find(&kid).map(|found| found.is_some())
    }
}

/// A103, A104: license, then clear fragments.
#[test]
fn a103_license_to_clear_fragments() {
    let mut player = Player::new();
    let (session, challenge) = player.challenge(Display::Single);
    let mut stream = PushDecryptor::new();
    stream.set_init(CLEARKEY_INIT.to_vec()).unwrap();
    let (segment, expected) = CLEARKEY_SEGMENTS[0];
    stream.push(segment).unwrap();
    assert!(matches!(stream.step(&mut player.sessions.at(NOW)).unwrap(), Step::NeedKeys(_)));
    let license = player.license(&challenge, &site::policy());
    player.update(session, &license).unwrap();
    let mut out = Vec::new();
    while let Step::Fragment(fragment) = stream.step(&mut player.sessions.at(NOW)).unwrap() {
        out.push(fragment.to_vec());
    }
    assert_eq!(mdat_sha256(&out), expected);
    player.sessions.close(session);
    assert_eq!(player.find(NOW), Ok(false));
}

/// A license answers one challenge of one session, once.
#[test]
fn a_license_is_taken_once() {
    let mut player = Player::new();
    let (session, challenge) = player.challenge(Display::Single);
    let license = player.license(&challenge, &site::policy());
    let (other, _) = player.challenge(Display::Single);
    assert_eq!(player.update(other, &license), Err(Error::License(license::Error::Binding)));
    assert_eq!(player.update(99, &license), Err(Error::NoSession));
    assert_eq!(player.update(session, &license), Ok(()));
    assert_eq!(player.update(session, &license), Err(Error::NoChallenge));
    let unasked = player.sessions.create();
    assert_eq!(player.update(unasked, &license), Err(Error::NoChallenge));
}

/// B14, B17, A105: the end counts when playback starts; what has started continues, unless the policy says
/// otherwise.
#[test]
fn b14_expiry_counts_at_the_start_of_playback() {
    let end = NOW + 86_400;
    let start = |policy: &Policy| {
        let mut player = Player::new();
        let (session, challenge) = player.challenge(Display::Single);
        let license = player.license(&challenge, policy);
        player.update(session, &license).unwrap();
        player
    };
    assert_eq!(start(&site::policy()).find(end + 1), Err(Error::Refused(Refusal::Expired)));
    let mut player = start(&site::policy());
    assert_eq!(player.find(end), Ok(true));
    assert_eq!(player.find(end + 1), Ok(true));
    let mut player = start(&Policy { check: Check::Continuous, ..site::policy() });
    assert_eq!(player.find(end), Ok(true));
    assert_eq!(player.find(end + 1), Err(Error::Refused(Refusal::Expired)));
}

/// B7: the module refuses whatever the server granted.
#[test]
fn b7_policy_is_enforced_by_the_module() {
    let verdict = |policy: Policy, display| {
        let mut player = Player::new();
        let (session, challenge) = player.challenge(display);
        let license = player.license(&challenge, &policy);
        player.update(session, &license)
    };
    let refused = |refusal| Err(Error::Refused(refusal));
    let strict = Policy { output_digital: Output::Required, ..site::policy() };
    assert_eq!(verdict(strict.clone(), Display::Single), Ok(()));
    assert_eq!(verdict(strict, Display::Extended), refused(Refusal::Output));
    let level = Policy { key_level: KeyLevel::Webcrypto, ..site::policy() };
    assert_eq!(verdict(level, Display::Single), refused(Refusal::KeyLevel));
    let over = Policy { not_after: Some(NOW - 1), ..site::policy() };
    assert_eq!(verdict(over, Display::Single), refused(Refusal::Expired));
    let players = vec![license::Player { origin: "https://elsewhere".into(), release: None }];
    let listed = Policy { players: Some(players), ..site::policy() };
    assert_eq!(verdict(listed, Display::Single), refused(Refusal::Player));
}

/// B57, B60: a second display makes what plays wait, and nothing is lost when it goes.
#[test]
fn b60_displays_are_watched() {
    let strict = Policy { output_analog: Output::Required, ..site::policy() };
    let mut player = Player::new();
    let (session, challenge) = player.challenge(Display::Single);
    let license = player.license(&challenge, &strict);
    player.update(session, &license).unwrap();
    assert_eq!(player.find(NOW), Ok(true));
    for other in [Display::Extended, Display::Unknown] {
        player.sessions.set_display(other);
        assert_eq!(player.find(NOW), Ok(false), "held, not failed");
        let (_, granted) = player.sessions.granted().next().unwrap();
        assert_eq!(granted.state(NOW), Err(Refusal::Output));
        player.sessions.set_display(Display::Single);
        assert_eq!(player.find(NOW + 100_000), Ok(true), "what has started goes on");
    }
    // One that has not started is looked at as a start is.
    let (session, challenge) = player.challenge(Display::Single);
    let license = player.license(&challenge, &strict);
    player.update(session, &license).unwrap();
    let (_, granted) = player.sessions.granted().find(|(id, _)| *id == session).unwrap();
    assert_eq!(granted.state(NOW + 100_000), Err(Refusal::Expired));
}

/// A license that was kept opens a later session of the same device, until it ends, whatever has been signed
/// since.
#[test]
fn a_kept_license_holds_until_it_ends() {
    let mut player = Player::new();
    let (_, challenge) = player.challenge(Display::Single);
    let license = player.license(&challenge, &Policy { persistent: true, ..site::policy() });
    let mut later = |now: u64, device: &str, display| {
        let session = player.sessions.create();
        player.sessions.expect(session, license::sha256(&challenge), device, display).unwrap();
        let here = Situation {
            now,
            key_level: KeyLevel::Software,
            display: Display::Single,
            origin: "http://localhost:8080",
            release: None,
        };
        let verified = player.sessions.verify(session, &license, &player.site.trust, None, VERSION, &here)?;
        let kek = rsa().decrypt(verified.kek_ciphertext()).unwrap();
        player.sessions.install(session, &verified, &kek)?;
        player.sessions.close(session);
        Ok(())
    };
    assert_eq!(later(NOW + 86_400, "d-1", Display::Unknown), Ok(()));
    assert_eq!(later(NOW + 86_400, "d-1", Display::Single), Ok(()), "as often as wanted");
    assert_eq!(later(NOW + 86_401, "d-1", Display::Single), Err(Error::Refused(Refusal::Expired)));
    assert_eq!(later(NOW, "d-2", Display::Single), Err(Error::License(license::Error::Binding)));
}
