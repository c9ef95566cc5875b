use super::generate::SIGNER_LIFE;
use super::*;
use crate::Error;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

const URL: &str = "http://localhost:8080";
const NOW: u64 = 1_790_000_000;

#[test]
fn a_first_start_makes_one_set_and_a_second_none() {
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("keys");
    let new = generate(&keys, URL, 1000).unwrap();
    assert_eq!(new.len(), 9);
    assert_eq!(new.iter().filter(|key| key.kind == KeyKind::Signer).count(), 4);
    assert!(generate(&keys, URL, 2000).unwrap().is_empty());
    let ring = load(&keys, URL, 2000).unwrap();
    assert_eq!(ring.active_common_key().0, "ck-1");
    assert!(ring.common_key("ck-2").is_none());
    // Another public URL: same keys, other certificates.
    let moved = load(&keys, "https://films.example.org", 2000).unwrap();
    assert_eq!(moved.ca_keys, ring.ca_keys);
    assert_eq!(moved.license.certificate().key, ring.license.certificate().key);
    assert_ne!(moved.license.certificate_octets(), ring.license.certificate_octets());
    // And long after the first certificate's end.
    assert!(
        load(&keys, URL, 1000 + 2 * SIGNER_LIFE).unwrap().license.certificate().not_after > 2 * SIGNER_LIFE
    );
}

#[test]
fn files_are_private_and_stay_so() {
    let folder = tempfile::tempdir().unwrap();
    generate(folder.path(), URL, 1000).unwrap();
    let path = folder.path().join("common-ck-1.toml");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(load(folder.path(), URL, 1000), Err(Error::KeysExposed(p)) if p == path));
    assert!(matches!(generate(folder.path(), URL, 1000), Err(Error::KeysExposed(_))));
}

