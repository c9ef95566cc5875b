//! Copies of one device: its keys, ticket and numbers in several hands.

use crate::client::{Client, id};
use crate::world::{MOVIE, NOW, URL, World};
use license::Challenge;
use nccp::json::ErrorBody;
use nccp::{ErrorCode, RequestMessage};
use server::store::{AuditFilter, NewMovie, Store as _};

/// `POST /license` with a challenge.
async fn raw(client: &Client, world: &World, challenge: &[u8]) -> Result<(), ErrorCode> {
    let headers = [("content-type", "application/cose"), ("x-cticket", client.ticket.as_deref().unwrap())];
    let reply = world.request("POST", "/license", &headers, challenge).await;
    match reply.status.as_u16() {
        200 => Ok(()),
        403 => Err(reply.json::<ErrorBody>().code()),
        other => panic!("{other}"),
    }
}

/// The controller's `license`, in an envelope of its own.
async fn enveloped(client: &mut Client, world: &World, challenge: &[u8]) -> Result<(), ErrorCode> {
    let message = RequestMessage::License { stream_id: id(MOVIE), challenge: challenge.to_vec() };
    client.one(world, message).await.map(drop)
}

const REPLAYED: Result<(), ErrorCode> = Err(ErrorCode::SequenceOutOfOrder);

/// A challenge is answered once, wherever it is shown again.
#[tokio::test]
async fn a_challenge_sent_again_is_refused() {
    let world = World::new().await;
    let mut client = Client::registered(&world).await;
    let challenge = client.challenge(&world, MOVIE);
    assert_eq!(raw(&client, &world, &challenge).await, Ok(()));
    assert_eq!(raw(&client, &world, &challenge).await, REPLAYED);
    assert_eq!(enveloped(&mut client, &world, &challenge).await, REPLAYED);

    let challenge = client.challenge(&world, MOVIE);
    assert_eq!(enveloped(&mut client, &world, &challenge).await, Ok(()));
    assert_eq!(enveloped(&mut client, &world, &challenge).await, REPLAYED);
    assert_eq!(raw(&client, &world, &challenge).await, REPLAYED);

    // Both at once in one envelope.
    let challenge = client.challenge(&world, MOVIE);
    let message = RequestMessage::License { stream_id: id(MOVIE), challenge };
    let answers = client.call(&world, &[message.clone(), message]).await.unwrap();
    assert!(answers[0].is_ok());
    assert_eq!(answers[1], Err(ErrorCode::SequenceOutOfOrder));

    // The operator can see it.
    let mut tx = world.store.read().await.unwrap();
    let filter = AuditFilter { after: i64::MIN, most: 100, ..AuditFilter::default() };
    let entries = tx.audited(&filter).await.unwrap();
    let refused = entries.iter().filter(|e| e.entry.result == "SEQUENCE_OUT_OF_ORDER");
    assert!(refused.clone().all(|e| e.entry.action == "license"));
    assert_eq!(refused.count(), 5);
}

/// A challenge that was refused by the raw route stays refused when what stood in its way is gone; one of
/// somebody who has the ticket alone uses up no number.
#[tokio::test]
async fn a_refused_challenge_is_not_kept_for_better_times() {
    let world = World::new().await;
    let client = Client::registered(&world).await;
    let ruled_by = async |policy: &str| {
        let mut tx = world.store.begin().await.unwrap();
        let movie = tx.movie(MOVIE).await.unwrap().unwrap();
        let movie = NewMovie { policy: policy.into(), ..movie.into() };
        tx.put_movie(&movie, NOW).await.unwrap();
        tx.commit().await.unwrap();
    };
    let challenge = client.challenge(&world, MOVIE);
    ruled_by("gone").await;
    assert_eq!(raw(&client, &world, &challenge).await, Err(ErrorCode::MovieNotAvailable));
    ruled_by("24h").await;
    // Players that try again hear why, and others of the same number hear of that.
    assert_eq!(raw(&client, &world, &challenge).await, Err(ErrorCode::MovieNotAvailable));
    let sequence = client.drawn();
    let other = Challenge { sequence, ..client.unsigned_challenge(&world, MOVIE, vec![]) };
    assert_eq!(raw(&client, &world, &client.sign_challenge(&other)).await, REPLAYED);
    let next = client.challenge(&world, MOVIE);
    assert_eq!(raw(&client, &world, &next).await, Ok(()));

    let thief = Client::registered(&world).await;
    let sequence = client.drawn() + 1;
    let stolen = Challenge {
        sequence,
        certificate: thief.certificate.clone(),
        ..client.unsigned_challenge(&world, MOVIE, vec![])
    };
    let stolen = thief.sign_challenge(&stolen);
    assert_eq!(raw(&client, &world, &stolen).await, Err(ErrorCode::ChallengeInvalid));
    let own = Challenge { sequence, ..client.unsigned_challenge(&world, MOVIE, vec![]) };
    assert_eq!(raw(&client, &world, &client.sign_challenge(&own)).await, Ok(()), "the number was free");
}

