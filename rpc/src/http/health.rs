//! Health probes and metrics.

use std::fmt::Write;
use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;

use crate::clock::now_ms;
use crate::limits::CLOCK_OFFSET_MS_MAX;
use crate::service::{Check, Head};
use crate::services::Services;

/// Answers `/livez`: always 200 while the process can answer. It ignores peers, since a restart
/// does not help a node that is cut off from them.
pub(super) async fn live() -> &'static str {
    "ok\n"
}

/// Answers `/readyz` of the public listener with `ready` or `not ready`.
pub(super) async fn ready(State(services): State<Arc<Services>>) -> Response {
    let checks = checks(&services);
    report(&checks, false)
}

/// Answers `/readyz` of the admin listener, with a line for each check if the query is `?verbose`.
pub(super) async fn ready_verbose(
    State(services): State<Arc<Services>>,
    RawQuery(query): RawQuery,
) -> Response {
    let checks = checks(&services);
    report(&checks, query.is_some_and(|query| is_verbose(&query)))
}

/// True if the query has a parameter `verbose`, whatever its value.
fn is_verbose(query: &str) -> bool {
    query.split('&').any(|parameter| parameter.split('=').next() == Some("verbose"))
}

fn report(checks: &[Check], verbose: bool) -> Response {
    let ready = checks.iter().all(|check| check.ok);
    let mut text = String::new();
    for Check { name, ok, detail } in checks.iter().filter(|_| verbose) {
        let mark = if *ok { '+' } else { '!' };
        // Writing to a `String` cannot fail.
        let _written = writeln!(text, "[{mark}] {name}: {detail}");
    }
    text.push_str(if ready { "ready\n" } else { "not ready\n" });
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, [(header::CACHE_CONTROL, "no-store")], text).into_response()
}

fn checks(services: &Services) -> Vec<Check> {
    let mut checks = services.reads.node.checks();
    checks.push(clock_check(&services.reads.head(), now_ms()));
    checks
}

/// Compares this node's clock with block time, which is the network's clock. The check fails if the
/// newest block is in this clock's future, or if the clock differed too much from block time when
/// the node saw the newest block decided.
fn clock_check(head: &Head, now_ms: u64) -> Check {
    let limit = CLOCK_OFFSET_MS_MAX;
    let ahead_ms = head.time_ms.saturating_sub(now_ms);
    let (ok, detail) = match head.clock_offset_ms {
        _ if ahead_ms > limit => {
            (false, format!("the newest block is {ahead_ms} ms ahead of this clock; set the clock"))
        }
        Some(offset_ms) if offset_ms.unsigned_abs() > limit => {
            (false, format!("{offset_ms} ms off block time, at most {limit}; set the clock"))
        }
        Some(offset_ms) => (true, format!("{offset_ms} ms off block time, at most {limit}")),
        None => (true, "no block was decided live yet".to_owned()),
    };
    Check { name: "clock", ok, detail }
}

/// Answers `/metrics` with all metrics in the OpenMetrics text format.
pub(super) async fn metrics(registry: Arc<Registry>) -> Response {
    let mut text = String::new();
    match encode(&mut text, &registry) {
        Ok(()) => {
            let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            ([(header::CONTENT_TYPE, content_type)], text).into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use registry_core::crypto::Hash;

    #[test]
    fn only_a_parameter_of_that_name_asks_for_the_checks() {
        for query in ["verbose", "verbose=", "verbose=true", "a=b&verbose"] {
            assert!(is_verbose(query), "{query}");
        }
        for query in ["", "verbosely", "verbose-not", "a=verbose", "VERBOSE"] {
            assert!(!is_verbose(query), "{query}");
        }
    }

    #[test]
    fn a_clock_that_is_off_either_way_is_not_ready() {
        let ok = |time_ms, clock_offset_ms| {
            let (hash, state_root) = (Hash::ZERO, Hash::ZERO);
            let head = Head { height: 1, time_ms, hash, state_root, halted_ms: 0, clock_offset_ms };
            clock_check(&head, 100_000).ok
        };
        assert!(ok(100_000, None) && ok(105_000, None) && ok(0, None));
        assert!(!ok(105_001, None));
        assert!(ok(90_000, Some(5_000)) && ok(90_000, Some(-5_000)));
        assert!(!ok(90_000, Some(5_001)) && !ok(90_000, Some(-5_001)));
    }
}
