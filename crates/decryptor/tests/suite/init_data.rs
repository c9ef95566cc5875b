//! Initialization data: the keys that it names.

use crate::site::{NOW, Site};
use cenc::Kid;
use decryptor::{Error, InitData};
use isobmff::BoxWriter;
use license::{DrmMetadata, KeyName, PSSH_SYSTEM_ID, PsshData};

fn data() -> PsshData {
    let kids = vec![Kid([1; 16]), Kid([2; 16])];
    PsshData { content_id: "movie/7".into(), kids, common_key_id: "ck-1".into(), label: "main".into() }
}

fn pssh(system_id: [u8; 16], data: &[u8]) -> Vec<u8> {
    let mut out = BoxWriter::new();
    out.full_box(b"pssh", 0, 0, |out| {
        out.bytes(&system_id);
        out.u32(data.len() as u32);
        out.bytes(data);
    });
    out.into_bytes()
}

/// A94: signed DRM metadata names the keys and where their license comes from.
#[test]
fn a94_metadata_names_keys_and_license_server() {
    let site = Site::new();
    let url = "https://l.example/license".to_owned();
    let metadata = DrmMetadata {
        signer: vec![],
        content_id: "movie/7".into(),
        keys: data().key_names(),
        policy: "24h".into(),
        license_url: Some(url.clone()),
        embedded_license: None,
        issued: NOW,
        ttl: 60,
    };
    let octets = site.metadata.sign_metadata(metadata).unwrap();
    let expected = InitData { keys: data().key_names(), license_url: Some(url) };
    assert_eq!(InitData::read(&octets, &site.trust), Ok(expected));
    assert_eq!(InitData::read(&octets, &Site::new().trust), Err(Error::InitData), "another site's");
    assert_eq!(InitData::read(&octets[..octets.len() - 1], &site.trust), Err(Error::InitData));
}

/// Boxes of other systems are skipped; what is in ours is read, box after box; nobody signs it, so it names
/// no server.
#[test]
fn pssh_boxes_name_keys() {
    let site = Site::new();
    let ours = pssh(PSSH_SYSTEM_ID, &data().encode());
    let all = [pssh([7; 16], b"others").as_slice(), &ours, &ours].concat();
    let names = |data: &[u8]| InitData::read(data, &site.trust).map(|data| (data.keys, data.license_url));
    let twice: Vec<KeyName> = [data().key_names(), data().key_names()].concat();
    assert_eq!(names(&all), Ok((twice, None)));
    assert_eq!(names(&[]), Ok((vec![], None)));
    assert_eq!(names(&pssh([7; 16], b"others")), Ok((vec![], None)));
    assert_eq!(names(&pssh(PSSH_SYSTEM_ID, b"not CBOR")), Err(Error::InitData));
    assert_eq!(names(&ours[..ours.len() - 1]), Err(Error::InitData));
}
