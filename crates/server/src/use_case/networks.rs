//! Where a device is: copies of one that share their numbers still are in several places.

use super::speaker::Speaker;
use super::{Failure, Outcome};
use crate::Service;
use crate::region::Place;
use crate::store::{Device, Whereabouts};
use nccp::{ErrorCode, WireError};

/// From so many networks within an hour on the operator is warned: two are a telephone that leaves the house.
const MANY: usize = 3;

/// Notes where a device is heard from; to be kept with its sequence numbers.
pub(crate) fn hear(device: &mut Device, place: &Place, now: u64) -> Option<Whereabouts> {
    device.used_in.clone_from(&place.country);
    place.heard_from.map(|network| device.networks.hear(network, now))
}

/// Tells the operator of a device that came to a further network within the hour. Once that is committed.
pub(crate) fn tell(device: &str, whereabouts: Option<Whereabouts>) {
    let Some(Whereabouts { networks, is_new: true, .. }) = whereabouts.filter(|w| w.networks > 1) else {
        return;
    };
    let label = match networks {
        2 => "2",
        3 => "3",
        4 => "4",
        _ => "5+",
    };
    metrics::counter!("matinee_device_networks_total", "networks" => label).increment(1);
    if networks >= MANY {
        tracing::warn!(device, networks, "a device was heard from many networks within an hour");
    } else {
        tracing::info!(device, networks, "a device was heard from another network within an hour");
    }
}

/// `NETWORK_LIMIT` where the speaker is in more networks than a device may be (`devices.networks_per_hour`).
/// In those that it came to first it may go on.
pub(crate) fn check(service: &Service, speaker: &Speaker) -> Outcome<()> {
    let limit = service.config.devices.networks_per_hour;
    let within = |w: Whereabouts| usize::try_from(limit).is_ok_and(|limit| w.rank <= limit);
    if limit == 0 || speaker.whereabouts.is_none_or(within) {
        return Ok(());
    }
    metrics::counter!("matinee_networks_refused_total").increment(1);
    let plural = if limit == 1 { "network" } else { "networks" };
    let text = format!(
        "This device was used in more than {limit} {plural} within an hour. Play where it was before, or try again \
         in an hour."
    );
    Err(Failure::Said(WireError { text, ..ErrorCode::NetworkLimit.into() }))
}
