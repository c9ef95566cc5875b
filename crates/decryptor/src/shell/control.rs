//! Identity, sealing and license sessions.

use std::rc::Rc;

use base64ct::{Base64, Base64UrlUnpadded, Encoding as _};
use drm_api::{DrmError, Event, KeyState, KeyStatus, Reply, Request, SessionId};
use isobmff::{Boxes, Pssh};
use license::{
    Challenge, Check, Display, DrmMetadata, KeyName, PSSH_SYSTEM_ID, PsshData, Refusal, Situation, Version,
    sha256,
};
use nccp::{DeviceId, Sequence};

use super::database::Database;
use super::domains;
use super::identity::{Identity, trusted_module};
use super::interop::{from_hex, hex, state};
use super::keys::{Decrypting, RsaPair, RsaPrivate, begin_decrypt_oaep, finish_decrypt_oaep};
use super::worker::{Worker, module_version};
use super::{kept, post};
use crate::Granted;

/// Handles one request; streams' requests do not come here.
pub(super) async fn handle(worker: &Worker, request: Request) -> Result<Reply, DrmError> {
    match request {
        Request::Open { account, release } => open(worker, account, from_hex(&release), false).await,
        Request::Individualize => {
            let identity = worker.identity()?;
            open(worker, identity.account.clone(), identity.release, true).await
        }
        Request::ResetIdentity => {
            let identity = worker.identity()?;
            *worker.identity.borrow_mut() = None;
            kept::forget(worker, &identity.component, None).await?;
            worker.database().await?.delete_keys(&identity.account).await?;
            open(worker, identity.account.clone(), identity.release, false).await
        }
        Request::Seal { device, ticket, messages, clock_offset } => {
            seal(worker, device, ticket.as_deref().unwrap_or_default(), &messages, clock_offset).await
        }
        Request::CreateSession => Ok(Reply::Session { session: worker.sessions.borrow_mut().create() }),
        Request::GenerateRequest { session, stream_id, device, ticket, init_data, display, clock_offset } => {
            let (keys, license_url) = key_names(worker, &init_data)?;
            let (stream_id, display) = (stream_id as u64, seen(display));
            let ask = Ask { stream_id, device, ticket, keys, license_url, display, clock_offset };
            challenge(worker, session, ask).await
        }
        Request::Update { session, license } => update(worker, session, &license).await,
        Request::Load { session, stream_id, device, display } => {
            kept::load(worker, session, stream_id as u64, &device, seen(display)).await
        }
        Request::Forget { stream_id } => {
            let identity = worker.identity()?;
            kept::forget(worker, &identity.component, stream_id.map(|id| id as u64)).await?;
            Ok(Reply::Done)
        }
        Request::KeepDomainKey { device, domain, epoch, key } => {
            domains::keep_key(worker, &device, (&domain, epoch), &key).await
        }
        Request::OpenEmbedded { session, metadata, display } => {
            domains::open(worker, session, &metadata, seen(display)).await
        }
        Request::CloseSession { session } => {
            worker.sessions.borrow_mut().close(session);
            take_challenge_key(worker, session);
            Ok(Reply::Done)
        }
        _ => Err(state("a request that this module does not know")),
    }
}

/// The displays, as licenses know them.
pub(super) fn seen(display: drm_api::Display) -> Display {
    match display {
        drm_api::Display::Unknown => Display::Unknown,
        drm_api::Display::Single => Display::Single,
        drm_api::Display::Extended => Display::Extended,
    }
}

/// Begins the RSA pair for the next challenge, once there is an identity that may need it. Nobody waits for it here.
pub(super) fn make_spare(worker: &Worker) {
    if worker.identity.borrow().is_none() || worker.spare.borrow().is_some() {
        return;
    }
    // Should it fail, the challenge will try again and say why.
    *worker.spare.borrow_mut() = worker.subtle().and_then(|subtle| RsaPair::begin(&subtle)).ok();
    // While that takes its time on another thread.
    if !worker.is_warm.replace(true) {
        cenc::AesCipher::warm_up();
    }
}

async fn open(
    worker: &Worker,
    account: String,
    release: Option<[u8; 32]>,
    anew: bool,
) -> Result<Reply, DrmError> {
    let database = worker.database().await?;
    trusted_module(&database, None).await?;
    let identity = Identity::open(worker, &database, account, release, anew).await?;
    let reply = identity.reply();
    *worker.identity.borrow_mut() = Some(Rc::new(identity));
    Ok(reply)
}

