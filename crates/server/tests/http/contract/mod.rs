//! What every engine of the store must do: run by each engine's test on an empty database.

mod accounts;
mod ahead;
mod audit;
mod devices;
mod movies;
#[expect(dead_code, reason = "the durability tests alone, a program of their own, kill it")]
pub(crate) mod postgres;
mod streams;
mod transactions;

use license::KeyLevel;
use server::store::{NewDevice, NewMovie, Store};
use std::sync::Arc;

pub(crate) use ahead::{GivenUp, given_up_among_others, many_that_end_at_once};

/// Holds the engine to all of it.
pub(crate) async fn run(store: Arc<dyn Store>) {
    accounts::accounts_and_sessions(&*store).await;
    movies::movies_and_viewings(&*store).await;
    transactions::savepoints(&*store).await;
    transactions::requests(&*store).await;
    devices::devices(&*store).await;
    devices::codes(&*store).await;
    audit::audit(&*store).await;
    streams::leases(&*store).await;
    accounts::api_keys(&*store).await;
    accounts::shares(&*store).await;
    accounts::removed_accounts(&*store).await;
    movies::posters(&*store).await;
    movies::votes(&*store).await;
    movies::removed_movies(&*store).await;
    movies::added_once(Arc::clone(&store)).await;
    transactions::readers_see_one_moment(&*store).await;
    transactions::windows_are_marked_once(Arc::clone(&store)).await;
    ahead::begun_for_a_device(&*store).await;
    ahead::what_is_pending_is_undone_and_done(&*store).await;
    streams::one_stream_for_many(Arc::clone(&store)).await;
    ahead::one_stream_for_many_ahead(Arc::clone(&store)).await;
    ahead::many_that_end_at_once(Arc::clone(&store)).await;
    transactions::thousand_registrations(store).await;
}

async fn account(store: &dyn Store, name: &str) -> i64 {
    let mut tx = store.begin().await.unwrap();
    let email = format!("{name}@example.org");
    let account = tx.add_account(&format!("a-{name}"), &email, "hash", "unlimited", 10).await.unwrap();
    tx.commit().await.unwrap();
    account.id
}

fn new_device(account: i64, n: u32) -> NewDevice {
    NewDevice {
        id: format!("d-{account}-{n}"),
        account,
        signing_key: [vec![2], vec![0; 28], n.to_be_bytes().to_vec()].concat(),
        level: KeyLevel::Webcrypto,
        kind: "browser".into(),
        name: format!("Browser {n}"),
        machine: "Machine".into(),
        browser_hash: Some([n as u8; 32]),
        sequence: 5,
        registered: 100,
        country: Some("DE".into()),
        replaced: 0,
    }
}

fn new_movie(id: u64, plans: &[&str]) -> NewMovie {
    let plans = plans.iter().map(|&plan| plan.to_owned()).collect();
    NewMovie { plans, ..NewMovie::new(id, format!("Film {id}"), format!("p{id}"), 60.0, "24h") }
}
