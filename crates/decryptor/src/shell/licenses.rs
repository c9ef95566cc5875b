//! License sessions: challenges and licenses, with the device's keys around the core's steps.

use std::cell::{Cell, RefCell};
use std::pin::Pin;

use drm_api::DrmError;
use drm_api::cdm::{self, KeyState, KeyStatus, Reply, Request, SessionId};
use license::{Check, Display, Refusal};

use super::database::Database;
use super::device::{Device, server_time};
use super::identity::Identity;
use super::interop::{hex, state};
use super::kept;
use super::keys::{
    Begun, LEVEL, MAKES_PAIRS_ELSEWHERE, RsaPair, RsaPrivate, begin_decrypt_oaep, finish_decrypt_oaep,
};
use super::module::{Module, check_version};
use crate::{Granted, InitData, LicenseRequest, Opener, PendingLicense};

/// What license sessions have ready.
#[derive(Default)]
pub(super) struct Licenses {
    /// The RSA pair for the next challenge, begun ahead.
    spare: RefCell<Option<Begun>>,
    /// The cipher has been warmed up.
    is_warm: Cell<bool>,
}

/// The displays, as licenses know them.
fn display(display: cdm::Display) -> Display {
    match display {
        cdm::Display::Unknown => Display::Unknown,
        cdm::Display::Single => Display::Single,
        cdm::Display::Extended => Display::Extended,
    }
}

impl Licenses {
    /// Handles one request.
    pub(super) async fn handle(
        &self,
        module: &Module,
        device: &Device,
        request: Request,
    ) -> Result<Reply, DrmError> {
        let request = match request {
            Request::CreateSession => {
                return Ok(Reply::Session { session: module.cdm.borrow_mut().create() });
            }
            Request::CloseSession { session } => {
                module.cdm.borrow_mut().close(session);
                return Ok(Reply::Done);
            }
            other => other,
        };
        let (identity, database) = (device.identity()?, module.database().await?);
        let device = as_device(module, &identity);
        let mut loaded = None;
        let begun = match request {
            Request::GenerateRequest {
                session,
                stream_id,
                device: device_id,
                ticket,
                init_data,
                display: shown,
                clock_offset,
            } => {
                let InitData { keys, license_url } = InitData::read(&init_data, &module.config.trust)?;
                let request = LicenseRequest {
                    stream_id: stream_id as u64,
                    device_id: &device_id,
                    ticket: &ticket,
                    keys,
                    display: display(shown),
                    time: server_time(clock_offset),
                    sequence: database.next_sequence(&identity.component).await?,
                };
                let challenge = self.challenge(module, &identity, session, request).await?;
                return Ok(Reply::Challenge { challenge, license_url });
            }
            Request::Forget { stream_id } => {
                let stream_id = stream_id.map(|id| id as u64);
                kept::forget(&database, &identity.component, stream_id).await?;
                return Ok(Reply::Done);
            }
            Request::Update { session, license } => {
                module.cdm.borrow_mut().begin_update(session, &license, &device, module.clocks())
            }
            Request::Load { session, stream_id, device: device_id, display: shown } => {
                let kept = kept::find(&database, &identity.component, stream_id as u64).await?;
                let kept = kept.ok_or_else(|| state("no license is kept"))?;
                loaded = Some(stream_id as u64);
                let registered = (device_id.as_str(), display(shown));
                module.cdm.borrow_mut().begin_load(session, kept, registered, &device, module.clocks())
            }
            Request::OpenEmbedded { session, metadata, display: shown } => {
                let (display, clocks) = (display(shown), module.clocks());
                module.cdm.borrow_mut().begin_embedded(session, &metadata, display, &device, clocks)
            }
            _ => return Err(state("a request that this module does not know")),
        };
        let taken = match begun {
            Ok(pending) => {
                // Behind a pointer, as in `worker`.
                let taking: Pin<Box<dyn Future<Output = _>>> =
                    Box::pin(take(module, &database, &identity.component, &pending));
                taking.await
            }
            Err(error) => Err(error.into()),
        };
        // One that was kept and does not hold any more is forgotten.
        if loaded.is_some() && matches!(taken, Err(DrmError::LicenseInvalid | DrmError::LicenseExpired)) {
            kept::forget(&database, &identity.component, loaded).await?;
        }
        taken
    }

    /// Begins the RSA pair for the first challenge as soon as the module is there, where that keeps nothing
    /// else waiting: a page that was come to by its address still loads the app then.
    pub(super) fn make_first(&self, module: &Module) {
        if MAKES_PAIRS_ELSEWHERE {
            self.begin_spare(module);
        }
    }