async fn seal(
    worker: &Worker,
    device: Option<String>,
    ticket: &str,
    messages: &str,
    clock_offset: f64,
) -> Result<Reply, DrmError> {
    let identity = worker.identity()?;
    let device = device.map(DeviceId::try_from).transpose().map_err(|_| state("a malformed device id"))?;
    let sequence = worker.database().await?.next_sequence(&identity.component).await?;
    let number = Sequence::try_from(sequence).map_err(|_| state("the sequence numbers are used up"))?;
    let client = concat!("matinee-web/", env!("CARGO_PKG_VERSION"));
    let body = nccp::seal_envelope(device.as_ref(), number, client_time(clock_offset), client, messages);
    let input = nccp::signing_input(
        &worker.config.controller_url,
        &sha256(body.as_bytes()),
        &sha256(ticket.as_bytes()),
    );
    let signature = identity.keys.signing.sign(&worker.subtle()?, input.as_bytes()).await?;
    Ok(Reply::Sealed {
        sequence: sequence as f64,
        body,
        signature: Base64UrlUnpadded::encode_string(&signature),
    })
}

fn client_time(clock_offset: f64) -> u64 {
    (js_sys::Date::now() / 1000.0 + clock_offset).max(0.0) as u64
}

/// What a challenge asks, for whom.
struct Ask {
    stream_id: u64,
    device: String,
    ticket: String,
    keys: Vec<KeyName>,
    license_url: Option<String>,
    display: Display,
    clock_offset: f64,
}

async fn challenge(worker: &Worker, session: SessionId, ask: Ask) -> Result<Reply, DrmError> {
    if !worker.sessions.borrow().contains(session) {
        return Err(state("no such session"));
    }
    let identity = worker.identity()?;
    let subtle = worker.subtle()?;
    let spare = worker.spare.borrow_mut().take();
    let begun = spare.map_or_else(|| RsaPair::begin(&subtle), Ok)?;
    let pair = RsaPair::finish(&subtle, begun).await?;
    let challenge = Challenge {
        ticket_sha256: sha256(ask.ticket.as_bytes()),
        device_id: ask.device.clone(),
        stream_id: ask.stream_id,
        keys: ask.keys,
        rsa_modulus: pair.modulus,
        nonce: license::nonce()
            .map_err(|_| DrmError::Unsupported { what: "crypto.getRandomValues".into() })?,
        time: client_time(ask.clock_offset),
        certificate: identity.octets.clone(),
        module_version: module_version(),
        player_release: identity.release.map(Vec::from).unwrap_or_default(),
        display: ask.display,
    };
    let object = challenge.to_be_signed(&worker.config.public_url, &identity.keys.signing.public);
    let signature = identity.keys.signing.sign(&subtle, object.message()).await?;
    let octets = object.finish(&signature);
    worker.sessions.borrow_mut().challenged(session, &octets, &ask.device, ask.display)?;
    take_challenge_key(worker, session);
    worker.challenge_keys.borrow_mut().push((session, ask.stream_id, pair.private));
    Ok(Reply::Challenge { challenge: Base64::encode_string(&octets), license_url: ask.license_url })
}

async fn update(worker: &Worker, session: SessionId, text: &str) -> Result<Reply, DrmError> {
    let octets = Base64::decode_vec(text).map_err(|_| DrmError::LicenseInvalid)?;
    take(worker, session, &octets, None).await
}

/// Takes a license: one that has come, or with its key one that was kept.
pub(super) async fn take(
    worker: &Worker,
    session: SessionId,
    octets: &[u8],
    kept: Option<RsaPrivate>,
) -> Result<Reply, DrmError> {
    let identity = worker.identity()?;
    let anchor = kept.is_none().then(|| worker.time.borrow().greatest());
    let origin = worker.scope.location().origin();
    let situation = situation(worker, &identity, &origin, Display::Unknown);
    let verified = worker.sessions.borrow().verify(
        session,
        octets,
        &worker.trust,
        anchor,
        module_version(),
        &situation,
    )?;
    let license = verified.license();
    let database = worker.database().await?;
    let subtle = worker.subtle()?;
    worker.learn_time(license.issued);
    let fresh = kept.is_none();
    let key = kept.map(|key| (0, key)).or_else(|| take_challenge_key(worker, session));
    let (stream_id, key) = key.ok_or_else(|| state("no challenge is out"))?;
    // Goes on while the database is asked.
    let decrypting = begin_decrypt_oaep(&subtle, &key, verified.kek_ciphertext());
    let kek = unwrap_kek(&database, license.oldest_module, decrypting).await?;
    let mut sessions = worker.sessions.borrow_mut();
    let granted = sessions.install(session, &verified, &kek)?;
    if let Some(challenge) = license.challenge_sha256.filter(|_| fresh && granted.policy().persistent) {
        kept::keep(database, &identity.component, stream_id, octets, (&key, &challenge));
    }
    Ok(keys_reply(granted))
}

