//! Metrics of the API. They share the registry with the node's own metrics.

use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabels {
    method: &'static str,
    result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct MethodLabel {
    method: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StatusLabel {
    status: u16,
}

/// Step in making a view of a status list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
pub(crate) enum ViewStep {
    /// Compressing the entries.
    Compress,
    /// Writing and signing the credential or token around the entries.
    Sign,
    /// Encoding the whole view with a content coding.
    Code,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ViewLabel {
    step: ViewStep,
}

/// Metrics of the public listener, of the JSON-RPC methods and of the making of views.
#[derive(Debug, Clone)]
pub(crate) struct Metrics {
    calls: Family<CallLabels, Counter>,
    call_seconds: Family<MethodLabel, Histogram, fn() -> Histogram>,
    responses: Family<StatusLabel, Counter>,
    pub(crate) rate_limited: Counter,
    pub(crate) connections: Gauge,
    pub(crate) connections_refused: Counter,
    pub(crate) subscriptions: Gauge,
    views: Family<ViewLabel, Counter>,
}

/// Returns a histogram with buckets from 50 µs to about 27 s.
fn call_histogram() -> Histogram {
    Histogram::new(exponential_buckets(0.000_05, 3.0, 13))
}

impl Metrics {
    /// Creates the metrics and registers them with the prefix `rpc`.
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            calls: Family::default(),
            call_seconds: Family::new_with_constructor(call_histogram),
            responses: Family::default(),
            rate_limited: Counter::default(),
            connections: Gauge::default(),
            connections_refused: Counter::default(),
            subscriptions: Gauge::default(),
            views: Family::default(),
        };
        let rpc = registry.sub_registry_with_prefix("rpc");
        rpc.register("requests", "JSON-RPC calls", metrics.calls.clone());
        rpc.register("request_seconds", "Time of JSON-RPC calls", metrics.call_seconds.clone());
        rpc.register("http_responses", "HTTP responses by status", metrics.responses.clone());
        rpc.register("rate_limited", "Requests over the rate", metrics.rate_limited.clone());
        rpc.register("connections", "Open public connections", metrics.connections.clone());
        let refused = metrics.connections_refused.clone();
        rpc.register("connections_refused", "Connections over a limit", refused);
        rpc.register("subscriptions", "Open subscriptions", metrics.subscriptions.clone());
        let help = "Work on views of status lists, which are kept";
        rpc.register("status_view_steps", help, metrics.views.clone());
        metrics
    }

    pub(crate) fn view(&self, step: ViewStep) {
        self.views.get_or_create(&ViewLabel { step }).inc();
    }

    pub(crate) fn call(&self, method: &'static str, ok: bool, time: Option<Duration>) {
        let result = if ok { "ok" } else { "error" };
        self.calls.get_or_create(&CallLabels { method, result }).inc();
        if let Some(time) = time {
            self.call_seconds.get_or_create(&MethodLabel { method }).observe(time.as_secs_f64());
        }
    }

    pub(crate) fn response(&self, status: u16) {
        self.responses.get_or_create(&StatusLabel { status }).inc();
    }
}
