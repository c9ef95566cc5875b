//! The JSON routes of the site that its pages need.

use gloo::net::http::Request;
use nccp::{
    BoxCode, MovieId,
    json::{
        Activate, Activated, ChangePassword, Devices, Film, Login, OpenShare, OpenedShare, RenameDevice,
        Sessions, UnregisterDevice, Vote,
    },
};
pub use web_player::api::{Error, library};
use web_player::api::{read, send, send_json};

/// `POST /login`: the answer sets the two session cookies.
pub async fn login(email: &str, password: &str) -> Result<(), Error> {
    let login = Login { email: email.to_owned(), password: password.to_owned(), next: None };
    send_json(Request::post("/login"), &login).await.map(drop)
}

/// `POST /v/{token}`.
pub async fn open_share(token: &str, password: Option<String>) -> Result<OpenedShare, Error> {
    read(send_json(Request::post(&format!("/v/{token}")), &OpenShare { password }).await?).await
}

/// `POST /logout`.
pub async fn logout() -> Result<(), Error> {
    send(Request::post("/logout").header("accept", "application/json")).await.map(drop)
}

/// `POST /account/password`: the answer sets the two cookies of a new session.
pub async fn change_password(change: &ChangePassword) -> Result<(), Error> {
    send_json(Request::post("/account/password"), change).await.map(drop)
}

/// `GET /api/sessions`.
pub async fn sessions() -> Result<Sessions, Error> {
    read(send(Request::get("/api/sessions")).await?).await
}

/// `DELETE /api/sessions/{id}`.
pub async fn end_session(session_id: &str) -> Result<(), Error> {
    send(Request::delete(&format!("/api/sessions/{session_id}"))).await.map(drop)
}

/// `DELETE /api/sessions`: every session but this browser's.
pub async fn end_other_sessions() -> Result<(), Error> {
    send(Request::delete("/api/sessions")).await.map(drop)
}

/// `GET /api/devices`.
pub async fn devices() -> Result<Devices, Error> {
    read(send(Request::get("/api/devices")).await?).await
}

/// `PATCH /api/devices/{id}`: an empty name gives it back the one that it calls itself.
pub async fn rename_device(device_id: &nccp::DeviceId, name: String) -> Result<(), Error> {
    let route = format!("/api/devices/{device_id}");
    send_json(Request::patch(&route), &RenameDevice { name }).await.map(drop)
}

/// `GET /api/films/{movie}`.
pub async fn film(movie: MovieId) -> Result<Film, Error> {
    read(send(Request::get(&format!("/api/films/{movie}"))).await?).await
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

/// `PUT` or `DELETE /api/votes/{movie}`: whether the account likes a film; `None` takes back what it said.
pub async fn vote(movie: MovieId, liked: Option<bool>) -> Result<(), Error> {
    let route = format!("/api/votes/{movie}");
    match liked {
        Some(liked) => send_json(Request::put(&route), &Vote { liked }).await.map(drop),
        None => send(Request::delete(&route)).await.map(drop),
    }
}
