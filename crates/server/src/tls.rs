//! TLS by rustls, with a certificate that can be replaced while the server runs.

use crate::Error;
use crate::config::Tls;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::sync::{Arc, PoisonError, RwLock};
use tokio_rustls::TlsAcceptor;

/// What TLS calls HTTP/2 (RFC 9113, section 3.1).
pub(crate) const HTTP2: &[u8] = b"h2";

/// The certificate in force.
pub(crate) struct TlsIdentity {
    files: Tls,
    config: RwLock<Arc<ServerConfig>>,
}

impl std::fmt::Debug for TlsIdentity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TlsIdentity").field("files", &self.files).finish_non_exhaustive()
    }
}

impl TlsIdentity {
    /// Reads certificate and key.
    pub(crate) fn open(files: &Tls) -> Result<Self, Error> {
        Ok(Self { config: RwLock::new(read(files)?), files: files.clone() })
    }

    /// Reads them again; what cannot be read leaves what was there.
    pub(crate) fn reload(&self) -> Result<(), Error> {
        let config = read(&self.files)?;
        *self.config.write().unwrap_or_else(PoisonError::into_inner) = config;
        Ok(())
    }

    /// For the next connection.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        Arc::clone(&self.config.read().unwrap_or_else(PoisonError::into_inner)).into()
    }
}

fn read(files: &Tls) -> Result<Arc<ServerConfig>, Error> {
    let bad = |name, path: &std::path::Path, reason: &dyn std::fmt::Display| Error::Setting {
        name,
        reason: format!("{}: {reason}", path.display()),
    };
    let chain = std::fs::read(&files.certificate).map_err(Error::io(&files.certificate))?;
    let chain = CertificateDer::pem_slice_iter(&chain)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|e| bad("tls.certificate", &files.certificate, &e))?;
    let key = crate::secret::read_file(&files.key)?;
    // The error may quote the file.
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes())
        .map_err(|_| bad("tls.key", &files.key, &"holds no private key in PEM"))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| Error::Internal("no TLS version is supported"))?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|e| bad("tls.certificate", &files.certificate, &e))?;
    config.alpn_protocols = vec![HTTP2.to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
