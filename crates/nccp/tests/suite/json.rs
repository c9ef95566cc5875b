//! JSON bodies from anybody: read or refused, never a panic, and what was read is written in a form that
//! reads as the same.

use nccp::json::{
    Activate, Activated, DecryptorConfig, Devices, ErrorBody, Library, Login, PlayerEvent, UnregisterDevice,
};
use proptest::prelude::*;
use serde::{Serialize, de::DeserializeOwned};

/// Of each body one that is right.
const BODIES: [&str; 9] = [
    r#"{"error":{"code":"LOGIN_FAILED","message":"No."}}"#,
    r#"{"email":"ada@example.org","password":"sesame","next":"/watch?movieid=7"}"#,
    r#"{"account":"a-1","email":"ada@example.org","boxes":1,"movies":[{"movie_id":7,"title":"Walk","year":2026,
        "synopsis":"A walk.","runtime":60.5,"rating":"12","cast":["Ada"],"art":[{"url":"/art/p/poster.jpg","width":2,"height":3}],
        "position":1.5,"watched_at":1790000000,"queued":true,"playable":true,"embedded":true}]}"#,
    r#"{"limit":6,"devices":[{"device_id":"d-5f0c","name":"Firefox","kind":"browser","slot":1,"registered_at":1790000000,
        "registered_in":"DE","last_seen":1790000001,"last_seen_in":"FR","this_device":true}]}"#,
    r#"{"device_id":"d-5f0c"}"#,
    r#"{"movie_id":7,"event":"error","code":"MEDIA","position":12.5}"#,
    r#"{"code":"bcd-fgh","confirm":true}"#,
    r#"{"state":"confirm","code":"BCDFGH","name":"Box 1","expires":1790000000,"devices":6,"limit":6,"limit_reached":true}"#,
    r#"{"public_url":"http://localhost:8080","controller_url":"http://localhost:8080/nccp/controller",
        "individualize_url":"http://localhost:8080/individualize","ca_keys":["AAAA"],"signers":["BBBB"],"compat":null,"time":1790000000,
        "module":{"js":"/a.js","wasm":"/a.wasm","sha256":"00","version":"0.1.0"}}"#,
];

/// Reads octets as a body, which must not panic; what was read is written and read once more. Whether it was
/// one.
fn is<T: Serialize + DeserializeOwned + PartialEq>(octets: &[u8]) -> bool {
    let Ok(read) = serde_json::from_slice::<T>(octets) else { return false };
    let written = serde_json::to_string(&read).unwrap();
    assert!(serde_json::from_str::<T>(&written).unwrap() == read, "{written}");
    true
}

/// Which of the bodies these octets are, in the order of [`BODIES`].
fn bodies(octets: &[u8]) -> [bool; BODIES.len()] {
    [
        is::<ErrorBody>(octets),
        is::<Login>(octets),
        is::<Library>(octets),
        is::<Devices>(octets),
        is::<UnregisterDevice>(octets),
        is::<PlayerEvent>(octets),
        is::<Activate>(octets),
        is::<Activated>(octets),
        is::<DecryptorConfig>(octets),
    ]
}

#[test]
fn each_body_is_read() {
    for (at, body) in BODIES.iter().enumerate() {
        assert!(bodies(body.as_bytes())[at], "{body}");
    }
}

proptest! {
    #[test]
    fn whatever_comes_is_read_or_refused(octets in proptest::collection::vec(any::<u8>(), 0..200)) {
        bodies(&octets);
    }

    /// Cut, with octets changed and pieces moved from one to another.
    #[test]
    fn damaged_bodies_are_read_or_refused(
        body in 0..BODIES.len(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        end in any::<prop::sample::Index>(),
        (other, from, to) in (0..BODIES.len(), any::<prop::sample::Index>(), any::<prop::sample::Index>()),
        splice in any::<bool>(),
    ) {
        let mut octets = BODIES[body].as_bytes().to_vec();
        for (at, octet) in changes {
            let at = at.index(octets.len());
            octets[at] = octet;
        }
        if splice {
            let other = BODIES[other].as_bytes();
            octets.truncate(end.index(octets.len()));
            let (from, to) = (from.index(other.len()), to.index(other.len()));
            octets.extend_from_slice(&other[from.min(to)..from.max(to)]);
        }
        bodies(&octets);
    }
}
