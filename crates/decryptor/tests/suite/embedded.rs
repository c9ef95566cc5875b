//! Licenses that come along with DRM metadata: what the module makes of them.

use crate::site::{NOW, Site, VERSION, keys, policy, rsa};
use decryptor::{Anchor, Cdm, Clocks, Device, Error, Keys, Opener, PendingLicense};
use license::{
    Display, Domain, DomainEpoch, DrmMetadata, Grant, KeyLevel, KeyName, Output, Player, Policy, Refusal,
    SigningPublicKey, SoftwareRsaKey, Version,
};

const DOMAIN: DomainEpoch = DomainEpoch::at(Domain::All, NOW);
const HOUR: u64 = 3600;
const ORIGIN: &str = "https://films.example.org";

/// A machine whose clock is right.
fn at(now: u64) -> Clocks {
    Clocks { wall: now as f64, monotonic: 0.0 }
}

/// The device that opens films here.
fn here(site: &Site) -> Device<'_> {
    Device {
        trust: &site.trust,
        certificate: &[],
        signing_key: SigningPublicKey::try_from([2; 33]).unwrap(),
        key_level: KeyLevel::Webcrypto,
        origin: ORIGIN,
        release: None,
    }
}

/// Metadata made at [`NOW`], with a license for these rules.
fn metadata(site: &Site, policy: &Policy) -> Vec<u8> {
    metadata_for(site, policy, VERSION)
}

fn metadata_for(site: &Site, policy: &Policy, oldest_module: Version) -> Vec<u8> {
    let keys = keys();
    let grant = Grant { content_id: "movie/7", keys: &keys, policy, now: NOW, oldest_module };
    let license = site.licenses.issue_embedded(DOMAIN, &rsa().modulus().unwrap(), &grant).unwrap();
    sign(site, "movie/7", Some(license))
}

fn sign(site: &Site, content: &str, license: Option<Vec<u8>>) -> Vec<u8> {
    let name = |(period, (kid, _)): (u32, &(cenc::Kid, cenc::Cek))| KeyName {
        kid: *kid,
        common_key_id: "ck-1".into(),
        label: "main".into(),
        period,
    };
    let metadata = DrmMetadata {
        signer: vec![],
        content_id: content.into(),
        keys: (0..).zip(&keys()).map(name).collect(),
        policy: "24h".into(),
        license_url: None,
        embedded_license: license,
        issued: NOW,
        ttl: HOUR,
    };
    site.metadata.sign_metadata(metadata).unwrap()
}

type Verdict = Result<PendingLicense<&'static SoftwareRsaKey>, Error>;

/// What a fresh module at this time makes of it.
fn verify(device: &Device<'_>, metadata: &[u8], now: u64, display: Display) -> Verdict {
    let mut cdm = Cdm::new(None, at(now));
    let session = cdm.create();
    cdm.begin_embedded(session, metadata, display, device, at(now))
}

fn refusal(verdict: Verdict) -> Error {
    verdict.map(|_| ()).unwrap_err()
}

/// B21, B67: without a challenge, to the keys of every period.
#[test]
fn b21_keys_without_a_challenge() {
    let site = Site::new();
    let mut cdm = Cdm::new(None, at(NOW));
    let octets = metadata(&site, &policy());
    let begin = |cdm: &mut Cdm<&'static SoftwareRsaKey>, session| {
        cdm.begin_embedded(session, &octets, Display::Single, &here(&site), at(NOW))
    };
    assert_eq!(refusal(begin(&mut cdm, 9)), Error::NoSession);
    let session = cdm.create();
    let pending = begin(&mut cdm, session).unwrap();
    assert!(matches!(pending.opener(), Opener::Domain(DOMAIN)));
    assert!(pending.to_keep().is_none());
    let kek = rsa().decrypt(pending.kek_ciphertext()).unwrap();
    let wrong = cdm.finish_license(&pending, &[0; 32]).map(|_| ());
    assert_eq!(wrong, Err(Error::License(license::Error::NotAuthentic)));
    let granted = cdm.finish_license(&pending, &kek).unwrap();
    assert_eq!(granted.kids().count(), keys().len());
    for (kid, _) in keys() {
        assert!(cdm.keys(at(NOW)).find(&kid).unwrap().is_some());
    }
    cdm.close(session);
    assert!(cdm.keys(at(NOW)).find(&keys()[0].0).unwrap().is_none());
    assert_eq!(cdm.finish_license(&pending, &kek).map(|_| ()), Err(Error::NoSession));
}