#[test]
fn a_damaged_file_is_named_without_its_content() {
    let folder = tempfile::tempdir().unwrap();
    generate(folder.path(), URL, 1000).unwrap();
    let path = folder.path().join("common-ck-1.toml");
    let text = fs::read_to_string(&path).unwrap();
    let secret = text.split("secret = \"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    fs::write(&path, text.replace("state", "estate")).unwrap();
    let error = format!("{:?}", load(folder.path(), URL, 1000).unwrap_err());
    assert!(error.contains("common-ck-1") && !error.contains(&secret), "{error}");
}

/// A folder that has every key may be mounted read-only.
#[test]
fn a_complete_folder_is_not_written_to() {
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("keys");
    open(&keys, URL, &[], 1000).unwrap();
    fs::remove_file(keys.join(".lock")).unwrap();
    open(&keys, URL, &[], 2000).unwrap();
    assert!(!keys.join(".lock").exists());
    fs::remove_file(keys.join("media-mv-1.toml")).unwrap();
    open(&keys, URL, &[], 3000).unwrap();
    assert!(keys.join("media-mv-1.toml").exists(), "what is missing is made");
}

fn life(ring: &KeyRing) -> u64 {
    let signers = [&ring.license, &ring.metadata, &ring.individualization, &ring.device_certificate];
    let lives = signers.map(|signer| signer.certificate().not_after - signer.certificate().not_before);
    lives.into_iter().max().unwrap()
}

fn seed_of(folder: &std::path::Path, file: &str) -> String {
    let text = fs::read_to_string(folder.join(file)).unwrap();
    text.split("secret = \"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

/// A server serves with the CA's public key alone; what needs the secret says so.
#[test]
fn the_ca_can_stay_at_home() {
    let folder = tempfile::tempdir().unwrap();
    let (home, server) = (folder.path().join("home"), folder.path().join("server"));
    generate(&home, URL, NOW).unwrap();
    revoke(&home, "0".repeat(32).parse().unwrap(), "lost").unwrap();
    let seed = seed_of(&home, "site-ca-ca-1.toml");
    let copied = export(&home, &server, URL, NOW).unwrap();
    assert_eq!(copied.len(), list(&home).unwrap().len());
    for entry in fs::read_dir(&server).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "{}", path.display());
        assert!(!fs::read_to_string(&path).unwrap().contains(&seed), "{}", path.display());
    }
    assert!(export(&home, &server, URL, NOW).is_err(), "over nothing that is there");

    let (whole, served) = (load(&home, URL, NOW).unwrap(), load(&server, URL, NOW).unwrap());
    assert_eq!((served.ca_keys, served.has_ca, whole.has_ca), (whole.ca_keys.clone(), false, true));
    assert_eq!(served.license.certificate_octets(), whole.license.certificate_octets());
    assert_eq!(served.revoked, whole.revoked);
    open(&server, URL, &[], NOW).unwrap();
    assert!(generate(&server, URL, NOW).unwrap().is_empty(), "nothing is missing");

    let needs = |error: Error| {
        let text = error.to_string();
        assert!(text.contains("site-ca ca-1") || text.contains("site CA"), "{text}");
    };
    needs(rotate(&server, URL, KeyKind::Signer, Some("matinee-license"), false, NOW).unwrap_err());
    needs(load(&server, "https://films.example.org", NOW).unwrap_err());
    // Half of the certificates' life is over, then all of it.
    let (half, end) = (NOW + SIGNER_LIFE / 2, NOW + SIGNER_LIFE);
    let ring = load(&server, URL, half).unwrap();
    assert!(ring.renew_at <= half);
    needs(load(&server, URL, end).unwrap_err());
    // At home they are made anew, and stay so.
    let renewed = generate(&home, URL, half).unwrap();
    assert!(renewed.len() == 4 && renewed.iter().all(|key| key.kind == KeyKind::Signer), "{renewed:?}");
    assert!(generate(&home, URL, half).unwrap().is_empty());
    for key in fs::read_dir(&home).unwrap().map(|entry| entry.unwrap()) {
        if key.file_name().to_str().unwrap().starts_with("signer-") {
            fs::copy(key.path(), server.join(key.file_name())).unwrap();
        }
    }
    let ring = load(&server, URL, end).unwrap();
    assert_eq!(ring.license.certificate().key, whole.license.certificate().key, "the same signers");
}

/// What fails halfway leaves nothing, so that the next try is not told that the folder is there.
#[test]
fn a_copy_that_fails_leaves_no_folder() {
    let folder = tempfile::tempdir().unwrap();
    let (home, above) = (folder.path().join("home"), folder.path().join("out"));
    generate(&home, URL, NOW).unwrap();
    fs::create_dir(&above).unwrap();
    // Read last of all.
    let list = home.join("revoked");
    fs::create_dir(&list).unwrap();
    assert!(export(&home, &above.join("server"), URL, NOW).is_err());
    assert_eq!(fs::read_dir(&above).unwrap().count(), 0);
    fs::remove_dir(&list).unwrap();
    export(&home, &above.join("server"), URL, NOW).unwrap();
    assert_eq!(fs::read_dir(&above).unwrap().count(), 1);
    load(&above.join("server"), URL, NOW).unwrap();
}

#[test]
fn signers_certificates_are_short_and_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    generate(folder.path(), URL, NOW).unwrap();
    for now in [NOW, NOW + SIGNER_LIFE / 3, NOW + SIGNER_LIFE, NOW + 20 * SIGNER_LIFE] {
        let ring = load(folder.path(), URL, now).unwrap();
        assert!(life(&ring) <= 90 * 86_400);
        let certificate = ring.license.certificate();
        assert!(certificate.not_before <= now && now + SIGNER_LIFE / 3 < certificate.not_after);
        assert!(ring.renew_at > now);
    }
    // One of five years, as earlier versions made them.
    let mut keys = file::read_all(folder.path()).unwrap();
    let seed = keys.iter().find(|key| key.kind == KeyKind::SiteCa).unwrap().secret_array().unwrap();
    let signer = keys.iter_mut().find(|key| key.typ.as_deref() == Some("matinee-license")).unwrap();
    let long = license::SignerCertificate {
        key: signer.public_key().unwrap(),
        typ: "matinee-license".to_owned(),
        id: signer.id.clone(),
        not_before: NOW,
        not_after: NOW + 5 * 365 * 86_400,
    };
    let octets = license::SiteCa::from_seed(&seed).certify(URL, &long);
    signer.clone().with_certificate("matinee-license", &octets).write(folder.path()).unwrap();
    assert!(life(&load(folder.path(), URL, NOW).unwrap()) <= 90 * 86_400);
    let renewed = generate(folder.path(), URL, NOW).unwrap();
    assert_eq!(renewed.iter().map(|key| key.typ.as_deref()).collect::<Vec<_>>(), [Some("matinee-license")]);
}

/// A retired signer is no longer among those that the site names.
#[test]
fn the_signers_that_are_trusted_are_those_in_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    generate(folder.path(), URL, NOW).unwrap();
    let old = load(folder.path(), URL, NOW).unwrap().license.certificate().key;
    rotate(folder.path(), URL, KeyKind::Signer, Some("matinee-license"), true, NOW).unwrap();
    let ring = load(folder.path(), URL, NOW).unwrap();
    assert!(ring.license.certificate().key != old && ring.signer_keys.contains(&old));
    assert_eq!(ring.signer_keys.len(), 5);
    retire(folder.path(), KeyKind::Signer, "license-1").unwrap();
    let ring = load(folder.path(), URL, NOW).unwrap();
    assert!(!ring.signer_keys.contains(&old) && ring.signer_keys.contains(&ring.license.certificate().key));
}
