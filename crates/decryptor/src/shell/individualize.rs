//! `POST /individualize`: public keys out, device certificate in.

use drm_api::DrmError;
use js_sys::Uint8Array;
use license::{Individualization, IndividualizationRequest};
use wasm_bindgen::prelude::*;
use web_sys::{AbortSignal, RequestCredentials, RequestInit, Response, WorkerGlobalScope};

use super::database::DeviceKeys;
use super::interop::{hex, object, octets, wait};
use super::keys::LEVEL;
use super::module::{Module, wall};
use crate::module_version;

/// How long an answer is waited for, milliseconds: everything else of the identity waits along.
const TIMEOUT: u32 = 20_000;

/// Asks for a certificate for these keys; the verified answer.
pub(super) async fn individualize(module: &Module, keys: &DeviceKeys) -> Result<Individualization, DrmError> {
    let Module { scope, config, .. } = module;
    let invalid = |_| DrmError::IndividualizationInvalid;
    let mut description = scope.navigator().user_agent().unwrap_or_default();
    // 400 bytes, at a character's border.
    while description.len() > 400 {
        description.pop();
    }
    let request = IndividualizationRequest {
        signing_key: keys.signing.public,
        rsa_modulus: keys.rsa.modulus,
        level: LEVEL,
        description,
        module_version: module_version(),
        time: wall() as u64,
        nonce: license::nonce().map_err(invalid)?,
    };
    let object = request.to_be_signed(&config.public_url);
    let signature = keys.signing.sign(&module.subtle()?, object.message()).await?;
    let request = object.finish(&signature);
    let answer = post(scope, &config.individualize_url, &request).await?;
    let (answer, _) = Individualization::verify(&answer, &config.trust, &request).map_err(invalid)?;
    // A server without the site's files names no module.
    if !answer.module_url.is_empty() && hex(&answer.module_sha256) != config.module_sha256 {
        return Err(DrmError::ModuleMismatch);
    }
    Ok(answer)
}

#[cfg(not(feature = "compat"))]
fn timeout(_: &WorkerGlobalScope) -> Option<AbortSignal> {
    Some(AbortSignal::timeout_with_u32(TIMEOUT))
}

/// Browsers without SIMD may lack `AbortSignal.timeout`, too.
#[cfg(feature = "compat")]
fn timeout(scope: &WorkerGlobalScope) -> Option<AbortSignal> {
    let controller = web_sys::AbortController::new().ok()?;
    let signal = controller.signal();
    let abort = Closure::once_into_js(move || controller.abort());
    scope
        .set_timeout_with_callback_and_timeout_and_arguments_0(abort.unchecked_ref(), TIMEOUT as i32)
        .ok()?;
    Some(signal)
}

async fn post(scope: &WorkerGlobalScope, url: &str, body: &[u8]) -> Result<Vec<u8>, DrmError> {
    let failed = |status| DrmError::Network { what: "/individualize".into(), status };
    let init = RequestInit::new();
    init.set_method("POST");
    init.set_credentials(RequestCredentials::Omit);
    init.set_body(&Uint8Array::from(body));
    init.set_signal(timeout(scope).as_ref());
    init.set_headers(&object(&[("Content-Type", &"application/cose".into())]));
    let response = wait(Ok(scope.fetch_with_str_and_init(url, &init))).await.map_err(|_| failed(0))?;
    let response: Response = response.unchecked_into();
    if !response.ok() {
        return Err(failed(response.status()));
    }
    let body = wait(response.array_buffer()).await.map_err(|_| failed(0))?;
    Ok(octets(&body))
}
