//! Listings that the clients of resolvers read before they resolve: methods, properties, test
//! identifiers and traits.

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use http::{HeaderValue, StatusCode};
use registry_core::id::NetworkName;
use serde_json::{Value, json};
use url::Url;

use crate::json;
use crate::services::Services;

/// Returns the routes of the four listings, each with and without a trailing slash.
pub(super) fn routes(network: &NetworkName, public_url: Option<&Url>) -> Router<Arc<Services>> {
    let listings = [
        ("methods", json!(["idem"])),
        ("properties", properties(network, public_url)),
        ("testIdentifiers", json!({ "idem": [] })),
        ("traits", traits()),
    ];
    listings.into_iter().fold(Router::new(), |router, (name, value)| {
        let listing = get(async move || {
            json::response(StatusCode::OK, HeaderValue::from_static("application/json"), &value)
        });
        router
            .route(&format!("/1.0/{name}"), listing.clone())
            .route(&format!("/1.0/{name}/"), listing)
    })
}

/// Describes this node as one driver in the format of the Universal Resolver, whose clients read
/// `http.pattern`.
fn properties(network: &NetworkName, public_url: Option<&Url>) -> Value {
    let mut http = json!({ "pattern": "^(did:idem:[a-z][a-z0-9-]{1,30}:[a-z2-7]{32})$" });
    if let (Some(url), Some(http)) = (public_url, http.as_object_mut()) {
        let base = url.as_str().trim_end_matches('/');
        http.insert("resolverUri".to_owned(), json!(format!("{base}/1.0/identifiers/")));
    }
    json!({ "driver-idem": { "http": http, "network": network.to_string() } })
}

/// Describes the DID method in the terms of DIF DID Traits.
fn traits() -> Value {
    json!({ "idem": {
        "updatable": true,
        "deactivatable": true,
        "deletable": false,
        "enumerable": false,
        "humanReadable": false,
        "selfCertifying": true,
        "historyAvailable": true,
        "historySigned": true,
        "multiSignature": true,
        "preRotationOfKeys": true,
        "hostedCentrally": false,
        "resolvableGlobally": false,
    }})
}
