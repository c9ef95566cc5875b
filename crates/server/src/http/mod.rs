//! HTTP: routes by role, and what holds for all of them.

mod api;
mod body;
mod controller;
mod cookies;
mod edge;
mod error;
mod guard;
mod health;
mod individualize;
mod login;
mod observe;
mod pages;

use crate::{Role, Service};
use axum::Router;
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state};
use std::sync::Arc;
use std::time::Duration;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::TimeoutLayer;

/// How long an answer may take to begin, a slow request body included.
const ANSWER: Duration = Duration::from_secs(30);

/// The routes of the configured roles.
pub fn router(service: Arc<Service>) -> Router {
    let config = service.config();
    let mut router = Router::new().merge(health::routes());
    if config.has(Role::Site) {
        let site = pages::routes().merge(login::routes()).merge(api::routes());
        router =
            router.merge(site.layer(from_fn_with_state(Arc::clone(&service), guard::refuse_foreign_posts)));
    }
    if config.has(Role::Control) {
        let guarded = controller::routes();
        router = router
            .merge(guarded.layer(from_fn_with_state(Arc::clone(&service), guard::refuse_foreign_posts)));
    }
    if config.has(Role::Individualize) {
        router = router.merge(individualize::routes());
    }
    if config.has(Role::Edge) {
        router = router.merge(edge::routes());
    }
    if config.has(Role::Site) || config.has(Role::Edge) {
        router = router.merge(pages::client_access_policy());
    }
    router
        .layer(from_fn_with_state(Arc::clone(&service), guard::redirect_to_public_host))
        .layer(from_fn_with_state(Arc::clone(&service), guard::security_headers))
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, ANSWER))
        .layer(CatchPanicLayer::new())
        .layer(from_fn(observe::log))
        .with_state(service)
}
