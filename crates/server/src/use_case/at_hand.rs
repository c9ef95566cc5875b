//! Films within a transaction: what lies far away is not waited for while others wait for the writer's turn or the
//! account. A transaction that lacks a film ends without a trace, the film is read, and it runs again.

use super::{Failure, Outcome};
use crate::catalogue::Pack;
use crate::content_place::ContentPlace;
use crate::{Error, Service};
use futures_util::future::join_all;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// How often a transaction runs again for films that it lacks.
pub(crate) const READINGS: u32 = 2;
/// Films that are read at the same time.
const TOGETHER: usize = 8;
/// How long somebody waits for them; then they count as unreadable for a while.
const PATIENCE: Duration = Duration::from_secs(30);

/// A film of the catalogue as [`Service::film`] gives it, for whoever is in a transaction.
///
/// # Errors
/// [`Failure::Unread`] where it would have to be waited for. What is wrong with the film itself is in the value.
pub(crate) async fn film(service: &Service, name: &str) -> Outcome<Result<Arc<Pack>, Error>> {
    if is_unread(service, name) {
        return Err(Failure::Unread(vec![name.to_owned()]));
    }
    Ok(service.film(name).await)
}

/// As [`film`], a content in the form of delivery that has what is looked for ([`Service::film_with`]).
///
/// # Errors
/// As there.
pub(crate) async fn film_with(
    service: &Service,
    name: &str,
    has: impl Fn(&Pack) -> bool + Send + Sync,
) -> Outcome<Result<Arc<Pack>, Error>> {
    if is_unread(service, name) {
        return Err(Failure::Unread(vec![name.to_owned()]));
    }
    Ok(service.film_with(name, has).await)
}

/// As [`film`], whether all of them can be had.
///
/// # Errors
/// [`Failure::Unread`] with those that cannot.
pub(crate) fn check_all<'a>(service: &Service, names: impl Iterator<Item = &'a str>) -> Outcome<()> {
    let unread: Vec<_> = names.filter(|name| is_unread(service, name)).map(str::to_owned).collect();
    if unread.is_empty() { Ok(()) } else { Err(Failure::Unread(unread)) }
}

/// Reads films, so that the next transaction has them. One that cannot be read fails there, too.
pub(crate) async fn read(service: &Service, names: &[String]) {
    let begun = AtomicUsize::new(0);
    let all = async {
        for names in names.chunks(TOGETHER) {
            begun.fetch_add(names.len(), Ordering::Relaxed);
            join_all(names.iter().map(|name| service.film(name))).await;
        }
    };
    if tokio::time::timeout(PATIENCE, all).await.is_err() {
        // Nothing is known of those whose turn did not come.
        let asked = names.iter().take(begun.load(Ordering::Relaxed));
        for name in asked.filter(|name| is_unread(service, name)) {
            service.catalogue.give_up(name);
        }
    }
}

/// Contents of an origin lie here.
fn is_unread(service: &Service, name: &str) -> bool {
    name.parse::<ContentPlace>().is_err() && !service.catalogue.is_at_hand(name)
}

/// As [`retried!`](crate::store::retried), and again when films were read that the attempt lacked.
macro_rules! with_films {
    ($service:expr, $attempt:expr) => {{
        let mut readings = 0;
        loop {
            match $crate::store::retried!($attempt) {
                Err($crate::use_case::Failure::Unread(names))
                    if readings < $crate::use_case::at_hand::READINGS =>
                {
                    readings += 1;
                    $crate::use_case::at_hand::read($service, &names).await;
                }
                result => break result,
            }
        }
    }};
}
pub(crate) use with_films;
