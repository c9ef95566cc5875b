//! Requests that were overheard, sent again.

use crate::boxes::provisioned;
use crate::client::{Client, outcome};
use crate::world::{NOW, World};
use nccp::{ErrorCode, RequestMessage};
use server::store::Store as _;

/// A registration has no ticket, so no device's numbers tell that it comes again: within the time that clocks
/// may differ it would end the device's ticket and begin its numbers anew.
#[tokio::test]
async fn a_registration_sent_again_is_refused() {
    let world = World::new().await;
    let cookies = world.login().await;
    let mut client = Client::new(&world, &cookies).await;
    let message = client.register_message();
    let body = client.seal(&world, &[message]);
    let first = client.post(&world, &body).await;
    assert!(outcome(&first).unwrap()[0].is_ok());
    for later in [0, 299] {
        world.set_clock(NOW + later);
        let again = client.post(&world, &body).await;
        assert_eq!(outcome(&again), Err(ErrorCode::SequenceOutOfOrder));
    }
    // The next one of its own is a new request.
    assert!(client.register(&world).await.is_ok());
    // As long as its time would let it in, it is remembered, whatever is forgotten meanwhile.
    world.set_clock(NOW + 300);
    let mut tx = world.store.begin().await.unwrap();
    tx.purge(world.now(), 0).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(outcome(&client.post(&world, &body).await), Err(ErrorCode::SequenceOutOfOrder));
    world.set_clock(NOW + 301);
    assert_eq!(outcome(&client.post(&world, &body).await), Err(ErrorCode::ClockSkew));
}

/// The same of a box that asks for its code.
#[tokio::test]
async fn a_poll_of_a_box_sent_again_is_refused() {
    let world = World::new().await;
    let mut client = provisioned(&world, "0001");
    let certificate = client.certificate.clone();
    let body = client.seal(&world, &[RequestMessage::ActivationCode { certificate }]);
    assert!(outcome(&client.post(&world, &body).await).unwrap()[0].is_ok());
    assert_eq!(outcome(&client.post(&world, &body).await), Err(ErrorCode::SequenceOutOfOrder));
}
