//! Device certificates: no account, no database.

use crate::Service;
use license::{IndividualizationGrant, IndividualizationRequest, KeyLevel};
use nccp::ErrorCode;

/// Answers an individualization request (COSE octets) with a certificate for its keys.
pub(crate) fn individualize(service: &Service, octets: &[u8]) -> Result<Vec<u8>, ErrorCode> {
    let now = service.clock.now();
    let invalid = |_| ErrorCode::CertificateInvalid;
    let request =
        IndividualizationRequest::verify(octets, service.keys().trust.public_url()).map_err(invalid)?;
    if service.keys().revoked.holds(request.component(), &request.signing_key) {
        return Err(ErrorCode::CertificateInvalid);
    }
    let certificate = service.keys().device_certificate.certify_device(&request, now).map_err(invalid)?;
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
    service.keys().individualization.sign_individualization(octets, certificate, &grant).map_err(invalid)
}