    /// Begins the RSA pair for the next challenge, once there is an identity that may need it. Nobody waits
    /// for it here.
    pub(super) fn make_spare(&self, module: &Module, device: &Device) {
        if device.identity().is_ok() {
            self.begin_spare(module);
        }
    }

    fn begin_spare(&self, module: &Module) {
        if self.spare.borrow().is_some() {
            return;
        }
        // One that fails later fails the challenge that takes it; the next challenge begins another.
        *self.spare.borrow_mut() = module.subtle().and_then(|subtle| RsaPair::begin(&subtle)).ok();
        // While that takes its time on another thread.
        if !self.is_warm.replace(true) {
            cenc::AesCipher::warm_up();
        }
    }

    async fn challenge(
        &self,
        module: &Module,
        identity: &Identity,
        session: SessionId,
        request: LicenseRequest<'_>,
    ) -> Result<Vec<u8>, DrmError> {
        // Before a pair is used up for it.
        if !module.cdm.borrow().contains(session) {
            return Err(crate::Error::NoSession.into());
        }
        let subtle = module.subtle()?;
        let spare = self.spare.borrow_mut().take();
        let begun = spare.map_or_else(|| RsaPair::begin(&subtle), Ok)?;
        let pair = RsaPair::finish(&subtle, begun).await?;
        let (device, pair) = (as_device(module, identity), (pair.modulus, pair.private));
        let pending = module.cdm.borrow_mut().begin_challenge(session, &device, request, pair)?;
        let signature = identity.keys.signing.sign(&subtle, pending.message()).await?;
        Ok(module.cdm.borrow_mut().finish_challenge(pending, &signature, module.clocks())?)
    }
}

/// Decrypts a verified license's KEK and installs its keys, unless this module is too old for it.
async fn take(
    module: &Module,
    database: &Database,
    component: &str,
    pending: &PendingLicense<RsaPrivate>,
) -> Result<Reply, DrmError> {
    module.keep_time();
    let key = match pending.opener() {
        Opener::Challenge(key) => key.clone(),
        Opener::Domain(of) => database.domain_key(of).await?.ok_or_else(|| state("no key of that domain"))?,
    };
    // Goes on while the database is asked.
    let decrypting = begin_decrypt_oaep(&module.subtle()?, &key, pending.kek_ciphertext());
    let trusted = check_version(database, Some(pending.oldest_module())).await;
    // Finished in any case, so that the browser's copy is overwritten.
    let kek = finish_decrypt_oaep(decrypting).await;
    trusted?;
    let reply = keys_reply(module.cdm.borrow_mut().finish_license(pending, &kek?)?);
    if let Some((stream_id, license)) = pending.to_keep() {
        kept::keep(database.clone(), component, stream_id, license);
    }
    Ok(reply)
}

fn as_device<'a>(module: &'a Module, identity: &'a Identity) -> crate::Device<'a> {
    crate::Device {
        trust: &module.config.trust,
        certificate: &identity.octets,
        signing_key: identity.keys.signing.public,
        key_level: LEVEL,
        origin: &module.origin,
        release: identity.release,
    }
}

/// What a session has now.
fn keys_reply(granted: &Granted) -> Reply {
    let policy = granted.policy();
    Reply::Keys {
        keys: key_states(granted, Ok(())),
        expiration: policy.ends().map(|end| end as f64),
        max_height: policy.max_height,
        renew_after: policy.renew_after.map(|time| time as f64),
        continuous: policy.check == Check::Continuous,
        persistent: policy.persistent,
    }
}

/// What a license's keys are good for.
fn key_states(granted: &Granted, verdict: Result<(), Refusal>) -> Vec<KeyState> {
    let status = match verdict {
        Ok(()) => KeyStatus::Usable,
        Err(Refusal::Output) => KeyStatus::OutputRestricted,
        Err(_) => KeyStatus::Expired,
    };
    granted.kids().map(|kid| KeyState { kid: hex(kid.as_bytes()), status }).collect()
}

/// The displays have changed: what the keys of each session are good for now.
pub(super) fn displays_changed(module: &Module, shown: cdm::Display) -> Vec<(SessionId, Vec<KeyState>)> {
    let now = module.now();
    let mut cdm = module.cdm.borrow_mut();
    cdm.set_display(display(shown));
    cdm.granted().map(|(session, granted)| (session, key_states(granted, granted.state(now)))).collect()
}
