//! Licenses that are kept for later starts: their octets, and the key that opens them, which cannot leave the
//! browser.

use drm_api::DrmError;
use js_sys::Uint8Array;
use wasm_bindgen_futures::spawn_local;
use web_sys::IdbKeyRange;

use super::database::Database;
use super::interop::{object, octets, property, storage};
use super::keys::{RsaPrivate, rsa_from_stored, rsa_to_stored, wipe};
use crate::KeptLicense;

fn name(component: &str, stream_id: u64) -> String {
    format!("license/{component}/{stream_id}")
}

/// Keeps a license. Nobody waits for it: not keeping it costs a request at the next start.
pub(super) fn keep(database: Database, component: &str, stream_id: u64, kept: &KeptLicense<RsaPrivate>) {
    let name = name(component, stream_id);
    let record = object(&[
        ("license", &Uint8Array::from(kept.license.as_slice())),
        ("key", &rsa_to_stored(&kept.key)),
        ("challenge", &Uint8Array::from(kept.challenge_sha256.as_slice())),
    ]);
    spawn_local(async move {
        drop(database.keep(&name, &record).await);
        wipe(&record);
    });
}

/// The license that is kept for a movie.
pub(super) async fn find(
    database: &Database,
    component: &str,
    stream_id: u64,
) -> Result<Option<KeptLicense<RsaPrivate>>, DrmError> {
    let record = database.kept(&name(component, stream_id)).await?;
    let read = |key| {
        let challenge_sha256 = octets(&property(&record, "challenge")).try_into().ok()?;
        Some(KeptLicense { license: octets(&property(&record, "license")), challenge_sha256, key })
    };
    Ok(rsa_from_stored(property(&record, "key")).and_then(read))
}

/// Forgets a device's license for one movie, or all of them.
pub(super) async fn forget(
    database: &Database,
    component: &str,
    stream_id: Option<u64>,
) -> Result<(), DrmError> {
    let names = match stream_id {
        Some(stream_id) => name(component, stream_id).into(),
        None => {
            let all = format!("license/{component}/");
            // What follows are digits, which come before.
            let end = format!("{all}~");
            IdbKeyRange::bound(&all.into(), &end.into()).map_err(storage)?.into()
        }
    };
    database.forget(&names).await
}
