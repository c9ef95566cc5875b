//! Licenses that come along with DRM metadata: what the module makes of them.
#![allow(missing_docs, clippy::unwrap_used)]
#![cfg(not(target_arch = "wasm32"))]

#[path = "../../license/tests/common/mod.rs"]
mod site;

use decryptor::{Anchor, Clocks, Embedded, Error, Keys, Sessions, TrustedTime};
use license::{
    Display, Domain, DomainEpoch, DrmMetadata, Grant, KeyLevel, KeyName, Output, Player, Policy, Refusal,
    Situation, Version,
};
use site::{NOW, Site, VERSION, keys, policy, rsa};

const DOMAIN: DomainEpoch = DomainEpoch::at(Domain::All, NOW);
const HOUR: u64 = 3600;
const HERE: Situation<'static> = Situation {
    now: NOW,
    key_level: KeyLevel::Webcrypto,
    display: Display::Single,
    origin: "https://films.example.org",
    release: None,
};

/// Metadata made at [`NOW`], with a license for these rules.
fn metadata(site: &Site, policy: &Policy) -> Vec<u8> {
    let keys = keys();
    let grant = Grant { content_id: "movie/7", keys: &keys, policy, now: NOW, oldest_module: VERSION };
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

fn verify(site: &Site, metadata: &[u8], situation: &Situation<'_>) -> Result<Embedded, Error> {
    Embedded::verify(metadata, &site.trust, VERSION, situation)
}

fn refusal(result: Result<Embedded, Error>) -> Error {
    result.map(|_| ()).unwrap_err()
}

/// B21, B67: without a challenge, to the keys of every period.
#[test]
fn b21_keys_without_a_challenge() {
    let site = Site::new();
    let embedded = verify(&site, &metadata(&site, &policy()), &HERE).unwrap();
    assert_eq!(embedded.domain, DOMAIN);
    let kek = rsa().decrypt(embedded.license.kek_ciphertext()).unwrap();
    let mut sessions = Sessions::default();
    let session = sessions.create();
    assert_eq!(
        sessions.install_embedded(9, &embedded, &kek, Display::Single).map(|_| ()),
        Err(Error::NoSession)
    );
    let wrong = sessions.install_embedded(session, &embedded, &[0; 32], Display::Single).map(|_| ());
    assert_eq!(wrong, Err(Error::License(license::Error::NotAuthentic)));
    let granted = sessions.install_embedded(session, &embedded, &kek, Display::Single).unwrap();
    assert_eq!(granted.kids().count(), keys().len());
    for (kid, _) in keys() {
        assert!(sessions.at(NOW).find(&kid).unwrap().is_some());
    }
    sessions.close(session);
    assert!(sessions.at(NOW).find(&keys()[0].0).unwrap().is_none());
}

/// B12, B16, B17, B18: made at 12:00, fetched from a cache at 15:00, it is good until 12:00 the next day, whatever it was fetched at;
/// what has started by then goes on.
#[test]
fn b12_b16_b17_time_counts_from_making() {
    let site = Site::new();
    let octets = metadata(&site, &policy());
    let at = |now| verify(&site, &octets, &Situation { now, ..HERE });
    let noon_next_day = NOW + 24 * HOUR;
    assert!(at(NOW + 3 * HOUR).is_ok());
    assert!(at(noon_next_day).is_ok());
    assert_eq!(refusal(at(noon_next_day + 1)), Error::Refused(Refusal::Expired));

    // The module's clock at 15:00, which the metadata's own time does not turn back.
    let fetched = Clocks { wall: (NOW + 3 * HOUR) as f64, monotonic: 0.0 };
    let mut time = TrustedTime::new(None, fetched);
    let embedded = at(time.now(fetched)).unwrap();
    assert_eq!(time.learn_at_least(embedded.license.license().issued, fetched), None);
    let over = Clocks { wall: fetched.wall, monotonic: (21 * HOUR + 1) as f64 };
    let kept = Anchor { signed: NOW + 3 * HOUR, wall: fetched.wall };
    let anchored = TrustedTime::new(Some(kept), fetched);
    assert_eq!(refusal(at(anchored.now(over))), Error::Refused(Refusal::Expired));

    // Opened in time and not yet used at its end: refused. Used in time: plays on (B14).
    let kek = rsa().decrypt(embedded.license.kek_ciphertext()).unwrap();
    let (kid, mut sessions) = (keys()[0].0, Sessions::default());
    let unused = sessions.create();
    sessions.install_embedded(unused, &embedded, &kek, Display::Single).unwrap();
    let late = sessions.at(noon_next_day + 1).find(&kid).map(|_| ());
    assert_eq!(late, Err(Error::Refused(Refusal::Expired)));
    let used = sessions.create();
    sessions.install_embedded(used, &embedded, &kek, Display::Single).unwrap();
    assert!(sessions.at(noon_next_day).find(&kid).unwrap().is_some());
    assert!(sessions.at(noon_next_day + 6 * HOUR).find(&kid).unwrap().is_some());
}

/// B7, B20, B61, B79: no server looks at the rules, so the module does.
#[test]
fn b61_b79_the_module_enforces_the_rules() {
    let site = Site::new();
    let verdict = |policy: Policy, situation: Situation<'_>| {
        verify(&site, &metadata(&site, &policy), &situation).map(|_| ())
    };
    let refused = |refusal| Err(Error::Refused(refusal));
    for output in [
        Policy { output_digital: Output::Required, ..policy() },
        Policy { output_analog: Output::Required, ..policy() },
    ] {
        assert_eq!(verdict(output.clone(), HERE), Ok(()));
        for display in [Display::Extended, Display::Unknown] {
            assert_eq!(verdict(output.clone(), Situation { display, ..HERE }), refused(Refusal::Output));
        }
    }
    let mine = Player { origin: HERE.origin.into(), release: Some([7; 32]) };
    let listed = Policy { players: Some(vec![mine]), ..policy() };
    let release = Some([7; 32]);
    assert_eq!(verdict(listed.clone(), Situation { release, ..HERE }), Ok(()));
    assert_eq!(verdict(listed.clone(), HERE), refused(Refusal::Player));
    let elsewhere = Situation { origin: "https://other.example", release, ..HERE };
    assert_eq!(verdict(listed, elsewhere), refused(Refusal::Player));
    let level = Policy { key_level: KeyLevel::Box, ..policy() };
    assert_eq!(verdict(level, HERE), refused(Refusal::KeyLevel));
}

