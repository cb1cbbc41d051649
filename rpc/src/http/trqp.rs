//! ToIP Trust Registry Query Protocol v2.0: `/authorization`, `/recognition`, and the discovery
//! document (docs/protocol/http.md, "Trust registry queries").

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode, header};
use registry_core::id::NetworkName;
use registry_core::time::TimeMs;
use serde::Serialize;
use serde_json::{Map, Value, json};
use url::Url;

use super::headers::as_of;
use crate::clock::millis;
use crate::error::{ApiError, NodeCode};
use crate::json;
use crate::limits::REQUEST_ID_BYTES_MAX;
use crate::reads::Moment;
use crate::service::Head;
use crate::services::Services;
use crate::trust::ask::{Standing, TrustQuery};
use crate::trust::explain::sentence;

/// Header by which a client identifies a request. The response repeats it.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const WELL_KNOWN: &str = "/.well-known/trqp";
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Returns the routes of both queries and of the discovery document, which names their URLs.
pub(super) fn routes(network: &NetworkName, public_url: Option<&Url>) -> Router<Arc<Services>> {
    let base = public_url.map_or("", |url| url.as_str().trim_end_matches('/'));
    let document = json!({
        "protocol": "https://trustoverip.org/trqp/v2",
        "version": "2.0",
        "network": network.to_string(),
        "authorization": format!("{base}/authorization"),
        "recognition": format!("{base}/recognition"),
    });
    let found = get(async move || json::response(StatusCode::OK, JSON, &document));
    Router::new()
        .route("/authorization", post(authorization))
        .route("/recognition", post(recognition))
        .route(WELL_KNOWN, found)
}

/// Answer of both queries, with the member names of the protocol's JSON schemas.
#[derive(Serialize)]
struct TrqpAnswer {
    #[serde(flatten)]
    question: Ids,
    #[serde(flatten)]
    ruling: Ruling,
    #[serde(skip_serializing_if = "Option::is_none")]
    time_requested: Option<String>,
    time_evaluated: String,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<Map<String, Value>>,
    #[serde(flatten)]
    standing: Standing,
    #[serde(rename = "evaluationBasis")]
    evaluation_basis: &'static str,
}

#[derive(Serialize)]
struct Ids {
    entity_id: String,
    authority_id: String,
    action: String,
    resource: String,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Ruling {
    Authorized(bool),
    Recognized(bool),
}

/// A query whose body was read.
struct Query {
    asked: TrustQuery,
    /// Members of the query's `context` that are strings. The answer repeats them and leaves out
    /// the others.
    context: Option<Map<String, Value>>,
    /// Time that the query asks about, and the text that states it.
    time: Option<(TimeMs, String)>,
}

/// Reason why a query gets no answer.
struct QueryError {
    status: StatusCode,
    detail: String,
}

impl QueryError {
    fn malformed(detail: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, detail: detail.into() }
    }
}

impl From<ApiError> for QueryError {
    /// Maps every refusal to 404, since the only thing that an answer requires to exist is the
    /// authority.
    fn from(error: ApiError) -> Self {
        let (status, detail) = match error {
            ApiError::Refused(refusal) => {
                (StatusCode::NOT_FOUND, format!("authority_id: {}", refusal.detail))
            }
            ApiError::Node { code: NodeCode::FutureTime, detail } => {
                (StatusCode::BAD_REQUEST, format!("context.time: {detail}"))
            }
            other => (StatusCode::INTERNAL_SERVER_ERROR, other.to_string()),
        };
        Self { status, detail }
    }
}

/// Answers `POST /authorization`.
async fn authorization(State(services): State<Arc<Services>>, request: Request<Body>) -> Response {
    answer(&services, request, |query, moment| {
        let found = services.trust.ask_right(&query.asked, moment)?;
        let message = sentence(&query.asked, &found);
        let standing = Standing::of_answer(&found).in_trqp_terms();
        Ok((Ruling::Authorized(found.is_authorised()), standing, message))
    })
    .await
}