/// B60: displays that change while the license is being opened count.
#[test]
fn b60_displays_are_those_of_the_end() {
    let site = Site::new();
    let mut cdm = Cdm::<&SoftwareRsaKey>::new(None, at(NOW));
    let session = cdm.create();
    let octets = metadata(&site, &Policy { output_digital: Output::Required, ..policy() });
    let pending = cdm.begin_embedded(session, &octets, Display::Single, &here(&site), at(NOW)).unwrap();
    cdm.set_display(Display::Extended);
    let kek = rsa().decrypt(pending.kek_ciphertext()).unwrap();
    let granted = cdm.finish_license(&pending, &kek).unwrap();
    assert_eq!(granted.state(NOW), Err(Refusal::Output));
}

/// B12, B16, B17, B18: made at 12:00, fetched from a cache at 15:00, it is good until 12:00 the next day,
/// whatever it was fetched at; what has started by then goes on.
#[test]
fn b12_b16_b17_time_counts_from_making() {
    let site = Site::new();
    let octets = metadata(&site, &policy());
    let verdict = |now| verify(&here(&site), &octets, now, Display::Single);
    let noon_next_day = NOW + 24 * HOUR;
    assert!(verdict(NOW + 3 * HOUR).is_ok());
    assert!(verdict(noon_next_day).is_ok());
    assert_eq!(refusal(verdict(noon_next_day + 1)), Error::Refused(Refusal::Expired));

    // The module's clock at 15:00, which the metadata's own time does not turn back.
    let fetched = at(NOW + 3 * HOUR);
    let mut cdm = Cdm::<&SoftwareRsaKey>::new(None, fetched);
    let unused = cdm.create();
    let open = |cdm: &mut Cdm<_>, session, clocks| {
        cdm.begin_embedded(session, &octets, Display::Single, &here(&site), clocks)
    };
    let pending = open(&mut cdm, unused, fetched).unwrap();
    assert_eq!(cdm.time.now(fetched), NOW + 3 * HOUR);
    let over = Clocks { wall: fetched.wall, monotonic: (21 * HOUR + 1) as f64 };
    let kept = Anchor { signed: NOW + 3 * HOUR, known: fetched.wall, wall: fetched.wall };
    let mut anchored = Cdm::new(Some(kept), fetched);
    let session = anchored.create();
    assert_eq!(refusal(open(&mut anchored, session, over)), Error::Refused(Refusal::Expired));

    // Opened in time and not yet used at its end: refused. Used in time: plays on (B14).
    let kek = rsa().decrypt(pending.kek_ciphertext()).unwrap();
    let kid = keys()[0].0;
    cdm.finish_license(&pending, &kek).unwrap();
    let late = cdm.keys(at(noon_next_day + 1)).find(&kid).map(|_| ());
    assert_eq!(late, Err(Error::Refused(Refusal::Expired)));
    let used = cdm.create();
    let pending = open(&mut cdm, used, fetched).unwrap();
    cdm.finish_license(&pending, &kek).unwrap();
    assert!(cdm.keys(at(noon_next_day)).find(&kid).unwrap().is_some());
    assert!(cdm.keys(at(noon_next_day + 6 * HOUR)).find(&kid).unwrap().is_some());
}

