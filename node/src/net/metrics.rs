//! Counters of the network. The owner of the metrics endpoint registers them.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// Counters since the start of the process. Clones share their values.
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    /// Number of connected peers.
    pub peers: Gauge,
    /// Peers cut for what they sent.
    pub peers_cut: Counter,
    /// Handshakes in which the peer showed another chain id.
    pub other_chain: Counter,
    /// Validator frames received.
    pub frames_in: Counter,
    /// Validator frames handed to the transport.
    pub frames_out: Counter,
    /// Validator frames dropped because the peer's queue was full. The oldest are dropped first.
    pub frames_dropped: Counter,
    /// Validator streams refused because their peer is not in the validator set.
    pub streams_refused: Counter,
    /// Gossip messages received, without repeated copies.
    pub gossip_in: Counter,
    /// Gossip messages published.
    pub gossip_out: Counter,
    /// Gossip messages that were not published because no peer was subscribed, the message had been
    /// seen already, or the queues were full.
    pub gossip_unpublished: Counter,
    /// Gossip messages ignored because the driver lagged behind.
    pub gossip_overload: Counter,
    /// Gossip messages that the driver rejected.
    pub gossip_rejected: Counter,
    /// Requests received.
    pub requests_in: Counter,
    /// Requests closed unanswered because too many were open.
    pub requests_refused: Counter,
    /// Requests sent.
    pub requests_out: Counter,
    /// Commands refused because the command channel was full.
    pub commands_dropped: Counter,
}

impl Metrics {
    /// Registers every counter under the prefix `p2p`.
    pub fn register(&self, registry: &mut Registry) {
        let registry = registry.sub_registry_with_prefix("p2p");
        registry.register("peers", "Peers connected", self.peers.clone());
        let counters = [
            ("peers_cut", "Peers cut for what they sent", &self.peers_cut),
            ("other_chain", "Handshakes that showed another chain", &self.other_chain),
            ("frames_in", "Validator frames received", &self.frames_in),
            ("frames_out", "Validator frames sent", &self.frames_out),
            ("frames_dropped", "Validator frames dropped, queue full", &self.frames_dropped),
            ("streams_refused", "Validator streams of non-validators", &self.streams_refused),
            ("gossip_in", "Gossip messages received, first copies", &self.gossip_in),
            ("gossip_out", "Gossip messages published", &self.gossip_out),
            ("gossip_unpublished", "Gossip messages not published", &self.gossip_unpublished),
            ("gossip_overload", "Gossip ignored, driver lagging", &self.gossip_overload),
            ("gossip_rejected", "Gossip messages rejected", &self.gossip_rejected),
            ("requests_in", "Requests received", &self.requests_in),
            ("requests_refused", "Requests closed unanswered", &self.requests_refused),
            ("requests_out", "Requests sent", &self.requests_out),
            ("commands_dropped", "Commands refused, channel full", &self.commands_dropped),
        ];
        for (name, help, counter) in counters {
            registry.register(name, help, counter.clone());
        }
    }
}
