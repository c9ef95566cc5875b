//! Sessions: licenses in, keys for fragments out.

use crate::common::*;
use crate::site::{self, NOW, Site, VERSION, rsa};
use cenc::{Cek, Kid, KidAndKey};
use decryptor::{
    Cdm, Clocks, Device, Error, KeptLicense, Keys, LicenseRequest, Opener, PendingLicense, PushDecryptor,
    SessionId, Step,
};
use license::{Challenge, Check, Display, Grant, KeyLevel, Output, Policy, Refusal, SoftwareRsaKey};

type Key = &'static SoftwareRsaKey;

struct Player {
    site: Site,
    device: site::Device,
    cdm: Cdm<Key>,
}

fn keys() -> Vec<(Kid, Cek)> {
    let pair: KidAndKey = CLEARKEY.parse().unwrap();
    vec![(pair.kid, pair.cek)]
}

/// A machine whose clock is right.
fn at(now: u64) -> Clocks {
    Clocks { wall: now as f64, monotonic: (now - NOW) as f64 }
}

fn kek(pending: &PendingLicense<Key>) -> Vec<u8> {
    let Opener::Challenge(key) = pending.opener() else { panic!("a domain's") };
    key.decrypt(pending.kek_ciphertext()).unwrap().to_vec()
}

fn device<'a>(site: &'a Site, device: &'a site::Device) -> Device<'a> {
    Device {
        trust: &site.trust,
        certificate: &device.certificate,
        signing_key: device.key.public_key().unwrap(),
        key_level: KeyLevel::Software,
        origin: site::URL,
        release: None,
    }
}

impl Player {
    fn new() -> Self {
        let site = Site::new();
        let device = site::Device::new(&site);
        Self { site, device, cdm: Cdm::new(None, at(NOW)) }
    }

    fn challenge(&mut self, display: Display) -> (SessionId, Vec<u8>) {
        let session = self.cdm.create();
        (session, self.challenge_in(session, display).unwrap())
    }

    fn challenge_in(&mut self, session: SessionId, display: Display) -> Result<Vec<u8>, Error> {
        let (device_id, ticket, keys) = ("d-1", "ticket", vec![]);
        let request =
            LicenseRequest { stream_id: 7, device_id, ticket, keys, display, time: NOW, sequence: 1 };
        let pair = (rsa().modulus().unwrap(), rsa());
        let device = device(&self.site, &self.device);
        let pending = self.cdm.begin_challenge(session, &device, request, pair)?;
        let signature = self.device.key.sign(pending.message());
        self.cdm.finish_challenge(pending, &signature, at(NOW))
    }

    fn license(&self, challenge: &[u8], policy: &Policy) -> Vec<u8> {
        self.license_of(challenge, policy, NOW)
    }

    fn license_of(&self, challenge: &[u8], policy: &Policy, now: u64) -> Vec<u8> {
        let challenge = Challenge::verify(challenge, &self.site.trust, NOW).unwrap();
        let keys = keys();
        let grant = Grant { content_id: "movie/7", keys: &keys, policy, now, oldest_module: VERSION };
        self.site.licenses.issue_license(&challenge, &grant).unwrap()
    }

    fn begin(&mut self, session: SessionId, license: &[u8]) -> Result<PendingLicense<Key>, Error> {
        self.cdm.begin_update(session, license, &device(&self.site, &self.device), at(NOW))
    }

    fn update(&mut self, session: SessionId, license: &[u8]) -> Result<(), Error> {
        let pending = self.begin(session, license)?;
        self.cdm.finish_license(&pending, &kek(&pending)).map(drop)
    }

    fn find(&mut self, now: u64) -> Result<bool, Error> {
        let kid = keys()[0].0;
        self.cdm.keys(at(now)).find(&kid).map(|found| found.is_some())
    }
}

