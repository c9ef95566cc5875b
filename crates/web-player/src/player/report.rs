//! What the player reports: `playerevent` to the site, `logblob` to the controller. Neither holds playback
//! up.

use nccp::{
    LogBlob, MovieId, NewRules, RequestMessage, ResponseMessage,
    json::{PlayerEvent as Report, PlayerEventKind},
};
use wasm_bindgen_futures::spawn_local;

use crate::{
    api,
    control::{Ask, Control},
};

/// Tells the site what happened (`POST /playerevent`).
pub(super) fn event(movie_id: MovieId, event: PlayerEventKind, code: Option<String>, position: Option<f64>) {
    let report = Report { movie_id, event, code, position };
    spawn_local(async move {
        let _ = api::player_event(&report).await;
    });
}

/// The last position, from a page that goes away.
pub(super) fn farewell(movie_id: MovieId, position: f64) {
    let report = Report { movie_id, event: PlayerEventKind::Hide, code: None, position: Some(position) };
    api::player_event_beacon(&report);
}

/// Logs where the film is, and counters, with the next envelope. What comes of it: new rules, when the film's
/// have changed.
pub(super) fn log(control: &Control, blob: LogBlob) -> impl Future<Output = Option<NewRules>> + use<> {
    let answer = control.ask(Ask::Message(RequestMessage::LogBlob(blob)));
    async move {
        match answer.await {
            Ok(ResponseMessage::LogBlob { rules, .. }) => rules,
            _ => None,
        }
    }
}
