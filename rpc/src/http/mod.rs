//! The HTTP routes of the standards, the probes and the metrics (docs/protocol/http.md).

mod accept;
mod headers;
mod health;
mod identifiers;
mod listings;
mod schemas;
mod status_lists;
mod trqp;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use http::Method;
use prometheus_client::registry::Registry;
use tower_http::cors::{Any, CorsLayer};
use url::Url;

use crate::guard::RATE_LIMIT;
use crate::services::Services;

use headers::{LEDGER_AGE, LEDGER_HEIGHT, LEDGER_VERSION};

/// Returns the routes of the public listener, except JSON-RPC.
pub(crate) fn public(services: &Arc<Services>, public_url: Option<&Url>) -> Router {
    let identifiers = get(identifiers::get).post(identifiers::post);
    Router::new()
        .route("/1.0/identifiers", identifiers.clone())
        .route("/1.0/identifiers/", identifiers.clone())
        .route("/1.0/identifiers/{*did}", identifiers)
        .merge(listings::routes(services.reads.node.network(), public_url))
        .merge(trqp::routes(services.reads.node.network(), public_url))
        .route("/status-lists/{list}", get(status_lists::w3c))
        .route("/token-status-lists/{list}", get(status_lists::ietf))
        .route("/token-status-lists/aggregation/{issuer}", get(status_lists::aggregation))
        .route("/schemas/{id}", get(schemas::get))
        .route("/livez", get(health::live))
        .route("/readyz", get(health::ready))
        .with_state(Arc::clone(services))
}

/// Returns the routes of the admin listener.
pub(crate) fn admin(services: &Arc<Services>, registry: Registry) -> Router {
    let registry = Arc::new(registry);
    Router::new()
        .route("/livez", get(health::live))
        .route("/readyz", get(health::ready_verbose))
        .with_state(Arc::clone(services))
        .route("/metrics", get(move || health::metrics(Arc::clone(&registry))))
}

/// Lets web pages of any origin read and call. No route uses cookies, so CORS credentials are never
/// allowed.
pub(crate) fn cors() -> CorsLayer {
    let exposed = [
        http::header::ETAG,
        http::header::LINK,
        http::header::LOCATION,
        http::header::RETRY_AFTER,
        LEDGER_HEIGHT,
        LEDGER_AGE,
        LEDGER_VERSION,
        trqp::REQUEST_ID,
    ];
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::HEAD, Method::POST, Method::OPTIONS])
        .allow_headers(Any)
        .expose_headers(exposed.into_iter().chain(RATE_LIMIT).collect::<Vec<_>>())
}