/// A95: what a challenge says, and that the device's key signs it.
#[test]
fn a95_challenges_say_what_was_asked() {
    let mut player = Player::new();
    let (session, octets) = player.challenge(Display::Extended);
    let verified = Challenge::verify(&octets, &player.site.trust, NOW).unwrap();
    let expected = Challenge {
        nonce: verified.challenge.nonce,
        display: Display::Extended,
        module_version: decryptor::module_version(),
        ..player.device.challenge()
    };
    assert_eq!(verified.challenge, expected);
    let again = player.challenge_in(session, Display::Single).unwrap();
    let again = Challenge::verify(&again, &player.site.trust, NOW).unwrap();
    assert_ne!(again.challenge.nonce, verified.challenge.nonce);
    assert_eq!(player.challenge_in(99, Display::Single), Err(Error::NoSession));
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
    assert!(matches!(stream.step(&mut player.cdm.keys(at(NOW))).unwrap(), Step::NeedKeys(_)));
    let license = player.license(&challenge, &site::policy());
    player.update(session, &license).unwrap();
    let mut out = Vec::new();
    while let Step::Fragment(fragment) = stream.step(&mut player.cdm.keys(at(NOW))).unwrap() {
        out.push(fragment.to_vec());
    }
    assert_eq!(mdat_sha256(&out), expected);
    player.cdm.close(session);
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
    let unasked = player.cdm.create();
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
        player.cdm.set_display(other);
        assert_eq!(player.find(NOW), Ok(false), "held, not failed");
        let (_, granted) = player.cdm.granted().next().unwrap();
        assert_eq!(granted.state(NOW), Err(Refusal::Output));
        player.cdm.set_display(Display::Single);
        assert_eq!(player.find(NOW + 100_000), Ok(true), "what has started goes on");
    }
    // One that has not started is looked at as a start is.
    let (session, challenge) = player.challenge(Display::Single);
    let license = player.license(&challenge, &strict);
    player.update(session, &license).unwrap();
    let (_, granted) = player.cdm.granted().find(|(id, _)| *id == session).unwrap();
    assert_eq!(granted.state(NOW + 100_000), Err(Refusal::Expired));
}

/// A license that is being opened when the session challenges again is not taken any more; displays that
/// change meanwhile count.
#[test]
fn a_license_is_taken_as_things_are_when_it_is_open() {
    let mut player = Player::new();
    let (session, challenge) = player.challenge(Display::Single);
    let license = player.license(&challenge, &Policy { output_digital: Output::Required, ..site::policy() });
    let pending = player.begin(session, &license).unwrap();
    assert!(matches!(
        player.cdm.finish_license(&pending, &[0; 32]).map(|_| ()),
        Err(Error::License(license::Error::NotAuthentic))
    ));
    player.challenge_in(session, Display::Single).unwrap();
    let late = player.cdm.finish_license(&pending, &kek(&pending)).map(|_| ());
    assert_eq!(late, Err(Error::NoChallenge));

    let (session, challenge) = player.challenge(Display::Single);
    let license = player.license(&challenge, &Policy { output_digital: Output::Required, ..site::policy() });
    let pending = player.begin(session, &license).unwrap();
    player.cdm.set_display(Display::Extended);
    player.cdm.finish_license(&pending, &kek(&pending)).unwrap();
    assert_eq!(player.find(NOW), Ok(false), "held");
}

/// A license that was kept opens a later session of the same device, until it ends, whatever has been signed
/// since.
#[test]
fn a_kept_license_holds_until_it_ends() {
    let mut player = Player::new();
    let (session, challenge) = player.challenge(Display::Single);
    let license = player.license(&challenge, &site::policy());
    assert!(player.begin(session, &license).unwrap().to_keep().is_none());
    let license = player.license(&challenge, &Policy { persistent: true, ..site::policy() });
    let pending = player.begin(session, &license).unwrap();
    let (stream_id, kept) = pending.to_keep().unwrap();
    assert_eq!((stream_id, &kept.license, kept.challenge_sha256), (7, &license, license::sha256(&challenge)));
    let later = |now: u64, device_id: &str, display| {
        // As after a restart, on a clock that has seen more since.
        let mut cdm = Cdm::new(None, at(now));
        cdm.time.learn(now, at(now), at(now));
        let session = cdm.create();
        let device = device(&player.site, &player.device);
        let registered = (device_id, display);
        let pending = cdm.begin_load(session, KeptLicense::clone(kept), registered, &device, at(now))?;
        assert!(pending.to_keep().is_none());
        cdm.finish_license(&pending, &kek(&pending))?;
        assert!(cdm.keys(at(now)).find(&keys()[0].0)?.is_some());
        Ok(())
    };
    assert_eq!(later(NOW + 86_400, "d-1", Display::Unknown), Ok(()));
    assert_eq!(later(NOW + 86_400, "d-1", Display::Single), Ok(()), "as often as wanted");
    assert_eq!(later(NOW + 86_401, "d-1", Display::Single), Err(Error::Refused(Refusal::Expired)));
    assert_eq!(later(NOW, "d-2", Display::Single), Err(Error::License(license::Error::Binding)));
}

