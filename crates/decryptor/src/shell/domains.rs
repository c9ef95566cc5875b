//! Domains: their keys, and the licenses that come along with films.

use base64ct::{Base64, Encoding as _};
use drm_api::{DrmError, Reply, SessionId};
use license::{Display, DomainEpoch, split_domain_key};

use super::control::{keys_reply, situation, unwrap_kek};
use super::interop::state;
use super::keys::{begin_decrypt_oaep, finish_decrypt_oaep, import_domain_key};
use super::worker::{Worker, module_version};
use crate::Embedded;

/// Takes a domain's private key that was sealed for this device, and keeps it where it cannot be read.
pub(super) async fn keep_key(
    worker: &Worker,
    device: &str,
    (domain, epoch): (&str, f64),
    text: &str,
) -> Result<Reply, DrmError> {
    let malformed = || state("a malformed domain key");
    let domain = domain.parse().map_err(|_| malformed())?;
    let of = DomainEpoch { domain, epoch: epoch as u64 };
    let sealed = Base64::decode_vec(text).map_err(|_| malformed())?;
    let (wrapped, sealed) = split_domain_key(&sealed).map_err(|_| malformed())?;
    let (subtle, identity) = (worker.subtle()?, worker.identity()?);
    let key = finish_decrypt_oaep(begin_decrypt_oaep(&subtle, &identity.keys.rsa.private, wrapped)).await?;
    let key = import_domain_key(&subtle, &key, sealed, &of.additional_data(device)).await?;
    worker.database().await?.set_domain_key(of, &key).await?;
    Ok(Reply::Done)
}

/// Opens the license in DRM metadata.
pub(super) async fn open(
    worker: &Worker,
    session: SessionId,
    text: &str,
    display: Display,
) -> Result<Reply, DrmError> {
    let metadata = Base64::decode_vec(text).map_err(|_| DrmError::LicenseInvalid)?;
    let identity = worker.identity()?;
    let database = worker.database().await?;
    let origin = worker.scope.location().origin();
    let situation = situation(worker, &identity, &origin, display);
    let embedded = Embedded::verify(&metadata, &worker.trust, module_version(), &situation)?;
    let key = database.domain_key(embedded.domain).await?.ok_or_else(|| state("no key of that domain"))?;
    let license = embedded.license.license();
    worker.learn_time_at_least(license.issued);
    let decrypting = begin_decrypt_oaep(&worker.subtle()?, &key, &license.kek);
    let kek = unwrap_kek(&database, license.oldest_module, decrypting).await?;
    let mut sessions = worker.sessions.borrow_mut();
    Ok(keys_reply(sessions.install_embedded(session, &embedded, &kek, display)?))
}
