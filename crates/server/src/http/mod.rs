//! HTTP: routes by role, and what holds for all of them.

mod account;
mod activate;
mod address;
mod api;
mod body;
mod controller;
mod cookies;
mod cors;
mod drm;
mod edge;
mod error;
mod grants;
mod guard;
mod health;
mod individualize;
mod ingest;
mod interop;
mod live;
mod login;
mod observe;
mod origin;
mod pages;
mod playlists;
mod reports;
mod shares;
mod steering;
mod stream;

use crate::use_case::verify::Audience;
use crate::{Role, Service};
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::{Extension, Router};
use std::sync::Arc;
use std::time::Duration;
use tower::util::option_layer;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::TimeoutLayer;

/// Media type of the DRM objects (RFC 9052, section 12).
const COSE: &str = "application/cose";
/// How long an answer may take to begin, a slow request body included.
const ANSWER: Duration = Duration::from_secs(30);

/// The routes of the configured roles.
pub fn router(service: Arc<Service>) -> Router {
    let boxes = &service.config().boxes;
    let audience =
        if boxes.listen.is_some() && !boxes.on_site { Audience::Browsers } else { Audience::Everybody };
    let config = service.config();
    let mut router = Router::new().merge(health::routes());
    if config.has(Role::Site) {
        let site = pages::routes().merge(login::routes()).merge(api::routes()).merge(activate::routes());
        let site = site.merge(shares::routes());
        let site = guarded(&service, site.merge(account::routes()));
        router = router.merge(site.layer(from_fn_with_state(Arc::clone(&service), guard::throttle_site)));
        // Of backends, which have budgets of their own.
        router = router.merge(guarded(&service, grants::routes()));
    }
    if config.has(Role::Control) {
        router = router.merge(guarded(&service, controller::routes(audience)));
        router = router.merge(interop::routes().layer(Extension(audience)));
    }
    if config.has(Role::Individualize) {
        router = router.merge(guarded(&service, individualize::routes()));
    }
    if config.has(Role::Edge) || config.has(Role::Origin) {
        router = router.merge(edge::routes());
    } else if config.has(Role::Control) {
        router = router.merge(edge::drm_routes());
    }
    if config.has(Role::Control) || config.has(Role::Edge) {
        router = router.merge(steering::routes());
    }
    if config.has(Role::Edge) {
        router = router.merge(reports::routes());
    }
    if config.has(Role::Stream) {
        router = router.merge(stream::routes());
    }
    if config.has(Role::Site) || config.has(Role::Edge) || config.has(Role::Origin) {
        router = router.merge(pages::client_access_policy());
    }
    if config.has(Role::Ingest) {
        router = router.merge(live::routes());
    }
    let takes_in = config.has(Role::Ingest);
    let router = around(Arc::clone(&service), router, Name::Public);
    if takes_in { router.merge(endless(service)) } else { router }
}

/// The routes of encoders, whose requests may never end.
fn endless(service: Arc<Service>) -> Router {
    ingest::routes()
        .layer((from_fn_with_state(Arc::clone(&service), observe::log), CatchPanicLayer::new()))
        .with_state(service)
}

/// The routes for encoders on a listener of their own.
pub(crate) fn ingest_router(service: Arc<Service>) -> Router {
    around(Arc::clone(&service), health::routes(), Name::Any).merge(endless(service))
}

/// The routes for boxes on a listener of their own: A125. No pages, no cookies.
pub fn box_router(service: Arc<Service>) -> Router {
    let router = health::routes().merge(controller::routes(Audience::Boxes)).merge(pages::pictures());
    around(service, router, Name::Any)
}

/// What another site's page may not do, and what listed ones may.
fn guarded(service: &Arc<Service>, router: Router<Arc<Service>>) -> Router<Arc<Service>> {
    router.layer((
        from_fn_with_state(Arc::clone(service), cors::answer_embedders),
        from_fn_with_state(Arc::clone(service), guard::refuse_foreign_posts),
    ))
}

/// By which names a listener may be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Name {
    /// By that of `public_url`: browsers that come by another one are sent there.
    Public,
    Any,
}

/// What holds for every answer. It is one layer: of layers that are put around each other a router clones for
/// each request, at each of them, all that are left.
fn around(service: Arc<Service>, router: Router<Arc<Service>>, name: Name) -> Router {
    let policies = Arc::new(guard::PagePolicies::new(&service.config));
    let one_name = (name == Name::Public)
        .then(|| from_fn_with_state(Arc::clone(&service), guard::redirect_to_public_host));
    router
        .layer((
            from_fn_with_state(Arc::clone(&service), observe::log),
            CatchPanicLayer::new(),
            TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, ANSWER),
            from_fn_with_state((Arc::clone(&service), policies), guard::security_headers),
            option_layer(one_name),
        ))
        .with_state(service)
}
