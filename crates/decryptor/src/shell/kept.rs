//! Licenses that are kept for later starts: their octets, and the key that opens them, which cannot leave the browser.

use drm_api::{DrmError, Reply, SessionId};
use js_sys::Uint8Array;
use license::Display;
use wasm_bindgen_futures::spawn_local;
use web_sys::IdbKeyRange;

use super::control;
use super::database::Database;
use super::interop::{object, octets, property, state, storage};
use super::keys::{RsaPrivate, rsa_from_stored, rsa_to_stored, wipe};
use super::worker::Worker;

fn name(component: &str, stream_id: u64) -> String {
    format!("license/{component}/{stream_id}")
}

/// Keeps a license. Nobody waits for it: not keeping it costs a request at the next start.
pub(super) fn keep(
    database: Database,
    component: &str,
    stream_id: u64,
    license: &[u8],
    (key, challenge): (&RsaPrivate, &[u8; 32]),
) {
    let name = name(component, stream_id);
    let record = object(&[
        ("license", &Uint8Array::from(license)),
        ("key", &rsa_to_stored(key)),
        ("challenge", &Uint8Array::from(challenge.as_slice())),
    ]);
    spawn_local(async move {
        drop(database.keep(&name, &record).await);
        wipe(&record);
    });
}

/// Takes the license that is kept, for as long as it holds. One that does not is forgotten.
pub(super) async fn load(
    worker: &Worker,
    session: SessionId,
    stream_id: u64,
    device: &str,
    display: Display,
) -> Result<Reply, DrmError> {
    let identity = worker.identity()?;
    let database = worker.database().await?;
    let name = name(&identity.component, stream_id);
    let record = database.kept(&name).await?;
    let none = || state("no license is kept");
    let key = rsa_from_stored(property(&record, "key")).ok_or_else(none)?;
    let challenge = octets(&property(&record, "challenge")).try_into().map_err(|_| none())?;
    worker.sessions.borrow_mut().expect(session, challenge, device, display)?;
    let taken = control::take(worker, session, &octets(&property(&record, "license")), Some(key)).await;
    if matches!(taken, Err(DrmError::LicenseInvalid | DrmError::LicenseExpired)) {
        database.forget(&name.into()).await?;
    }
    taken
}

/// Forgets a device's license for one movie, or all of them.
pub(super) async fn forget(worker: &Worker, component: &str, stream_id: Option<u64>) -> Result<(), DrmError> {
    let names = match stream_id {
        Some(stream_id) => name(component, stream_id).into(),
        None => {
            let all = format!("license/{component}/");
            // What follows are digits, which come before.
            let end = format!("{all}~");
            IdbKeyRange::bound(&all.into(), &end.into()).map_err(storage)?.into()
        }
    };
    worker.database().await?.forget(&names).await
}
