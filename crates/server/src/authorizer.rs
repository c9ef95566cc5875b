//! The operator's own say in who may play (B3): a URL that is asked before each authorization and license.
//!
//! It is asked outside of any transaction, so that a slow answer holds nobody else up.

use crate::Error;
use crate::config::{Authorizer, OnFailure};
use nccp::{ErrorCode, MovieId};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

/// Questions at a time; further ones wait, and count the wait.
const PARALLEL: usize = 32;
/// Octets of an answer at most.
const MAX_ANSWER: usize = 16 * 1024;

/// What the authorizer is told.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Question<'a> {
    /// Opaque, stable name of the account.
    pub(crate) account: &'a str,
    pub(crate) email: &'a str,
    pub(crate) plan: &'a str,
    /// Absent when the device registers in the same request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) device_id: Option<&'a str>,
    pub(crate) movie_id: MovieId,
    /// `authorization` and `license`, whichever were asked for.
    pub(crate) messages: &'a [&'static str],
    /// ISO 3166-1 alpha-2, where known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) country: Option<&'a str>,
    /// Unix seconds.
    pub(crate) time: u64,
}

#[derive(Deserialize)]
struct Verdict {
    allow: bool,
}

/// The client for the operator's URL.
pub(crate) struct Webhook {
    client: reqwest::Client,
    url: reqwest::Url,
    token: Option<Zeroizing<String>>,
    on_failure: OnFailure,
    timeout: Duration,
    turns: Semaphore,
}

impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Webhook")
    }
}

impl Webhook {
    /// A client by configuration.
    pub(crate) fn new(config: &Authorizer) -> Result<Self, Error> {
        let bad = |reason: &str| Error::Setting { name: "authorizer.url", reason: reason.to_owned() };
        // One provider of cryptography for the process; a second call finds the first.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let client = reqwest::Client::builder()
            .timeout(Duration::from_millis(config.timeout_ms))
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|_| bad("no client can be made for it"))?;
        let token = config.token_file.as_deref().map(crate::secret::read_file).transpose()?;
        Ok(Self {
            client,
            url: config.url.parse().map_err(|_| bad("is no URL"))?,
            token: token.map(|token| Zeroizing::new(token.trim().to_owned())),
            on_failure: config.on_failure,
            timeout: Duration::from_millis(config.timeout_ms),
            turns: Semaphore::new(PARALLEL),
        })
    }

    /// Asks. A refusal is `NOT_SUBSCRIBED`; no answer is what `authorizer.on_failure` says.
    pub(crate) async fn ask(&self, question: &Question<'_>) -> Result<(), ErrorCode> {
        let asked = tokio::time::timeout(self.timeout, async {
            let _turn = self.turns.acquire().await;
            self.request(question).await
        });
        let (answer, result) = match asked.await.unwrap_or(Err("it took too long")) {
            Ok(true) => ("allow", Ok(())),
            Ok(false) => ("deny", Err(ErrorCode::NotSubscribed)),
            Err(reason) => {
                tracing::warn!(reason, "the authorizer gave no answer");
                let result = match self.on_failure {
                    OnFailure::Deny => Err(ErrorCode::TryLater),
                    OnFailure::Allow => Ok(()),
                };
                ("failure", result)
            }
        };
        metrics::counter!("matinee_authorizer_total", "answer" => answer).increment(1);
        result
    }

    async fn request(&self, question: &Question<'_>) -> Result<bool, &'static str> {
        let mut request = self.client.post(self.url.clone()).json(question);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token.as_str());
        }
        let mut response = request.send().await.map_err(|error| match error {
            e if e.is_timeout() => "it took too long",
            _ => "it cannot be reached",
        })?;
        if response.status() == reqwest::StatusCode::FORBIDDEN {
            return Ok(false);
        }
        if response.status() != reqwest::StatusCode::OK {
            return Err("its status is neither 200 nor 403");
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|_| "its answer broke off")? {
            if body.len() + chunk.len() > MAX_ANSWER {
                return Err("its answer is too long");
            }
            body.extend_from_slice(&chunk);
        }
        let verdict: Verdict = serde_json::from_slice(&body).map_err(|_| "its answer is not understood")?;
        Ok(verdict.allow)
    }
}
