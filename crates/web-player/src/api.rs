//! The JSON routes of the site that a player needs, and what every one of them may answer.

use gloo::net::http::{Request, RequestBuilder, Response};
use nccp::{
    ErrorCode,
    json::{ErrorBody, Library, PlayerEvent},
};
use serde::{Serialize, de::DeserializeOwned};
use wasm_bindgen::JsValue;

/// Why a route did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No answer.
    #[error("the service did not answer")]
    Network,
    /// An answer with a code of the error table.
    #[error("{message}")]
    Refused {
        /// The code.
        code: ErrorCode,
        /// Words for people.
        message: String,
        /// Seconds until it is worth trying again, as the server says.
        retry_after: Option<u64>,
    },
    /// An answer that was not understood.
    #[error("the service answered with status {0}")]
    Status(u16),
}

impl Error {
    /// Whether the way on is to sign in.
    pub fn wants_login(&self) -> bool {
        matches!(self, Self::Refused { code: ErrorCode::LoginRequired, .. } | Self::Status(401))
    }
}

/// Sends a request.
///
/// # Errors
/// [`Error`], also for an answer whose status is not of success.
pub async fn send(request: RequestBuilder) -> Result<Response, Error> {
    checked(request.send().await.map_err(|_| Error::Network)?).await
}

/// Sends a request with `body` as JSON.
///
/// # Errors
/// Those of [`send`].
pub async fn send_json(request: RequestBuilder, body: &impl Serialize) -> Result<Response, Error> {
    let request = request.json(body).map_err(|_| Error::Status(0))?;
    checked(request.send().await.map_err(|_| Error::Network)?).await
}

async fn checked(response: Response) -> Result<Response, Error> {
    if response.ok() {
        return Ok(response);
    }
    let retry_after = response.headers().get("retry-after").and_then(|value| value.parse().ok());
    match response.json::<ErrorBody>().await {
        Ok(body) => Err(Error::Refused { code: body.code(), message: body.error.message, retry_after }),
        Err(_) => Err(Error::Status(response.status())),
    }
}

/// The JSON of an answer.
///
/// # Errors
/// [`Error::Status`] where it is another.
pub async fn read<T: DeserializeOwned>(response: Response) -> Result<T, Error> {
    let status = response.status();
    response.json().await.map_err(|_| Error::Status(status))
}

/// `GET /api/library`.
pub async fn library() -> Result<Library, Error> {
    read(send(Request::get("/api/library")).await?).await
}

/// `POST /playerevent`.
pub async fn player_event(event: &PlayerEvent) -> Result<(), Error> {
    send_json(Request::post("/playerevent"), event).await.map(drop)
}

/// `POST /playerevent` from a page that is going away.
pub fn player_event_beacon(event: &PlayerEvent) {
    let Ok(json) = serde_json::to_string(event) else { return };
    let parts = js_sys::Array::of1(&JsValue::from_str(&json));
    let options = web_sys::BlobPropertyBag::new();
    options.set_type("application/json");
    if let Ok(blob) = web_sys::Blob::new_with_str_sequence_and_options(&parts, &options) {
        let _ = gloo::utils::window().navigator().send_beacon_with_opt_blob("/playerevent", Some(&blob));
    }
}