/// Twelve copies that know nothing of each other go on from the same number: one license, by either way.
#[tokio::test]
async fn twelve_clones_with_one_number_get_one_license() {
    let world = World::new().await;
    let mut client = Client::registered(&world).await;
    let clones = |client: &Client| -> Vec<Vec<u8>> {
        let sequence = client.draw();
        let one = || Challenge { sequence, ..client.unsigned_challenge(&world, MOVIE, vec![]) };
        (0..12).map(|_| client.sign_challenge(&one())).collect()
    };
    let mut given = 0;
    for challenge in clones(&client) {
        given += u32::from(raw(&client, &world, &challenge).await.is_ok());
    }
    assert_eq!(given, 1);
    let mut given = 0;
    for challenge in clones(&client) {
        given += u32::from(enveloped(&mut client, &world, &challenge).await.is_ok());
    }
    assert_eq!(given, 1, "though each envelope has a number of its own");
}

/// Envelopes and challenges draw from one counter, and the window is the same.
#[tokio::test]
async fn a_challenge_with_another_number_than_the_next_is_refused() {
    let world = World::new().await;
    let mut client = Client::registered(&world).await;
    let with = |client: &Client, sequence| {
        client.sign_challenge(&Challenge { sequence, ..client.unsigned_challenge(&world, MOVIE, vec![]) })
    };
    client.one(&world, RequestMessage::Queue).await.unwrap();
    let envelope = client.drawn();
    assert_eq!(raw(&client, &world, &with(&client, envelope)).await, REPLAYED, "an envelope's");
    assert_eq!(raw(&client, &world, &with(&client, 1)).await, REPLAYED, "the registration's");
    assert_eq!(raw(&client, &world, &with(&client, envelope + 65_537)).await, REPLAYED, "too far ahead");
    assert_eq!(raw(&client, &world, &with(&client, envelope + 65_536)).await, Ok(()));
    assert_eq!(raw(&client, &world, &with(&client, envelope + 65_536 - 256)).await, REPLAYED, "too old");
    assert_eq!(raw(&client, &world, &with(&client, envelope + 65_536 - 255)).await, Ok(()), "made ahead");
    // A challenge's number serves no envelope.
    client.go_on_from(envelope + 65_535);
    assert_eq!(client.one(&world, RequestMessage::Queue).await, Err(ErrorCode::SequenceOutOfOrder));
}

/// A challenge in the form of earlier clients, which has no number, rightly signed.
#[tokio::test]
async fn a_challenge_without_a_number_is_refused() {
    let world = World::new().await;
    let mut client = Client::registered(&world).await;
    let object = Challenge { sequence: 5, ..client.unsigned_challenge(&world, MOVIE, vec![]) };
    let octets = client.sign_challenge(&object);
    let signed = |edit: fn(&mut Vec<u8>)| {
        // 84, protected header (58 LL …), a0, payload (59 LL LL …), signature (58 40 …).
        let (protected, rest) = octets[1..].split_at(2 + usize::from(octets[2]));
        let mut payload = rest[4..rest.len() - 66].to_vec();
        edit(&mut payload);
        let length = u16::try_from(payload.len()).unwrap().to_be_bytes();
        let payload = [&[0x59], &length[..], &payload].concat();
        let url = [&[0x55], URL.as_bytes()].concat();
        let input = [b"\x84\x6aSignature1", protected, &url, &payload].concat();
        [&[0x84], protected, &[0xa0], &payload, &[0x58, 0x40], &client.key.sign(&input)[..]].concat()
    };
    let old = signed(|payload| {
        payload[0] -= 1;
        assert_eq!(payload.split_off(payload.len() - 2), [12, 5]);
    });
    let new = signed(|_| {});
    assert_eq!(raw(&client, &world, &old).await, Err(ErrorCode::ChallengeInvalid));
    assert_eq!(enveloped(&mut client, &world, &old).await, Err(ErrorCode::ChallengeInvalid));
    assert_eq!(raw(&client, &world, &new).await, Ok(()));
}
