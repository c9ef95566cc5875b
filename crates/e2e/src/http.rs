//! HTTP beside the browser.

/// An HTTP client.
pub(crate) fn client() -> reqwest::Client {
    // Beside the server's, this client has no cryptography of its own choice; what was installed before
    // stays.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    reqwest::Client::new()
}
