use super::generate::SIGNER_LIFE;
use super::*;
use crate::Error;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

const URL: &str = "http://localhost:8080";

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
