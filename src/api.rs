//! The JSON routes of the site.

use gloo::net::http::{Request, RequestBuilder, Response};
use nccp::{
    BoxCode, ErrorCode, MovieId,
    json::{Activate, Activated, Devices, ErrorBody, Library, Login, PlayerEvent, UnregisterDevice},
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

async fn send(request: RequestBuilder) -> Result<Response, Error> {
    checked(request.send().await.map_err(|_| Error::Network)?).await
}

async fn send_json(request: RequestBuilder, body: &impl Serialize) -> Result<Response, Error> {
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

async fn read<T: DeserializeOwned>(response: Response) -> Result<T, Error> {
    let status = response.status();
    response.json().await.map_err(|_| Error::Status(status))
}

/// `POST /login`: the answer sets the two session cookies.
pub async fn login(email: &str, password: &str) -> Result<(), Error> {
    let login = Login { email: email.to_owned(), password: password.to_owned(), next: None };
    send_json(Request::post("/login"), &login).await.map(drop)
}

/// `POST /logout`.
pub async fn logout() -> Result<(), Error> {
    send(Request::post("/logout").header("accept", "application/json")).await.map(drop)
}

/// `GET /api/library`.
pub async fn library() -> Result<Library, Error> {
    read(send(Request::get("/api/library")).await?).await
}

/// `GET /api/devices`.
pub async fn devices() -> Result<Devices, Error> {
    read(send(Request::get("/api/devices")).await?).await
}

/// `POST /Player/unregister_device`.
pub async fn unregister_device(device_id: nccp::DeviceId) -> Result<(), Error> {
    send_json(Request::post("/Player/unregister_device"), &UnregisterDevice { device_id }).await.map(drop)
}

/// `POST /activate`: asks which box shows a code, or confirms that it is to join the account.
pub async fn activate(code: &BoxCode, confirm: bool) -> Result<Activated, Error> {
    let activate = Activate { code: code.as_str().to_owned(), confirm };
    read(send_json(Request::post("/activate"), &activate).await?).await
}

/// `PUT` or `DELETE /api/queue/{movie}`.
pub async fn set_queued(movie: MovieId, queued: bool) -> Result<(), Error> {
    let route = format!("/api/queue/{movie}");
    send(if queued { Request::put(&route) } else { Request::delete(&route) }).await.map(drop)
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
