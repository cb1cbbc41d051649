//! HTTP: the standards surface, probes and metrics (docs/protocol/http.md).

mod accept;
mod headers;
mod health;
mod identifiers;
pub(crate) mod json;
mod listings;
mod schemas;
mod status_lists;
mod trqp;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::routing::{any, get};
use http::{HeaderName, Method, Request};
use prometheus_client::registry::Registry;
use tower_http::cors::{Any, CorsLayer};
use url::Url;

use crate::api::Api;
use crate::json_rpc::JsonRpc;
use crate::server::guard::{Guard, admit};

/// Height of the ledger that an answer is as of.
pub(crate) const LEDGER_HEIGHT: HeaderName = HeaderName::from_static("x-ledger-height");

/// Seconds since the block of that height.
pub(crate) const LEDGER_AGE: HeaderName = HeaderName::from_static("x-ledger-age");

/// Version of the status list that a view shows.
pub(crate) const LEDGER_VERSION: HeaderName = HeaderName::from_static("idem-ledger-version");

/// Everything on the public listener.
pub(crate) fn public(
    api: &Arc<Api>,
    json_rpc: JsonRpc,
    guard: &Arc<Guard>,
    public_url: Option<&Url>,
) -> Router {
    let json_rpc = move |request: Request<Body>| json_rpc.clone().serve(request);
    let identifiers = get(identifiers::get).post(identifiers::post);
    Router::new()
        .route("/1.0/identifiers", identifiers.clone())
        .route("/1.0/identifiers/", identifiers.clone())
        .route("/1.0/identifiers/{*did}", identifiers)
        .merge(listings::routes(api.node.network(), public_url))
        .merge(trqp::routes(api.node.network(), public_url))
        .route("/status-lists/{list}", get(status_lists::w3c))
        .route("/token-status-lists/{list}", get(status_lists::ietf))
        .route("/token-status-lists/aggregation/{issuer}", get(status_lists::aggregation))
        .route("/schemas/{id}", get(schemas::get))
        .route("/livez", get(health::live))
        .route("/readyz", get(health::ready))
        .with_state(Arc::clone(api))
        .route("/", any(json_rpc))
        .layer(axum::middleware::from_fn_with_state(Arc::clone(guard), admit))
        .layer(cors())
}

/// Everything on the admin listener.
pub(crate) fn admin(api: &Arc<Api>, registry: Registry) -> Router {
    let registry = Arc::new(registry);
    Router::new()
        .route("/livez", get(health::live))
        .route("/readyz", get(health::ready_verbose))
        .with_state(Arc::clone(api))
        .route("/metrics", get(move || health::metrics(Arc::clone(&registry))))
}

/// Any origin may read and call; nothing here goes by cookies, so credentials are never allowed.
fn cors() -> CorsLayer {
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
        .expose_headers(exposed)
}