/// B45 and what else is not metadata with a license for this film and module.
#[test]
fn b45_what_is_not_right_is_refused() {
    let site = Site::new();
    let octets = metadata(&site, &policy());
    for bit in (0..octets.len() * 8).step_by(13) {
        let mut altered = octets.clone();
        altered[bit / 8] ^= 1 << (bit % 8);
        assert!(verify(&site, &altered, &HERE).is_err(), "bit {bit}");
    }
    assert_eq!(refusal(verify(&site, &sign(&site, "movie/7", None), &HERE)), Error::NoLicense);
    // Another film's license in this film's metadata, both rightly signed.
    let license = DrmMetadata::verify(&octets, &site.trust).unwrap().embedded_license;
    let swapped = sign(&site, "movie/8", license);
    assert_eq!(refusal(verify(&site, &swapped, &HERE)), Error::License(license::Error::Binding));
    let old = Embedded::verify(&octets, &site.trust, Version::new(0, 0, 1), &HERE);
    assert_eq!(refusal(old), Error::License(license::Error::Module));
    let foreign = verify(&Site::new(), &octets, &HERE);
    assert_eq!(refusal(foreign), Error::License(license::Error::NotAuthentic));
}

/// B51: nobody asks how old a domain's key is; the license's own end counts.
#[test]
fn b51_a_domain_does_not_end() {
    let site = Site::new();
    let octets = metadata(&site, &Policy { not_after: None, ..policy() });
    let in_twenty_years = Situation { now: NOW + 20 * 365 * 24 * HOUR, ..HERE };
    assert!(verify(&site, &octets, &in_twenty_years).is_ok());
}