/// Answers `POST /recognition`.
async fn recognition(State(services): State<Arc<Services>>, request: Request<Body>) -> Response {
    answer(&services, request, |query, moment| {
        let found = services.trust.ask_recognised(&query.asked, moment)?;
        let TrustQuery { authority, entity, action, resource, .. } = &query.asked;
        let standing = Standing::of_recognised(&found).in_trqp_terms();
        let verb = if found.is_recognised() { "recognises" } else { "does not recognise" };
        let message =
            format!("{authority} {verb} {entity} to {action} on {resource}: {}", standing.status);
        Ok((Ruling::Recognized(found.is_recognised()), standing, message))
    })
    .await
}

async fn answer(
    services: &Services,
    request: Request<Body>,
    ask: impl FnOnce(&Query, &Moment) -> Result<(Ruling, Standing, String), ApiError>,
) -> Response {
    let (parts, body) = request.into_parts();
    let (mut response, head) = match json::body(body).await {
        Err(refused) => (refused, None),
        Ok(bytes) => match evaluate(&bytes, ask, services).await {
            Ok((answer, head)) => (json::response(StatusCode::OK, JSON, &answer), Some(head)),
            Err(QueryError { status, detail }) => (json::problem(status, &detail), None),
        },
    };
    let headers = response.headers_mut();
    if let Some(head) = &head {
        as_of(headers, head);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let link = HeaderValue::from_static("</.well-known/trqp>; rel=\"service-desc\"");
    headers.insert(header::LINK, link);
    if let Some(id) = request_id(&parts.headers) {
        headers.insert(REQUEST_ID, id.clone());
    }
    response
}

fn request_id(headers: &HeaderMap) -> Option<&HeaderValue> {
    headers.get(REQUEST_ID).filter(|id| id.len() <= REQUEST_ID_BYTES_MAX)
}

async fn evaluate(
    bytes: &[u8],
    ask: impl FnOnce(&Query, &Moment) -> Result<(Ruling, Standing, String), ApiError>,
    services: &Services,
) -> Result<(TrqpAnswer, Head), QueryError> {
    let query = read(bytes)?;
    let moment = services.reads.moment(query.time.as_ref().map(|(time, _)| *time), None).await?;
    let (ruling, standing, message) = ask(&query, &moment)?;
    let Query { asked, context, time } = query;
    let TrustQuery { authority, entity, action, resource, .. } = asked;
    let answer = TrqpAnswer {
        question: Ids { entity_id: entity, authority_id: authority, action, resource },
        ruling,
        evaluation_basis: match &time {
            Some((TimeMs(time_ms), _)) if *time_ms < moment.head.time_ms => "historical_state",
            _ => "current_state",
        },
        time_requested: time.map(|(_, text)| text),
        time_evaluated: millis(moment.head.time_ms),
        message,
        context,
        standing,
    };
    Ok((answer, moment.head))
}

fn read(bytes: &[u8]) -> Result<Query, QueryError> {
    let mut members: Map<String, Value> = serde_json::from_slice(bytes).map_err(|error| {
        QueryError::malformed(format!("the body must be a JSON object: {error}"))
    })?;
    let mut text = |name: &str| match members.remove(name) {
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(QueryError::malformed(format!("{name} must be a string"))),
        None => Err(QueryError::malformed(format!("{name} is missing; it is required"))),
    };
    let asked = TrustQuery {
        entity: text("entity_id")?,
        authority: text("authority_id")?,
        action: text("action")?,
        resource: text("resource")?,
        minimum_assurance: None,
    };
    let context = match members.remove("context") {
        None => None,
        Some(Value::Object(context)) => Some(context),
        Some(_) => return Err(QueryError::malformed("context must be an object")),
    };
    let time = match context.as_ref().and_then(|context| context.get("time")) {
        None => None,
        Some(Value::String(text)) if text.is_empty() => None,
        Some(Value::String(text)) => {
            let time = TimeMs::floor_of_text(text).ok_or_else(|| {
                let rule = "RFC 3339 since 1970 in UTC with Z, as 2026-01-31T12:00:00Z";
                QueryError::malformed(format!("context.time {text:?} must be {rule}"))
            })?;
            Some((time, text.clone()))
        }
        Some(_) => return Err(QueryError::malformed("context.time must be a string")),
    };
    let strings = |context: Map<String, Value>| -> Map<String, Value> {
        context.into_iter().filter(|(_, value)| value.is_string()).collect()
    };
    Ok(Query { asked, context: context.map(strings), time })
}