/// B18: the clock set back before each start. What was kept is not taken until a signed time comes; a new
/// license brings one.
#[test]
fn b18_a_kept_license_wants_a_clock_that_was_not_set_back() {
    let mut player = Player::new();
    let (session, challenge) = player.challenge(Display::Single);
    let license = player.license(&challenge, &Policy { persistent: true, ..site::policy() });
    let pending = player.begin(session, &license).unwrap();
    let kept = pending.to_keep().unwrap().1.clone();
    let signed = player.cdm.time.to_keep(at(NOW));
    let begun = |cdm: &mut Cdm<Key>, wall: u64| {
        let (session, device) = (cdm.create(), device(&player.site, &player.device));
        let clocks = Clocks { wall: wall as f64, monotonic: 0.0 };
        cdm.begin_load(session, kept.clone(), ("d-1", Display::Single), &device, clocks).map(|_| ())
    };
    let start = |kept, wall: u64| Cdm::<Key>::new(kept, Clocks { wall: wall as f64, monotonic: 0.0 });

    // Started once in time: the time is to be kept as it is opened.
    let late = NOW + 80_000;
    let mut cdm = start(signed, late);
    assert_eq!(begun(&mut cdm, late), Ok(()));
    let known = cdm.time.to_keep(Clocks { wall: late as f64, monotonic: 0.0 });
    assert!(known.is_some_and(|anchor| anchor.signed == NOW && anchor.known == late as f64));
    // Set back to when the license came, to before it, or by a little.
    for (wall, expected) in [
        (NOW, Err(Error::ClockSetBack)),
        (NOW - 80_000, Err(Error::ClockSetBack)),
        (late - 301, Err(Error::ClockSetBack)),
        (late - 300, Ok(())),
        (late, Ok(())),
        (NOW + 86_401, Err(Error::Refused(Refusal::Expired))),
    ] {
        assert_eq!(begun(&mut start(known, wall), wall), expected, "{wall}");
    }
    // A signed time settles it, whatever the clock says.
    let mut cdm = start(known, NOW);
    let clocks = Clocks { wall: NOW as f64, monotonic: 0.0 };
    cdm.time.learn(late + 5, clocks, clocks);
    assert_eq!(begun(&mut cdm, NOW), Ok(()));
    assert_eq!(begun(&mut cdm, NOW + 6400), Err(Error::Refused(Refusal::Expired)));
}

/// B18: a script in the page keeps a fresh license back until another one has ended. The time goes on, so
/// neither plays.
#[test]
fn b18_a_license_that_was_held_back_does_not_set_the_time_back() {
    let mut player = Player::new();
    let (ended, challenge) = player.challenge(Display::Single);
    let license = player.license(&challenge, &Policy { check: Check::Continuous, ..site::policy() });
    player.update(ended, &license).unwrap();
    let (session, challenge) = player.challenge(Display::Single);
    // Signed a second later than all that the module has seen.
    let unlimited = Policy { not_after: None, ..site::policy() };
    let held = player.license_of(&challenge, &unlimited, NOW + 1);
    let short = player.license_of(&challenge, &site::policy(), NOW + 1);
    let late = NOW + 86_401;
    assert_eq!(player.find(late), Err(Error::Refused(Refusal::Expired)));

    let begun = |player: &mut Player, license: &[u8]| {
        let device = device(&player.site, &player.device);
        player.cdm.begin_update(session, license, &device, at(late)).map(|_| ())
    };
    assert_eq!(begun(&mut player, &short), Err(Error::Refused(Refusal::Expired)));
    assert_eq!(player.cdm.time.now(at(late)), late);
    assert_eq!(begun(&mut player, &held), Ok(()));
    assert_eq!(player.cdm.time.now(at(late)), late);
    assert_eq!(player.find(late), Err(Error::Refused(Refusal::Expired)));
}
