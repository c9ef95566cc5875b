//! Is the process up, and can it work?

use crate::{Role, Service};
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use std::sync::Arc;

pub(super) fn routes() -> Router<Arc<Service>> {
    Router::new().route("/healthz", get(async || "ok\n")).route("/readyz", get(ready))
}

async fn ready(State(service): State<Arc<Service>>) -> (StatusCode, &'static str) {
    let needs_store =
        [Role::Site, Role::Control, Role::Stream].into_iter().any(|role| service.config.has(role));
    let answers = async {
        service.store.read().await?.account(0).await?;
        Ok::<_, crate::store::StoreError>(())
    };
    if needs_store && let Err(error) = answers.await {
        tracing::error!(%error, "not ready");
        return (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n");
    }
    let signs = [Role::Control, Role::Individualize].into_iter().any(|role| service.config.has(role));
    if signs && !service.keys().signs_at(service.clock.now()) {
        tracing::error!("not ready: the signers' certificates do not hold now");
        return (StatusCode::SERVICE_UNAVAILABLE, "the signers' certificates do not hold now\n");
    }
    (StatusCode::OK, "ready\n")
}
