//! B3: the operator's own authorizer.

use super::client::{Client, id};
use super::world::{EMAIL, MOVIE, OTHER_MOVIE, World};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse as _;
use nccp::{ErrorCode, RequestMessage};
use serde_json::{Value, json};
use server::store::{AuditFilter, Store as _};
use std::os::unix::fs::PermissionsExt as _;
use std::sync::{Arc, Mutex};

#[derive(Clone, Default)]
pub(crate) struct Operator {
    asked: Arc<Mutex<Vec<(HeaderMap, Value)>>>,
    /// Status and body of the next answers; `None`: never answers.
    answer: Arc<Mutex<Option<(u16, String)>>>,
}

impl Operator {
    pub(crate) fn says(&self, status: u16, body: &str) {
        *self.answer.lock().unwrap() = Some((status, body.to_owned()));
    }

    pub(crate) fn questions(&self) -> Vec<Value> {
        std::mem::take(&mut *self.asked.lock().unwrap()).into_iter().map(|(_, question)| question).collect()
    }
}

async fn hear(
    State(operator): State<Operator>,
    headers: HeaderMap,
    body: axum::Json<Value>,
) -> axum::response::Response {
    operator.asked.lock().unwrap().push((headers, body.0));
    let answer = operator.answer.lock().unwrap().clone();
    match answer {
        Some((status, body)) => (StatusCode::from_u16(status).unwrap(), body).into_response(),
        None => std::future::pending().await,
    }
}

/// A service that asks an operator; `more` goes into its table.
pub(crate) async fn world(more: &str) -> (World, Operator, tempfile::TempDir) {
    let operator = Operator::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let app = axum::Router::new().route("/may-play", axum::routing::post(hear)).with_state(operator.clone());
    tokio::spawn(axum::serve(listener, app).into_future());
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, "s3cret\n").unwrap();
    std::fs::set_permissions(&token, std::fs::Permissions::from_mode(0o600)).unwrap();
    let config = format!(
        "[authorizer]\nurl = \"http://127.0.0.1:{port}/may-play\"\ntoken_file = \"{}\"\n{more}",
        token.display()
    );
    (World::with(&config).await, operator, folder)
}

fn authorization(movie: u64) -> RequestMessage {
    RequestMessage::Authorization { movie_id: id(movie) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b3_the_operator_has_a_say() {
    let (world, operator, _token) = world("timeout_ms = 10000").await;
    operator.says(200, r#"{"allow": true}"#);
    let mut client = Client::registered(&world).await;
    let license =
        RequestMessage::License { stream_id: id(MOVIE), challenge: client.challenge(&world, MOVIE) };
    let both = client.call(&world, &[authorization(MOVIE), license.clone()]).await.unwrap();
    assert!(both.iter().all(Result::is_ok), "{both:?}");
    assert_eq!(operator.asked.lock().unwrap()[0].0["authorization"], "Bearer s3cret");
    let questions = operator.questions();
    assert_eq!(questions.len(), 1, "one question for one movie of one request");
    let question = &questions[0];
    assert_eq!(question["email"], EMAIL);
    assert_eq!(question["plan"], "unlimited");
    assert_eq!(question["movie_id"], MOVIE);
    assert_eq!(question["messages"], json!(["authorization", "license"]));
    assert_eq!(question["device_id"], client.device.as_ref().unwrap().as_str());

    for (status, body) in [(200, r#"{"allow": false}"#), (403, "")] {
        operator.says(status, body);
        assert_eq!(client.one(&world, authorization(OTHER_MOVIE)).await, Err(ErrorCode::NotSubscribed));
        assert_eq!(client.one(&world, license.clone()).await, Err(ErrorCode::NotSubscribed));
        let challenge = client.challenge(&world, MOVIE);
        let headers =
            [("x-cticket", client.ticket.as_deref().unwrap()), ("content-type", "application/cose")];
        let raw = world.request("POST", "/license", &headers, &challenge).await;
        assert!(raw.status == 403 && raw.text().contains("NOT_SUBSCRIBED"), "{}", raw.text());
    }
    // Message and raw route, each of the two times, are in the audit log.
    let filter = AuditFilter { movie: Some(MOVIE), most: 100, ..AuditFilter::default() };
    let audited = world.store.read().await.unwrap().audited(&filter).await.unwrap();
    let refused = audited.iter().filter(|audited| audited.entry.result == "NOT_SUBSCRIBED");
    assert_eq!(refused.filter(|audited| audited.entry.action == "license").count(), 4);
    // A film that does not exist is nobody's question.
    operator.says(200, r#"{"allow": true}"#);
    operator.questions();
    let answers = client.call(&world, &[authorization(99_999), authorization(MOVIE)]).await.unwrap();
    assert_eq!(answers[0], Err(ErrorCode::MovieUnknown));
    assert!(answers[1].is_ok() && operator.questions().len() == 1);
    // What needs no say needs no question.
    operator.questions();
    client.one(&world, RequestMessage::MovieMetadata { movie_id: id(MOVIE) }).await.unwrap();
    assert!(operator.questions().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b3_without_an_answer_the_documented_rule_holds() {
    for (more, expected) in
        [("timeout_ms = 200", Err(ErrorCode::TryLater)), ("timeout_ms = 200\non_failure = \"allow\"", Ok(()))]
    {
        let (world, operator, _token) = world(more).await;
        let mut client = Client::registered(&world).await;
        // Silence, an error, nonsense, a redirect elsewhere, an endless answer.
        assert_eq!(client.one(&world, authorization(MOVIE)).await.map(drop), expected, "silence");
        let endless = format!("{{\"allow\": true, \"x\": \"{}\"}}", "x".repeat(100_000));
        for (status, body) in [(500, ""), (200, "yes"), (200, ""), (302, ""), (200, &endless)] {
            operator.says(status, body);
            assert_eq!(
                client.one(&world, authorization(MOVIE)).await.map(drop),
                expected,
                "{status} {body:.20}"
            );
        }
    }
}

/// What the operator said of one account is not taken for another's that registers in the same envelope.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_verdict_is_about_one_account() {
    let (world, operator, _token) = world("timeout_ms = 10000").await;
    operator.says(200, r#"{"allow": true}"#);
    let mut client = Client::registered(&world).await;
    client.cookies = world.add_account("eve@example.org", "unlimited").await;
    let register = client.register_message();
    let messages = [RequestMessage::Queue, register, authorization(MOVIE)];
    let answers = client.call(&world, &messages).await.unwrap();
    assert!(answers[0].is_ok() && answers[1].is_ok(), "{answers:?}");
    assert_eq!(answers[2], Err(ErrorCode::TryLater));
    assert_eq!(operator.questions()[0]["email"], EMAIL);
}