/// B18: on a clock that was set back, metadata out of a cache is not taken; newer than all that is known, it
/// tells the time itself.
#[test]
fn b18_old_metadata_wants_a_clock_that_was_not_set_back() {
    let site = Site::new();
    let octets = metadata(&site, &policy());
    let begun = |known: u64| {
        let clocks = Clocks { wall: (NOW - HOUR) as f64, monotonic: 0.0 };
        let kept = Anchor { signed: 0, known: known as f64, wall: known as f64 };
        let mut cdm = Cdm::<&SoftwareRsaKey>::new(Some(kept), clocks);
        let session = cdm.create();
        cdm.begin_embedded(session, &octets, Display::Single, &here(&site), clocks).map(|_| ())
    };
    assert_eq!(begun(NOW + 1), Err(Error::ClockSetBack));
    assert_eq!(begun(NOW - 1), Ok(()));
}

/// B7, B20, B61, B79: no server looks at the rules, so the module does.
#[test]
fn b61_b79_the_module_enforces_the_rules() {
    let site = Site::new();
    let verdict = |policy: Policy, device: Device<'_>, display| {
        verify(&device, &metadata(&site, &policy), NOW, display).map(|_| ())
    };
    let (here, refused) = (here(&site), |refusal| Err(Error::Refused(refusal)));
    for output in [
        Policy { output_digital: Output::Required, ..policy() },
        Policy { output_analog: Output::Required, ..policy() },
    ] {
        assert_eq!(verdict(output.clone(), here, Display::Single), Ok(()));
        for display in [Display::Extended, Display::Unknown] {
            assert_eq!(verdict(output.clone(), here, display), refused(Refusal::Output));
        }
    }
    let mine = Player { origin: ORIGIN.into(), release: Some([7; 32]) };
    let listed = Policy { players: Some(vec![mine]), ..policy() };
    let release = Some([7; 32]);
    assert_eq!(verdict(listed.clone(), Device { release, ..here }, Display::Single), Ok(()));
    assert_eq!(verdict(listed.clone(), here, Display::Single), refused(Refusal::Player));
    let elsewhere = Device { origin: "https://other.example", release, ..here };
    assert_eq!(verdict(listed, elsewhere, Display::Single), refused(Refusal::Player));
    let level = Policy { key_level: KeyLevel::Box, ..policy() };
    assert_eq!(verdict(level, here, Display::Single), refused(Refusal::KeyLevel));
}

/// B45 and what else is not metadata with a license for this film and module.
#[test]
fn b45_what_is_not_right_is_refused() {
    let site = Site::new();
    let octets = metadata(&site, &policy());
    let verdict = |octets: &[u8]| verify(&here(&site), octets, NOW, Display::Single);
    for bit in (0..octets.len() * 8).step_by(13) {
        let mut altered = octets.clone();
        altered[bit / 8] ^= 1 << (bit % 8);
        assert!(verdict(&altered).is_err(), "bit {bit}");
    }
    assert_eq!(refusal(verdict(&sign(&site, "movie/7", None))), Error::NoLicense);
    // Another film's license in this film's metadata, both rightly signed.
    let license = DrmMetadata::verify(&octets, &site.trust).unwrap().embedded_license;
    let swapped = sign(&site, "movie/8", license);
    assert_eq!(refusal(verdict(&swapped)), Error::License(license::Error::Binding));
    let newer = Version::new(0, 1, 1);
    assert!(newer > decryptor::module_version());
    let too_old = metadata_for(&site, &policy(), newer);
    assert_eq!(refusal(verdict(&too_old)), Error::License(license::Error::Module));
    let foreign = verify(&here(&Site::new()), &octets, NOW, Display::Single);
    assert_eq!(refusal(foreign), Error::License(license::Error::NotAuthentic));
}

/// B51: nobody asks how old a domain's key is; the license's own end counts.
#[test]
fn b51_a_domain_does_not_end() {
    let site = Site::new();
    let octets = metadata(&site, &Policy { not_after: None, ..policy() });
    let in_twenty_years = NOW + 20 * 365 * 24 * HOUR;
    assert!(verify(&here(&site), &octets, in_twenty_years, Display::Single).is_ok());
}
