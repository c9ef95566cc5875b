//! The two requests of the control protocol: envelopes to the controller, challenges to a license server.

use control_client::{Error as ControlError, License, Sealed};
use nccp::json::ErrorBody;
use nccp::{CONTENT_TYPE, POLICY_VERSION_HEADER, SIGNATURE_HEADER, TICKET_HEADER};
use reqwest::{Client, Response, Url};

use crate::Error;

/// Octets of an answer at most: as many as the reader of envelopes takes.
const MAX_ANSWER: usize = 4 << 20;

/// Posts what the control client wants posted. The client follows no redirection and has no cookies.
pub(super) struct Http {
    client: Client,
    controller: Url,
}

impl Http {
    pub(super) fn new(client: Client, controller: Url) -> Self {
        Self { client, controller }
    }

    /// Posts an envelope; the answer's body, whatever its status.
    pub(super) fn envelope(
        &self,
        ticket: Option<String>,
        sealed: Sealed,
    ) -> impl Future<Output = Option<Vec<u8>>> + use<> {
        let request = self.client.post(self.controller.clone());
        let mut request =
            request.header("content-type", CONTENT_TYPE).header(SIGNATURE_HEADER, sealed.signature);
        if let Some(ticket) = ticket {
            request = request.header(TICKET_HEADER, ticket);
        }
        let request = request.body(sealed.body);
        async move { read(request.send().await.ok()?).await }
    }

    /// Posts a challenge (`POST /license`, docs/protocol.md §1).
    pub(super) fn challenge(
        &self,
        url: String,
        ticket: String,
        challenge: Vec<u8>,
    ) -> impl Future<Output = Result<License, ControlError<Error>>> + use<> {
        let request = self.client.post(url).header("content-type", "application/cose");
        let request = request.header(TICKET_HEADER, ticket).body(challenge);
        async move {
            let answer = request.send().await.map_err(|_| ControlError::Unreachable)?;
            let status = answer.status();
            let version = answer.headers().get(POLICY_VERSION_HEADER);
            let policy_version = version.and_then(|version| version.to_str().ok()).map(str::to_owned);
            let license = read(answer).await.ok_or(ControlError::Unreachable)?;
            if status.is_success() {
                return Ok(License { license, policy_version });
            }
            // What is not in the protocol's form is something in between.
            let refused = serde_json::from_slice::<ErrorBody>(&license);
            Err(refused.map_or(ControlError::Unreachable, ControlError::from))
        }
    }
}

/// The body, as far as it is bearable.
async fn read(mut answer: Response) -> Option<Vec<u8>> {
    let mut octets = Vec::new();
    while let Some(chunk) = answer.chunk().await.ok()? {
        if octets.len() + chunk.len() > MAX_ANSWER {
            return None;
        }
        octets.extend_from_slice(&chunk);
    }
    Some(octets)
}
