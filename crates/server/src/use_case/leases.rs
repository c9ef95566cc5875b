//! Stream leases: how many films an account plays at the same time (docs/protocol.md, section 3, `takeover`).
//!
//! A license comes with a lease for its device and movie. The player's reports keep it; it ends with the
//! film, when the page is hidden or left, when three reports are missing, or when another device takes its
//! place.

use super::speaker::Speaker;
use super::{Failure, Outcome, at_hand, grants, networks};
use crate::Service;
use crate::store::{Lease, Movie, NewLease, Transaction};
use nccp::Playing;
use nccp::{DeviceId, ErrorCode, LogEvent, MovieId, WireError};

/// Seconds between two reports of a browser.
const BROWSER_REPORTS: u64 = 60;
/// Seconds between two reports of a box.
const BOX_REPORTS: u64 = 30;
/// Reports that may be missing until a lease is over.
const MISSED: u64 = 3;

fn of<'a>(speaker: &'a Speaker, movie: u64, now: u64, reported: bool) -> NewLease<'a> {
    let interval = if speaker.device.kind == "box" { BOX_REPORTS } else { BROWSER_REPORTS };
    NewLease {
        account: speaker.account.id,
        device: &speaker.device.id,
        movie,
        now,
        ends: now + MISSED * interval,
        reported,
    }
}

/// Films that the speaker's account may play at the same time; `None`: any number. A grant may lower it.
fn limit(service: &Service, speaker: &Speaker) -> Option<usize> {
    let plan = service.config.streams_of(&speaker.account.plan);
    let grant = speaker.visit.as_ref().and_then(|visit| visit.streams).map(|streams| streams as usize);
    plan.into_iter().chain(grant).min()
}

/// Where a device stands that reports.
#[derive(Debug)]
pub(crate) enum Standing {
    /// No lease is kept: streams are not counted, the film needs none, or playback ends with this report.
    Uncounted,
    /// It may play on, and has a lease until then (Unix seconds).
    Leased(u64),
    /// It may not: by name, where films of the account play now.
    Stopped(String),
}

/// The speaker is about to get a license: gives it a lease of the movie, or keeps the one that it has;
/// `STREAM_LIMIT` where the plan allows no further one. When the lease ends (Unix seconds); `None` where
/// streams are not counted.
pub(crate) async fn take(
    service: &Service,
    tx: &mut dyn Transaction,
    speaker: &Speaker,
    movie: u64,
    now: u64,
) -> Outcome<Option<u64>> {
    let Some(limit) = limit(service, speaker) else { return Ok(None) };
    // Whoever else asks for this account waits until the transaction ends, and then sees this lease: the
    // speaker's account is locked.
    let lease = of(speaker, movie, now, false);
    match tx.take_lease(&lease, limit).await? {
        None => Ok(Some(lease.ends)),
        Some(others) => {
            metrics::counter!("matinee_streams_refused_total").increment(1);
            Err(Failure::Said(too_many(&others, limit)))
        }
    }
}

/// Ends what plays on a device of the speaker's account, and gives the speaker a lease.
pub(crate) async fn take_over(
    service: &Service,
    tx: &mut dyn Transaction,
    speaker: &Speaker,
    movie: MovieId,
    device: &DeviceId,
    now: u64,
) -> Outcome<()> {
    grants::check(speaker, movie)?;
    networks::check(service, speaker)?;
    tx.movie(movie.get()).await?.ok_or(ErrorCode::MovieUnknown)?;
    // Where both have one name, the one that stops would say that it plays itself.
    let own = &speaker.device;
    let stopped = tx.device(device.as_str()).await?;
    let name = match stopped.filter(|stopped| stopped.name == own.name && stopped.id != own.id) {
        Some(_) => told_apart(&own.name, own.slot),
        None => own.name.clone(),
    };
    tx.stop_leases(speaker.account.id, device.as_str(), &name, now).await?;
    take(service, tx, speaker, movie.get(), now).await.map(drop)
}

/// The speaker reports that it plays, or that it does no more.
pub(crate) async fn report(
    service: &Service,
    tx: &mut dyn Transaction,
    speaker: &Speaker,
    movie: &Movie,
    event: LogEvent,
    now: u64,
) -> Outcome<Standing> {
    let Some(limit) = limit(service, speaker) else { return Ok(Standing::Uncounted) };
    if matches!(event, LogEvent::End | LogEvent::Hide) {
        tx.end_lease(&speaker.device.id, movie.id, now).await?;
        return Ok(Standing::Uncounted);
    }
    let lease = of(speaker, movie.id, now, true);
    if tx.keep_lease(&lease).await? {
        return Ok(Standing::Leased(lease.ends));
    }
    // For as long as a lease lives without reports; later it may go on where there is room.
    let since = now.saturating_sub(MISSED * BROWSER_REPORTS);
    if let Some(name) = tx.stopped_by(&speaker.device.id, movie.id, since).await? {
        return Ok(Standing::Stopped(name));
    }
    // A film without keys needs no license.
    if !at_hand::film(service, &movie.pack).await?.is_ok_and(|pack| !pack.keys.is_empty()) {
        return Ok(Standing::Uncounted);
    }
    // It paused, was hidden or could not be heard for a while, and goes on.
    let others = tx.leases(speaker.account.id, now).await?;
    if others.len() >= limit {
        return Ok(Standing::Stopped(names(&others)));
    }
    tx.put_lease(&lease).await?;
    Ok(Standing::Leased(lease.ends))
}

/// `STREAM_LIMIT` with the names of the devices that play.
fn too_many(others: &[Lease], limit: usize) -> WireError {
    let plural = if limit == 1 { "film" } else { "films" };
    let text = format!("Playing now on {}. Your plan allows {limit} {plural} at a time.", names(others));
    let playing = devices(others).into_iter().filter_map(|(lease, name)| {
        let (title, since) = (lease.title.clone(), Some(lease.began));
        Some(Playing { device_id: lease.device.parse::<DeviceId>().ok()?, name, title, since })
    });
    let playing = playing.collect();
    WireError { text, playing, ..ErrorCode::StreamLimit.into() }
}

/// The devices with the leases that they have had longest, under names that tell them apart; a device that
/// plays two films stands there once.
fn devices(leases: &[Lease]) -> Vec<(&Lease, String)> {
    let mut seen: Vec<&Lease> = Vec::new();
    for lease in leases {
        if seen.iter().all(|known| known.device != lease.device) {
            seen.push(lease);
        }
    }
    let mut named: Vec<(&Lease, String)> = Vec::new();
    for lease in &seen {
        let alike = seen.iter().filter(|other| other.name == lease.name).count();
        let name = if alike > 1 { told_apart(&lease.name, lease.slot) } else { lease.name.clone() };
        // Devices without a place may still be alike.
        let again = named.iter().filter(|(other, _)| other.name == lease.name && other.slot == lease.slot);
        let name = match again.count() {
            0 => name,
            before => format!("{name} ({})", before + 1),
        };
        named.push((lease, name));
    }
    named
}

/// As the account's page of devices says where it is.
fn told_apart(name: &str, slot: Option<u32>) -> String {
    match slot {
        Some(slot) => format!("{name} in place {slot}"),
        None => format!("{name}, which was removed"),
    }
}

/// `Kitchen`, `Kitchen and Attic`, `Kitchen, Attic and Hall`.
fn names(leases: &[Lease]) -> String {
    let names: Vec<String> = devices(leases).into_iter().map(|(_, name)| name).collect();
    match names.split_last() {
        None => String::new(),
        Some((only, [])) => only.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
    }
}
