//! The two requests of the control protocol: envelopes to the controller, challenges to a license server.

use std::pin::pin;

use control_client::{License, Sealed};
use futures_util::future::poll_immediate;
use gloo::net::http::Request;
use nccp::{
    CONTENT_TYPE, CONTROLLER_PATH, POLICY_VERSION_HEADER, SIGNATURE_HEADER, TICKET_HEADER, json::ErrorBody,
};
use web_sys::{RequestCredentials, RequestRedirect};

use super::Error;

/// Posts an envelope; the answer's body, whatever its status. `departed` is called when the browser has it.
pub(super) async fn post(sealed: Sealed, ticket: Option<String>, departed: impl FnOnce()) -> Option<Vec<u8>> {
    let mut request = Request::post(CONTROLLER_PATH)
        .header("content-type", CONTENT_TYPE)
        .header(SIGNATURE_HEADER, &sealed.signature);
    if let Some(ticket) = ticket {
        request = request.header(TICKET_HEADER, &ticket);
    }
    let mut sending = pin!(request.body(sealed.body).ok()?.send());
    // The first poll hands it to the browser.
    let early = poll_immediate(&mut sending).await;
    departed();
    let answer = match early {
        Some(answer) => answer,
        None => sending.await,
    };
    answer.ok()?.binary().await.ok()
}

/// Posts a challenge (`POST /license`, docs/protocol.md §1).
pub(super) async fn post_challenge(url: &str, ticket: &str, challenge: &[u8]) -> Result<License, Error> {
    let request = Request::post(url)
        .credentials(RequestCredentials::Omit)
        .redirect(RequestRedirect::Error)
        .header("content-type", "application/cose")
        .header(TICKET_HEADER, ticket)
        .body(js_sys::Uint8Array::from(challenge))
        .map_err(|_| Error::Protocol)?;
    let answer = request.send().await.map_err(|_| Error::Unreachable)?;
    if !answer.ok() {
        // What is not in the protocol's form is something in between.
        let refused = answer.json::<ErrorBody>().await;
        return Err(refused.map_or(Error::Unreachable, Error::from));
    }
    let policy_version = answer.headers().get(POLICY_VERSION_HEADER);
    let license = answer.binary().await.map_err(|_| Error::Unreachable)?;
    Ok(License { license, policy_version })
}