/// Where and when licenses are to be used here.
pub(super) fn situation<'a>(
    worker: &Worker,
    identity: &Identity,
    origin: &'a str,
    display: Display,
) -> Situation<'a> {
    let (key_level, release) = (identity.certificate.level, identity.release);
    Situation { now: worker.now(), key_level, display, origin, release }
}

/// Waits for a license's KEK, and refuses it to a module that is too old.
pub(super) async fn unwrap_kek(
    database: &Database,
    oldest_module: Version,
    decrypting: Decrypting,
) -> Result<zeroize::Zeroizing<Vec<u8>>, DrmError> {
    let trusted = trusted_module(database, Some(oldest_module)).await;
    // Finished in any case, so that the browser's copy is overwritten.
    let kek = finish_decrypt_oaep(decrypting).await;
    trusted?;
    kek
}

/// What a session has now.
pub(super) fn keys_reply(granted: &Granted) -> Reply {
    let policy = granted.policy();
    Reply::Keys {
        keys: states(granted, Ok(())),
        expiration: policy.ends().map(|end| end as f64),
        max_height: policy.max_height,
        renew_after: policy.renew_after.map(|time| time as f64),
        continuous: policy.check == Check::Continuous,
        persistent: policy.persistent,
    }
}

/// What a license's keys are good for.
fn states(granted: &Granted, verdict: Result<(), Refusal>) -> Vec<KeyState> {
    let status = match verdict {
        Ok(()) => KeyStatus::Usable,
        Err(Refusal::Output) => KeyStatus::OutputRestricted,
        Err(_) => KeyStatus::Expired,
    };
    granted.kids().map(|kid| KeyState { kid: hex(kid.as_bytes()), status }).collect()
}

/// The displays have changed: tells what the keys are good for now.
pub(super) fn displays_changed(worker: &Worker, display: Display) {
    let mut sessions = worker.sessions.borrow_mut();
    sessions.set_display(display);
    for (session, granted) in sessions.granted() {
        let keys = states(granted, granted.state(worker.now()));
        post::event(&worker.port, &Event::Keys { session, keys }, None);
    }
}

fn take_challenge_key(worker: &Worker, session: SessionId) -> Option<(u64, RsaPrivate)> {
    let mut keys = worker.challenge_keys.borrow_mut();
    let at = keys.iter().position(|(of, ..)| *of == session)?;
    let (_, stream_id, key) = keys.swap_remove(at);
    Some((stream_id, key))
}

/// The keys that signed DRM metadata or `pssh` boxes name, none for empty data; and where their license comes from, which only what is
/// signed can say.
fn key_names(worker: &Worker, init_data: &[u8]) -> Result<(Vec<KeyName>, Option<String>), DrmError> {
    let malformed = || DrmError::Media { what: "the DRM metadata is not authentic or malformed".into() };
    if init_data.is_empty() {
        return Ok((Vec::new(), None));
    }
    // A COSE_Sign1 is an array of four; a box of that many bytes would not begin with 0x84.
    if init_data[0] == 0x84 {
        let metadata = DrmMetadata::verify(init_data, &worker.trust).map_err(|_| malformed())?;
        return Ok((metadata.keys, metadata.license_url));
    }
    let mut keys = Vec::new();
    for found in Boxes::new(init_data) {
        let found = found.map_err(|_| malformed())?;
        let Ok(pssh) = Pssh::parse(&found) else { continue };
        if pssh.system_id == PSSH_SYSTEM_ID {
            keys.extend(PsshData::decode(&pssh.data).map_err(|_| malformed())?.key_names());
        }
    }
    Ok((keys, None))
}
