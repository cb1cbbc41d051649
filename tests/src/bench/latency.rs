//! Latency from submission to receipt on an idle network, one write at a time.

use std::time::{Duration, Instant};

use anyhow::Result;

use super::LatencyArgs;
use super::network::{Network, commit};
use super::report::{Report, percentile};

/// Pause before each write. It is longer than the chain's shortest interval between blocks, so the
/// network is idle.
const PAUSE: Duration = Duration::from_millis(300);

pub(super) async fn run(args: LatencyArgs) -> Result<Report> {
    let mut report = Report::default();
    report.add_load();
    let network = Network::start(&args.place.dir).await?;
    let mut times_ms = Vec::new();
    for number in 0..args.operations {
        let (_, bytes) = network.maker.create(number)?;
        tokio::time::sleep(PAUSE).await;
        let node = number as usize % network.clients.len();
        let started = Instant::now();
        commit(&network.clients[node], &bytes).await?;
        times_ms.push(started.elapsed().as_secs_f64() * 1e3);
    }
    network.stop().await?;
    report.add("**commit latency, idle: p50**", percentile(&mut times_ms, 50), "ms");
    report.add("**commit latency, idle: p99**", percentile(&mut times_ms, 99), "ms");
    Ok(report)
}
