//! Device certificates: no account, no database.

use super::{Failure, Outcome};
use crate::Service;
use license::{IndividualizationGrant, IndividualizationRequest, KeyLevel};
use nccp::ErrorCode;

/// Answers an individualization request (COSE octets) with a certificate for its keys.
pub(crate) fn individualize(service: &Service, octets: &[u8]) -> Outcome<Vec<u8>> {
    let (now, keys) = (service.clock.now(), service.keys());
    let request = IndividualizationRequest::verify(octets, keys.trust.public_url())
        .map_err(|_| ErrorCode::CertificateInvalid)?;
    if keys.revoked.holds(request.component(), request.signing_key.as_bytes()) {
        return Err(ErrorCode::CertificateInvalid.into());
    }
    let unsigned = |what| move |error| Failure::Signing { what, error };
    let certificate = keys.device_certificate.certify_device(&request, now);
    let certificate = certificate.map_err(unsigned("a device certificate"))?;
    // A server without the site's files names no module.
    let module = service.site.as_ref().and_then(|site| match request.level {
        KeyLevel::Software => site.compat(),
        _ => site.module(),
    });
    let grant = IndividualizationGrant {
        module_url: module.map_or("", |module| module.wasm.as_str()),
        module_sha256: module.map_or([0; 32], |module| module.sha256),
        oldest_module: service.oldest_module,
        now,
    };
    let answer = keys.individualization.sign_individualization(octets, certificate, &grant);
    answer.map_err(unsigned("an individualization"))
}
