//! Metrics of the node. They have CometBFT's names where their meaning is the same.

use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use rpc::service::Reader as _;

use super::Service;

/// Registers the gauges of the node. Their values are read at each scrape.
pub fn register_metrics(service: &Arc<Service>, registry: &mut Registry) {
    registry.register_collector(Box::new(NodeCollector(Arc::clone(service))));
}

struct NodeCollector(Arc<Service>);

impl std::fmt::Debug for NodeCollector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NodeCollector")
    }
}

impl Collector for NodeCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let status = self.0.status();
        let head = *self.0.heads().borrow();
        let missing = status.validators.iter().filter(|validator| validator.missing).count();
        let gauges: [(&str, &str, u64); 9] = [
            ("consensus_height", "Height of the newest block", head.height),
            (
                "consensus_rounds",
                "Round of the height being decided",
                status.round.as_ref().map_or(0, |round| u64::from(round.round)),
            ),
            ("consensus_validators", "Validators", status.validators.len() as u64),
            (
                "consensus_missing_validators",
                "Validators absent from the newest certificate",
                missing as u64,
            ),
            ("consensus_latest_block_time_ms", "Time of the newest block", head.time_ms),
            (
                "blocksync_syncing",
                "1 while the node fetches blocks that others decided",
                u64::from(status.catching_up),
            ),
            ("mempool_size", "Operations that wait for a block", status.mempool_operations as u64),
            ("mempool_size_bytes", "Bytes of these operations", status.mempool_bytes as u64),
            ("process_uptime_seconds", "Age of the process", self.0.uptime().as_secs()),
        ];
        for (name, help, value) in gauges {
            let gauge = ConstGauge::new(value);
            let metric = encoder.encode_descriptor(name, help, None, gauge.metric_type())?;
            gauge.encode(metric)?;
        }
        Ok(())
    }
}
